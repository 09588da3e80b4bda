"""`risk-platform ingest`: files of payments, judgements, outcomes or parties into the lake."""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from risk_platform.lake.ingest import IngestReport
    from risk_platform.transactions.mapping import SourceMapping
    from risk_platform.transactions.preview import Preview

_PREVIEW_ROWS = 10


def ingest(
    files: Annotated[list[Path], typer.Argument(help="Files to take in, CSV or Parquet.", metavar="FILE…")],
    mapping: Annotated[
        str, typer.Option(help="Shipped mapping, or a mapping file of your own.", metavar="NAME|PATH")
    ],
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the totals to this file as well.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what the mapping makes of the first records; write nothing."),
    ] = False,
) -> None:
    """Take history into the lake, each file all or nothing; refused rows go to quarantine."""
    from risk_platform.transactions.mapping import load_mapping

    console = Console()
    source_mapping = load_mapping(mapping)
    if dry_run:
        for path in files:
            _show_preview(console, path, source_mapping)
        return
    _check_all(files, source_mapping)
    started = perf_counter()
    reports = {path: _ingest_one(console, path, source_mapping) for path in files}
    seconds = perf_counter() - started
    _show_totals(console, list(reports.values()), seconds)
    if json_file is not None:
        json_file.write_text(json.dumps(_facts(reports, seconds), indent=2) + "\n", "utf-8")


def _check_all(files: list[Path], mapping: SourceMapping) -> None:
    """Refuse the whole command before the first file is written when one of them cannot be read."""
    from contextlib import closing

    from risk_platform.transactions.mapper import Mapper
    from risk_platform.transactions.source_file import open_source

    for path in files:
        with closing(open_source(path, mapping)) as source:
            Mapper(mapping, source.columns, source.name)


def _ingest_one(console: Console, path: Path, mapping: SourceMapping) -> IngestReport:
    from datetime import UTC, datetime

    from risk_platform.lake.ingest import ingest_file
    from risk_platform.lake.lake import Lake
    from risk_platform.settings import settings

    installation = settings()
    lake = Lake(installation.lake_root, installation.lake_options)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(path.name, total=1.0, rows=0)
        report = ingest_file(
            lake,
            path,
            mapping,
            timezone=installation.timezone,
            label_maturity=installation.label_maturity,
            now=datetime.now(UTC),
            progress=lambda rows, share: bar.update(task, completed=share, rows=rows),
        )
    if report.already_ingested:
        console.print(f"{path.name} was ingested before under this mapping: nothing added.", highlight=False)
    return report


def _show_preview(console: Console, path: Path, mapping: SourceMapping) -> None:
    from datetime import UTC, datetime

    from risk_platform.settings import settings
    from risk_platform.transactions.preview import preview_file

    preview = preview_file(
        path, mapping, timezone=settings().timezone, now=datetime.now(UTC), rows=_PREVIEW_ROWS
    )
    console.print(
        f"{path.name}: the first of {preview.records:,} records looked at, as they would enter the lake"
    )
    console.print(_transposed(preview))
    for item in preview.refusals:
        console.print(
            f"record {item.line} would be quarantined: {item.rule}, {item.column}: {item.value!r}",
            markup=False,
        )


def _transposed(preview: Preview) -> Table:
    """One line for each canonical column, one column for each of the first rows."""
    shown = preview.rows.head(3)
    table = Table("canonical", *(f"row {i + 1}" for i in range(shown.height)))
    for name in shown.columns:
        table.add_row(name, *(str(value) for value in shown[name].to_list()))
    return table


def _show_totals(console: Console, reports: list[IngestReport], seconds: float) -> None:
    table = Table("rows", "count")
    table.columns[1].justify = "right"
    totals = _totals(reports)
    table.add_row("read", f"{totals['read']:,}")
    table.add_row("accepted", f"{totals['accepted']:,}")
    table.add_row("duplicates", f"{totals['duplicates']:,}")
    for rule, count in totals["quarantined"].items():
        table.add_row(f"quarantined: {rule}", f"{count:,}")
    table.add_row("seconds", f"{seconds:.1f}")
    console.print(table)


def _totals(reports: list[IngestReport]) -> dict[str, Any]:
    quarantined: dict[str, int] = {}
    for report in reports:
        for rule, count in report.quarantined.items():
            quarantined[rule] = quarantined.get(rule, 0) + count
    return {
        "read": sum(report.read for report in reports),
        "accepted": sum(report.accepted for report in reports),
        "quarantined": dict(sorted(quarantined.items())),
        "duplicates": sum(report.duplicates for report in reports),
    }


def _facts(reports: dict[Path, IngestReport], seconds: float) -> dict[str, Any]:
    from dataclasses import asdict

    files = [{"file": str(path), **asdict(report)} for path, report in reports.items()]
    return {**_totals(list(reports.values())), "seconds": round(seconds, 3), "files": files}
