"""`risk-platform simulate`: payments of an Indian payment ecosystem, with labelled fraud."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

if TYPE_CHECKING:
    from risk_platform.transactions.simulator.config import SimulationConfig
    from risk_platform.transactions.simulator.files import SimulationSummary


Out = Annotated[
    Path | None,
    typer.Option(help="Payments file (.parquet or .csv), or a folder; siblings lie beside it."),
]
FirstDay = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day.")]
Live = Annotated[bool, typer.Option("--live", help="Post to the service instead, as time goes by.")]
Rate = Annotated[float, typer.Option(min=0.01, max=10_000, help="Live: payments a second.")]
Minutes = Annotated[
    float | None, typer.Option(min=0.01, help="Live: stop after so many minutes; else at Ctrl-C.")
]
Url = Annotated[str | None, typer.Option(help="Live: where the service listens; default RISK_API_URL.")]
Email = Annotated[
    str | None, typer.Option(envvar="RISK_API_EMAIL", help="Live: a Service user; see RISK_API_PASSWORD.")
]
JudgeEmail = Annotated[
    str | None,
    typer.Option(
        envvar="RISK_JUDGE_EMAIL", help="Live: an Analyst who judges later; see RISK_JUDGE_PASSWORD."
    ),
]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the summary to this file as well.")]


def simulate(
    out: Out = None,
    customers: Annotated[int, typer.Option(help="Customers on the first day.")] = 5_000,
    days: Annotated[int, typer.Option(help="Days to simulate.")] = 90,
    start: FirstDay = datetime(2026, 1, 1),  # noqa: DTZ001
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
    fraud_share: Annotated[float, typer.Option(help="Share of payments that are fraud.")] = 0.006,
    live: Live = False,
    rate: Rate = 5.0,
    minutes: Minutes = None,
    url: Url = None,
    email: Email = None,
    judge_email: JudgeEmail = None,
    json_file: JsonFile = None,
) -> None:
    """Simulate payments, judgements, parties and their ground truth: as files, or live to the service."""
    from risk_platform.cli.live_simulation import Callers, simulate_live
    from risk_platform.errors import InputError
    from risk_platform.settings import settings
    from risk_platform.transactions.simulator.config import SimulationConfig

    console = Console()
    config = SimulationConfig(customers, days, start.date(), seed, fraud_share)
    if live:
        callers = Callers(url or settings().api_url, email, judge_email)
        facts, title = simulate_live(config, rate, minutes, callers, console), "Sent to the service"
    elif out is None:
        raise InputError("Say where the files go with --out, or post to the service with --live.")
    else:
        facts, title = _as_files(config, out, console), "Simulated payments"
    console.print(_summary_table(facts, title))
    if json_file:
        json_file.write_text(json.dumps(facts, indent=2) + "\n")


def _as_files(config: SimulationConfig, out: Path, console: Console) -> dict[str, object]:
    from risk_platform.transactions.simulator.files import write_simulation

    started = perf_counter()
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("Simulating", total=config.days)
        summary = write_simulation(config, out, lambda done, _: bar.update(task, completed=done))
    return summary_facts(config, summary, perf_counter() - started)


def summary_facts(config: SimulationConfig, summary: SimulationSummary, seconds: float) -> dict[str, object]:
    """What `--json` holds: payments, frauds by typology, days, files and speed."""
    files = summary.files
    last = date.fromordinal(config.start.toordinal() + config.days - 1)
    return {
        "payments": summary.payments,
        "frauds": sum(summary.frauds.values()),
        "fraud_share": sum(summary.frauds.values()) / max(1, summary.payments),
        "frauds_by_typology": dict(sorted(summary.frauds.items())),
        "judgements": summary.judgements,
        "parties": summary.parties,
        "first_day": config.start.isoformat(),
        "last_day": last.isoformat(),
        "files": {
            name: str(getattr(files, name)) for name in ("payments", "judgements", "parties", "ground_truth")
        },
        "seconds": seconds,
        "per_second": summary.payments / seconds,
    }


def _summary_table(facts: dict[str, object], title: str) -> Table:
    table = Table(title=title, show_header=False)
    for name, value in facts.items():
        if isinstance(value, dict):
            table.add_section()
            for key, entry in value.items():
                table.add_row(key.replace("_", " "), f"{entry:,}" if isinstance(entry, int) else str(entry))
        elif isinstance(value, float):
            table.add_row(name.replace("_", " "), f"{value:,.4f}" if value < 1 else f"{value:,.1f}")
        else:
            table.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value))
    return table
