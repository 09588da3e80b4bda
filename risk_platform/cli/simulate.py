"""`risk-platform simulate`: payments of an Indian payment ecosystem, with labelled fraud."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from time import perf_counter, time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

if TYPE_CHECKING:
    from risk_platform.api.client import ApiClient
    from risk_platform.transactions.simulator.config import SimulationConfig
    from risk_platform.transactions.simulator.files import SimulationSummary


def simulate(
    out: Annotated[
        Path | None,
        typer.Option(help="Payments file (.parquet or .csv), or a folder; siblings lie beside it."),
    ] = None,
    customers: Annotated[int, typer.Option(help="Customers on the first day.")] = 5_000,
    days: Annotated[int, typer.Option(help="Days to simulate.")] = 90,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day.")] = datetime(2026, 1, 1),  # noqa: DTZ001
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
    fraud_share: Annotated[float, typer.Option(help="Share of payments that are fraud.")] = 0.006,
    live: Annotated[
        bool, typer.Option("--live", help="Post to the service instead, as time goes by.")
    ] = False,
    rate: Annotated[float, typer.Option(min=0.01, max=10_000, help="Live: payments a second.")] = 5.0,
    minutes: Annotated[
        float | None, typer.Option(min=0.01, help="Live: stop after so many minutes, or at Ctrl-C.")
    ] = None,
    url: Annotated[
        str, typer.Option(envvar="RISK_API_URL", help="Live: where the service listens.")
    ] = "http://127.0.0.1:8000",
    email: Annotated[
        str | None,
        typer.Option(envvar="RISK_API_EMAIL", help="Live: a Service user; asks for RISK_API_PASSWORD."),
    ] = None,
    judge_email: Annotated[
        str | None,
        typer.Option(
            envvar="RISK_JUDGE_EMAIL",
            help="Live: an Analyst who reports judgements later; asks for RISK_JUDGE_PASSWORD.",
        ),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the summary to this file as well.")
    ] = None,
) -> None:
    """Simulate payments, judgements, parties and their ground truth: as files, or live to the service."""
    from risk_platform.errors import InputError
    from risk_platform.transactions.simulator.config import SimulationConfig
    from risk_platform.transactions.simulator.files import write_simulation

    console = Console()
    config = SimulationConfig(customers, days, start.date(), seed, fraud_share)
    if live:
        _live(config, rate, minutes, _Callers(url, email, judge_email), console, json_file)
        return
    if out is None:
        raise InputError("Say where the files go with --out, or post to the service with --live.")
    started = perf_counter()
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("Simulating", total=days)
        summary = write_simulation(config, out, lambda done, _: bar.update(task, completed=done))
    facts = summary_facts(config, summary, perf_counter() - started)
    console.print(_summary_table(facts))
    if json_file:
        json_file.write_text(json.dumps(facts, indent=2) + "\n")


@dataclass(frozen=True)
class _Callers:
    """Where the service is, who sends payments there, and who judges them."""

    url: str
    email: str | None
    judge_email: str | None


def _live(
    config: SimulationConfig,
    rate: float,
    minutes: float | None,
    callers: _Callers,
    console: Console,
    json_file: Path | None,
) -> None:
    from risk_platform.cli.live_simulation import LiveSender
    from risk_platform.errors import InputError
    from risk_platform.transactions.simulator.live import live_events
    from risk_platform.transactions.simulator.simulation import simulate as simulated

    if callers.email is None:
        raise InputError(
            "Name a Service user with --email; `risk-platform user add EMAIL --role Service` makes one."
        )
    judge = callers.judge_email
    with (
        _signed_in(callers.url, callers.email, "RISK_API_PASSWORD") as payments,
        nullcontext()
        if judge is None
        else _signed_in(callers.url, judge, "RISK_JUDGE_PASSWORD") as judgements,
    ):
        if judgements is None:
            console.print("No judgements are reported: name an Analyst with --judge-email.")
        sender = LiveSender(payments, judgements)
        with console.status("Simulating") as status:
            events = live_events(simulated(config), rate, f"live{int(time())}")
            with suppress(KeyboardInterrupt):
                sender.send(
                    events,
                    None if minutes is None else minutes * 60,
                    lambda counts: status.update(
                        f"{counts.accepted:,} accepted, {sum(counts.refused.values()):,} refused, "
                        f"{counts.alerted:,} alerts, {counts.judgements:,} judgements"
                    ),
                )
    facts = sender.counts.as_json()
    console.print(_summary_table(facts, "Sent to the service"))
    if json_file:
        json_file.write_text(json.dumps(facts, indent=2) + "\n")


@contextmanager
def _signed_in(url: str, email: str, variable: str) -> Iterator[ApiClient]:
    """A client that is signed in with the password of that environment variable."""
    from risk_platform.api.client import ApiClient

    password = os.environ.get(variable) or typer.prompt(f"Password of {email}", hide_input=True)
    with ApiClient(url) as client:
        client.sign_in(email, password)
        yield client


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


def _summary_table(facts: dict[str, object], title: str = "Simulated payments") -> Table:
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
