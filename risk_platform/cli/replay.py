"""`risk-platform replay`: history through the online engine, compared with the mart value by value."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from risk_platform.features.parity import Parity


def replay(
    from_date: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First event date.")],
    to_date: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last event date.")],
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write what was found to this file as well.")
    ] = None,
) -> None:
    """Replay payments and judgements through the online engine; every feature must equal the lake's."""
    from risk_platform.features import parity
    from risk_platform.lake.lake import Lake
    from risk_platform.settings import settings

    console = Console()
    installation = settings()
    columns = (
        TextColumn("replayed {task.completed:,} of {task.total:,} payments"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("replay", total=0)
        found = parity.replay(
            Lake(installation.lake_root, installation.lake_options),
            from_date=from_date.date(),
            to_date=to_date.date(),
            label_maturity=installation.label_maturity,
            timezone=installation.timezone,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    _show(console, found)
    if json_file is not None:
        json_file.write_text(json.dumps(_facts(found), indent=2) + "\n", "utf-8")
    if found.mismatches:
        raise typer.Exit(1)


def _show(console: Console, found: Parity) -> None:
    console.print(
        f"{found.events:,} payments, {found.features} features, {found.values_compared:,} values compared: "
        f"{sum(found.mismatches.values()):,} mismatches",
        highlight=False,
    )
    if not found.mismatches:
        return
    table = Table("feature", "mismatches", "for example", "engine", "lake")
    for name, count in sorted(found.mismatches.items(), key=lambda item: -item[1]):
        example = found.examples[name]
        table.add_row(
            name,
            f"{count:,}",
            f"{example.source}:{example.transaction_id}",
            f"{example.online:.17g}",
            f"{example.lake:.17g}",
        )
    console.print(table)


def _facts(found: Parity) -> dict[str, object]:
    return {
        "events": found.events,
        "features": found.features,
        "values_compared": found.values_compared,
        "mismatches": found.mismatches,
    }
