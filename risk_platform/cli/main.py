"""`risk-platform`: the command line, one file per command."""

import sys

import typer

from risk_platform.cli.api import api
from risk_platform.cli.audit import audit
from risk_platform.cli.bench import bench
from risk_platform.cli.decide import decide
from risk_platform.cli.demo import demo
from risk_platform.cli.engine import engine
from risk_platform.cli.evaluate import evaluate
from risk_platform.cli.ingest import ingest
from risk_platform.cli.replay import replay
from risk_platform.cli.reproduce import reproduce
from risk_platform.cli.simulate import simulate
from risk_platform.cli.up import up
from risk_platform.cli.user import user
from risk_platform.cli.watch import watch
from risk_platform.errors import RiskPlatformError
from risk_platform.telemetry import switch_off_telemetry

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(audit, name="audit")
app.add_typer(bench, name="bench")
app.add_typer(user, name="user")
app.command("api")(api)
app.command("decide")(decide)
app.command("demo")(demo)
app.command("engine")(engine)
app.command("evaluate")(evaluate)
app.command("ingest")(ingest)
app.command("replay")(replay)
app.command("reproduce")(reproduce)
app.command("simulate")(simulate)
app.command("up")(up)
app.command("watch")(watch)


def run() -> None:
    """Run the command line; a refused request ends with one sentence on stderr and exit code 1."""
    switch_off_telemetry()
    try:
        app()
    except RiskPlatformError as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(1) from None
