"""`risk-platform demo`: simulated payments through the whole asset graph, then a summary."""

import json
import os
import sys
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console

from risk_platform.errors import InputError
from risk_platform.home import Home, prepare_home
from risk_platform.settings import Settings, settings


@dataclass(frozen=True)
class DemoPeriod:
    """What the demo of an installation was made of; a second call makes the same again."""

    customers: int
    days: int
    seed: int
    first_day: str

    @property
    def first(self) -> date:
        return date.fromisoformat(self.first_day)

    @property
    def last(self) -> date:
        return self.first + timedelta(days=self.days - 1)


def demo(
    customers: Annotated[int, typer.Option(min=100, help="Customers to simulate.")] = 800,
    days: Annotated[int, typer.Option(min=60, help="Days to simulate, ending yesterday.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed of the simulation.")] = 7,
    alerts: Annotated[
        bool,
        typer.Option("--alerts", help="Raise the alerts of what nobody judged, for analysts to work on."),
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the summary to this file as well.")
    ] = None,
) -> None:
    """Simulate payments, materialize every asset, print a summary and what to open."""
    from risk_platform.cli.materialize import materialize
    from risk_platform.cli.summary import print_summary, summarize
    from risk_platform.lake.lake import Lake

    started = perf_counter()
    console = Console(file=sys.stdout)
    current = settings()
    home = prepare_home(current)
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    period = demo_period(current, home, customers, days, seed)
    lay_out_payments(home, period, console)
    console.print("[bold]2/3[/bold] Materializing every asset (first, dbt parses its project) …")
    ops = {"decisions": {"config": {"alerts": alerts}}}
    materialize("everything_job", period.first, period.last, console, ops)
    console.print("[bold]3/3[/bold] Summary\n")
    summary = summarize(Lake(current.lake_root, current.lake_options), seconds=perf_counter() - started)
    print_summary(summary, console)
    if json_file:
        json_file.write_text(json.dumps(summary.as_json(), indent=2) + "\n")


def demo_period(current: Settings, home: Home, customers: int, days: int, seed: int) -> DemoPeriod:
    """The period of this installation's demo: the recorded one, or a new one that ends yesterday.

    Raises InputError when the installation holds other payments, or a demo of another size.
    """
    from risk_platform.lake.lake import Lake
    from risk_platform.lake.tables import RAW_TRANSACTIONS

    record = home.root / "demo.json"
    if record.exists():
        period = DemoPeriod(**json.loads(record.read_text()))
        if (period.customers, period.days, period.seed) != (customers, days, seed):
            raise InputError(
                f"{home.root} holds a demo of {period.customers} customers, {period.days} days, seed {period.seed}; "
                "set RISK_HOME to another folder for a different one."
            )
        return period
    if Lake(current.lake_root, current.lake_options).exists(RAW_TRANSACTIONS):
        raise InputError(
            f"{home.root} holds payments that are no demo; set RISK_HOME to another folder for the demo."
        )
    yesterday = datetime.now(current.zone).date() - timedelta(days=1)
    first = yesterday - timedelta(days=days - 1)
    if first < current.start_date:
        raise InputError(
            f"The demo would begin on {first}, before RISK_START_DATE {current.start_date}; "
            f"set that to {first} or earlier."
        )
    return DemoPeriod(customers, days, seed, first.isoformat())


def lay_out_payments(home: Home, period: DemoPeriod, console: Console) -> None:
    """Put the simulated files, and one with spoiled rows, into the landing folder; done before, it stays as it is."""
    from risk_platform.transactions.simulator.config import SimulationConfig
    from risk_platform.transactions.simulator.files import write_simulation
    from risk_platform.transactions.simulator.spoiled import write_spoiled_rows

    record = home.root / "demo.json"
    if record.exists():
        console.print("[bold]1/3[/bold] The payments of this demo are there already.")
        return
    console.print(f"[bold]1/3[/bold] Simulating {period.days} days of {period.customers:,} customers …")
    config = SimulationConfig(period.customers, period.days, period.first, period.seed)
    work = home.work / "demo"
    summary = write_simulation(config, work)
    write_spoiled_rows(summary.files.payments, work / "spoiled.csv")
    for source, mapping in (
        (summary.files.payments, "canonical"),
        (work / "spoiled.csv", "canonical"),
        (summary.files.judgements, "canonical_judgements"),
        (summary.files.parties, "canonical_parties"),
    ):
        folder = home.landing_history / mapping
        folder.mkdir(exist_ok=True)
        source.replace(folder / source.name)
    record.write_text(json.dumps(asdict(period)) + "\n")
    console.print(
        f"    {summary.payments:,} payments, {sum(summary.frauds.values()):,} of them fraud\n",
        highlight=False,
    )
