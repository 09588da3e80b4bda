"""`risk-platform watch`: the live stream of the service, a line for each message."""

import sys
from decimal import Decimal
from typing import Annotated, Any

import typer


def watch(
    email: Annotated[str, typer.Argument(help="Who listens: an address that may sign in.")],
    url: Annotated[str, typer.Option(help="Address of the API.")] = "http://127.0.0.1:8000",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    topics: Annotated[
        str, typer.Option(help="Some of decisions, alerts, judgements, health, with commas between.")
    ] = "",
    levels: Annotated[
        str, typer.Option(help="Of decisions and alerts: some of LOW, MEDIUM, HIGH, CRITICAL.")
    ] = "",
    after: Annotated[int | None, typer.Option(help="Begin behind that sequence of the inbox.", min=0)] = None,
    count: Annotated[int | None, typer.Option(help="End after so many messages.", min=1)] = None,
    json_lines: Annotated[
        bool, typer.Option("--json-lines", help="Print each message as it comes, JSON.")
    ] = False,
) -> None:
    """Print what happens until Ctrl-C; a connection that breaks is opened again where it was."""
    import orjson

    from risk_platform.api.client import ApiClient
    from risk_platform.api.listening import messages

    password = (
        sys.stdin.readline().rstrip("\n") if password_stdin else typer.prompt("Password", hide_input=True)
    )
    wanted = {name: text for name, text in (("topics", topics), ("levels", levels)) if text}
    heard = 0
    with ApiClient(url) as client:
        client.sign_in(email, password)
        for text in messages(client, wanted, after, lambda sentence: typer.echo(sentence, err=True)):
            message = orjson.loads(text)
            typer.echo(text if json_lines else _line(message))
            heard += message["topics"] != ["opened"]
            if heard == count:
                return


def _line(message: dict[str, Any]) -> str:
    from risk_platform.transactions.currencies import minor_digits

    data, topics = message["data"], ",".join(message["topics"])
    head = f"{message['sequence']:>9}  {topics:<16}"
    if "decision_id" in data:
        digits = minor_digits()[data["currency"]]
        amount = f"{Decimal(data['amount_minor']).scaleb(-digits):,} {data['currency']} {data['channel']}"
        name = f"{data['source']}:{data['transaction_id']}"
        reasons = " ".join(data["reason_codes"])
        return (
            f"{head}  {data['level']:<8} {data['score']:.3f} {data['advice']:<7} {name}  {amount}  {reasons}"
        )
    return f"{head}  " + "  ".join(f"{name}={value}" for name, value in data.items() if value is not None)
