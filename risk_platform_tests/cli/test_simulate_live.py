"""`simulate --live` against a running service: what it counts is what the service took in."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from risk_platform.cli.main import app
from risk_platform.errors import InputError, ServiceError
from risk_platform.operations.accounts import Role
from risk_platform.operations.database import database_url
from risk_platform.operations.store import Store
from risk_platform_tests.api.site import PASSWORD, Site, address, site

SMALL = ["simulate", "--live", "--customers", "30", "--days", "20"]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("live") / "home") as running:
        yield running


@pytest.fixture(autouse=True)
def passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISK_API_PASSWORD", PASSWORD)
    monkeypatch.setenv("RISK_JUDGE_PASSWORD", PASSWORD)


def test_what_is_counted_is_in_the_inbox(service: Site, tmp_path: Path) -> None:
    facts = tmp_path / "facts.json"
    callers = ["--email", address(Role.SERVICE), "--judge-email", address(Role.ANALYST)]
    where = ["--url", service.url, "--rate", "500", "--minutes", "0.1", "--json", str(facts)]
    result = CliRunner().invoke(app, [*SMALL, *callers, *where])
    assert result.exit_code == 0, result.output
    counts = json.loads(facts.read_text())
    store = Store.open(database_url(None, service.settings.home))
    kinds: dict[str, int] = {}
    for run in store.runs():
        kinds[run.kind] = kinds.get(run.kind, 0) + run.events
    store.close()
    assert counts["sent"] == counts["accepted"] == kinds["payment"] > 300
    assert counts["refused"] == {}
    assert counts["judgements"] == kinds["judgement"] > 0


def test_a_service_that_is_not_there_is_named(service: Site) -> None:
    where = ["--url", "http://127.0.0.1:9", "--email", address(Role.SERVICE)]
    result = CliRunner().invoke(app, [*SMALL, *where])
    assert isinstance(result.exception, ServiceError)
    assert "No service answers at http://127.0.0.1:9" in str(result.exception)


def test_a_caller_has_to_be_named() -> None:
    result = CliRunner().invoke(app, SMALL)
    assert isinstance(result.exception, InputError)
    assert "risk-platform user add" in str(result.exception)
