"""`risk-platform engine`: the long-lived process that decides live payments."""

import os
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console


def engine(
    snapshot_events: Annotated[
        int, typer.Option(help="Take a snapshot of the feature state after so many events.")
    ] = 1_000_000,
    snapshot_minutes: Annotated[
        float, typer.Option(help="Take one after so many minutes, when anything came in.")
    ] = 10,
) -> None:
    """Restore the state, then decide what comes in at RISK_HOME/engine.sock until SIGTERM or Ctrl-C."""
    from risk_platform.home import prepare_home
    from risk_platform.intake.faults import fault_point
    from risk_platform.intake.service import SnapshotPace, serve
    from risk_platform.settings import settings

    console = Console()
    serve(
        settings(),
        prepare_home(settings()),
        lambda: datetime.now(UTC),
        SnapshotPace(snapshot_events, timedelta(minutes=snapshot_minutes)),
        lambda text: console.print(text, highlight=False, markup=False),
        fault_point(os.environ),
    )
