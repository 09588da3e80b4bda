"""`risk-platform user`: who may sign in, made by whoever runs the installation."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from risk_platform.operations.accounts import Role

user = typer.Typer(no_args_is_help=True, help="Users of the service.")


@user.command("add")
def add(
    email: Annotated[str, typer.Argument(help="Address to sign in with.")],
    role: Annotated[
        str, typer.Option(help="Admin, Analyst, Viewer, Compliance, or Service for a payment system.")
    ],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Add an active user; the password is asked for unless it comes on standard input."""
    from datetime import UTC, datetime

    from risk_platform.api.passwords import Passwords
    from risk_platform.home import prepare_home
    from risk_platform.intake.events import micros
    from risk_platform.operations.accounts import Accounts
    from risk_platform.operations.database import bring_up_to_date, database_url, open_database
    from risk_platform.settings import settings

    wanted, address = _role(role), _address(email)
    password = (
        sys.stdin.readline().rstrip("\n")
        if password_stdin
        else typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    )
    password_hash = Passwords().hash(password)
    database = open_database(database_url(settings().database_url, prepare_home(settings()).root))
    bring_up_to_date(database)
    added = Accounts(database).add(address, password_hash, wanted, micros(datetime.now(UTC)), "command line")
    database.dispose()
    Console().print(f"{added.email} may sign in as {wanted.value}.", highlight=False)


def _role(written: str) -> "Role":
    from risk_platform.errors import InputError
    from risk_platform.operations.accounts import Role

    try:
        return Role(written)
    except ValueError:
        raise InputError(f"No role is called {written!r}; there are {', '.join(Role)}.") from None


def _address(written: str) -> str:
    from pydantic import TypeAdapter, ValidationError

    from risk_platform.api.routes.auth import Email
    from risk_platform.errors import InputError

    try:
        return str(TypeAdapter(Email).validate_python(written))
    except ValidationError:
        raise InputError(
            f"{written!r} is no address to sign in with; write one such as a@example.com."
        ) from None
