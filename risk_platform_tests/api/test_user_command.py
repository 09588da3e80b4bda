"""`risk-platform user add`: the first Admin, and nobody by default."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from risk_platform.cli.main import app
from risk_platform.errors import InputError
from risk_platform.operations.accounts import Accounts, Role, User
from risk_platform.operations.database import bring_up_to_date, database_url, open_database
from risk_platform.settings import settings
from risk_platform_tests.api.site import PASSWORD


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("RISK_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield tmp_path / "home"
    settings.cache_clear()


def add(email: str, role: str, password: str) -> str:
    arguments = ["user", "add", email, "--role", role, "--password-stdin"]
    result = CliRunner().invoke(app, arguments, input=f"{password}\n", catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def users(home: Path) -> list[User]:
    home.mkdir(exist_ok=True)
    database = open_database(database_url(None, home))
    bring_up_to_date(database)
    found = Accounts(database).page("", 100)
    database.dispose()
    return found


def test_the_first_admin_is_made_by_command(home: Path) -> None:
    assert users(home) == []
    assert add("Root@Example.com", "Admin", PASSWORD) == "root@example.com may sign in as Admin.\n"
    [root] = users(home)
    assert (root.role, root.state) == (Role.ADMIN, "active")
    assert root.password_hash.startswith("$argon2id$")


@pytest.mark.parametrize(
    ("email", "role", "password", "words"),
    [
        ("root@example.com", "Root", PASSWORD, "Admin, Analyst, Viewer, Compliance, Service"),
        ("root", "Admin", PASSWORD, "no address"),
        ("root@example.com", "Admin", "short", "12 to 128"),
    ],
)
def test_what_is_wrong_is_said(home: Path, email: str, role: str, password: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        add(email, role, password)
    assert users(home) == []


def test_an_address_is_taken_once(home: Path) -> None:
    add("a@example.com", "Viewer", PASSWORD)
    with pytest.raises(InputError, match="already"):
        add("A@example.com", "Admin", PASSWORD)
