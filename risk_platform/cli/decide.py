"""`risk-platform decide`: decisions for a file of payments through the decision engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from risk_platform.intake.file_decisions import FileDecider, FileDecisions
    from risk_platform.intake.file_payments import FilePayments


def decide(
    file: Annotated[Path, typer.Argument(help="Payments to decide, CSV or Parquet.")],
    mapping: Annotated[
        str, typer.Option(help="Shipped mapping, or a mapping file of your own.", metavar="NAME|PATH")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write the decisions with their evidence to this Parquet file.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the totals to this file as well.")
    ] = None,
) -> None:
    """Decide a file as if its payments came in live when they happened; the installation is only read."""
    from tempfile import TemporaryDirectory

    from risk_platform.home import prepare_home
    from risk_platform.intake.file_decisions import FileDecider
    from risk_platform.intake.file_payments import read_payments
    from risk_platform.settings import settings
    from risk_platform.transactions.mapping import load_mapping

    console = Console()
    source_mapping = load_mapping(mapping)
    with _bar(console) as bar:
        task = bar.add_task(f"Reading {file.name}", total=1.0, rows="")
        payments = read_payments(file, source_mapping, lambda share: bar.update(task, completed=share))
    with TemporaryDirectory(prefix="risk-decide-") as folder:
        decider = FileDecider(settings(), prepare_home(settings()), Path(folder))
        try:
            counts = _decide(decider, payments, console, out)
        finally:
            decider.close()
    _show(console, counts)
    if json_file is not None:
        json_file.write_text(json.dumps(decision_facts(counts), indent=2) + "\n", "utf-8")


def decision_facts(counts: FileDecisions) -> dict[str, Any]:
    """What `--json` holds: payments, seconds, per_second, levels, and what was refused or decided without a model."""
    return {
        "payments": counts.payments,
        "seconds": round(counts.seconds, 3),
        "per_second": round(counts.per_second, 1),
        "levels": dict(counts.levels),
        "alerts": counts.alerts,
        "duplicates": counts.duplicates,
        "refused": dict(sorted(counts.refused.items())),
        "degraded": dict(sorted(counts.degraded.items())),
    }


def _decide(
    decider: FileDecider, payments: FilePayments, console: Console, out: Path | None
) -> FileDecisions:
    with _bar(console) as bar:
        task = bar.add_task("History", total=None, rows="")

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, rows=f"{done:,} payments")

        if payments.first_time is not None:
            decider.tell_history(payments.first_time, progress)
        bar.reset(task, description="Deciding")
        return decider.decide(payments, progress, out)


def _bar(console: Console) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]}"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=True)


def _show(console: Console, counts: FileDecisions) -> None:
    table = Table("decisions", "count")
    table.columns[1].justify = "right"
    for level, count in counts.levels.items():
        table.add_row(level, f"{count:,}")
    table.add_row("alerts", f"{counts.alerts:,}")
    table.add_row("duplicates", f"{counts.duplicates:,}")
    for rule, count in sorted(counts.refused.items()):
        table.add_row(f"refused: {rule}", f"{count:,}")
    console.print(table)
    console.print(
        f"{counts.payments:,} payments in {counts.seconds:.1f} s, {counts.per_second:,.0f} a second",
        highlight=False,
    )
    for reason, count in sorted(counts.degraded.items()):
        console.print(f"{count:,} decided without the model, by rules alone: {reason}", style="bold red")
