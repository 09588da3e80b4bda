"""`risk-platform evaluate`: the evaluation protocol on any labelled file, in a scratch lake."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

if TYPE_CHECKING:
    from risk_platform.models.evaluation import Evaluation
    from risk_platform.models.protocol import Fold, Windows
    from risk_platform.models.scratch import LabelledFile, Scratch

_DATE = ["%Y-%m-%d"]


def evaluate(
    file: Annotated[Path, typer.Argument(help="Labelled payments, CSV or Parquet.")],
    mapping: Annotated[str, typer.Option(help="Shipped mapping, or a mapping file.", metavar="NAME|PATH")],
    test_start: Annotated[datetime, typer.Option(formats=_DATE, help="First test day of the latest fold.")],
    test_days: Annotated[int, typer.Option(min=1, help="Days of a test window.")] = 7,
    delay_days: Annotated[int, typer.Option(min=0, help="Days until a fraud is reported.")] = 7,
    train_days: Annotated[
        str, typer.Option(help="Days of a training window, or `all`.", metavar="N|all")
    ] = "7",
    folds: Annotated[int, typer.Option(min=1, help="Folds, each a test window earlier.")] = 4,
    judgements: Annotated[
        Path | None, typer.Option(help="File of judgements, where labels are apart.")
    ] = None,
    judgements_mapping: Annotated[
        str, typer.Option(help="Mapping of that file.", metavar="NAME|PATH")
    ] = "canonical_judgements",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Keep scratch lake and bundles in this new folder.")
    ] = None,
) -> None:
    """Train, calibrate and test by the protocol of the Fraud Detection Handbook, in a scratch lake."""
    from risk_platform.errors import InputError
    from risk_platform.models.protocol import Windows
    from risk_platform.models.scratch import LabelledFile
    from risk_platform.transactions.mapping import load_mapping

    if json_file is not None and not json_file.absolute().parent.is_dir():
        raise InputError(f"--json {json_file} lies in a folder that does not exist; create it first.")
    windows = Windows(test_days, delay_days, _train_days(train_days))
    apart = (judgements, load_mapping(judgements_mapping)) if judgements else None
    labelled = LabelledFile(file, load_mapping(mapping), apart)
    with _folder(keep) as folder:
        evaluation = _run(labelled, windows, test_start.date(), folds, folder)
        if keep is not None:
            _keep_bundles(evaluation, keep)
    if json_file is not None:
        json_file.write_text(json.dumps(evaluation.as_json(), indent=2) + "\n", "utf-8")


def _run(labelled: LabelledFile, windows: Windows, test_start: date, folds: int, folder: Path) -> Evaluation:
    from datetime import UTC
    from zoneinfo import ZoneInfo

    from risk_platform.lake.tables import RAW_TRANSACTIONS
    from risk_platform.models.evaluation import check_dates, check_labels
    from risk_platform.models.evaluation import evaluate as evaluate_mart
    from risk_platform.models.mart import labelled_payments
    from risk_platform.models.protocol import day_number, plan_folds
    from risk_platform.models.scratch import build_mart, ingest_labelled
    from risk_platform.models.windows import Protocol
    from risk_platform.settings import settings

    console, started, scratch = Console(), datetime.now(UTC), _scratch(labelled, windows, folder)

    def progress(line: str) -> None:
        seconds = (datetime.now(UTC) - started).total_seconds()
        console.print(f"[dim]{seconds:6.0f} s[/dim]  {line}", highlight=False, soft_wrap=True)

    first, last = ingest_labelled(scratch, labelled, started, progress)
    plan = plan_folds(windows, day_number(test_start), folds, day_number(first))
    check_dates(plan, day_number(first), day_number(last))
    protocol = Protocol(windows, ZoneInfo(scratch.timezone), scratch.maturity)
    check_labels(labelled_payments(scratch.lake, RAW_TRANSACTIONS), protocol, plan)
    needed_from, needed_to = _needed_days(plan, windows, first)
    mart = build_mart(scratch, needed_from, needed_to, started, progress)
    evaluation = evaluate_mart(mart, protocol, test_start, folds, settings().alert_budget, progress)
    console.print(_table(evaluation))
    if evaluation.development.note:
        console.print(f"Note: {evaluation.development.note}.")
    return evaluation


def _scratch(labelled: LabelledFile, windows: Windows, folder: Path) -> Scratch:
    """The scratch place by the file's own clock: its time zone, its label delay or else the command's."""
    from datetime import timedelta

    from risk_platform.models.scratch import Scratch
    from risk_platform.settings import settings

    column = labelled.mapping.columns.get("event_time")
    timezone = column.timezone if column is not None else settings().timezone
    delay = labelled.mapping.label_delay
    return Scratch(folder, timezone, delay if delay is not None else timedelta(days=windows.delay_days))


def _needed_days(plan: tuple[Fold, ...], windows: Windows, first: date) -> tuple[date, date]:
    """First and last business day whose features any training, validation or test window asks for."""
    from risk_platform.models.protocol import day_date
    from risk_platform.models.validation import MOST_FOLDS

    last = day_date(plan[-1].test_to - 1)
    if windows.train_days is None:
        return first, last
    back = MOST_FOLDS * windows.test_days + windows.delay_days + windows.train_days
    return max(first, day_date(plan[0].train_to - back)), last


def _train_days(text: str) -> int | None:
    from risk_platform.errors import InputError

    if text == "all":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"--train-days {text} is neither a number of days nor `all`.")
    return int(text)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    from risk_platform.errors import InputError

    if keep is None:
        with tempfile.TemporaryDirectory(prefix="risk-evaluate-") as folder:
            yield Path(folder)
        return
    if keep.exists() and any(keep.iterdir()):
        raise InputError(f"--keep {keep} is not empty; name a new folder.")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.absolute()


def _keep_bundles(evaluation: Evaluation, keep: Path) -> None:
    for result in evaluation.folds:
        result.bundle.save(keep / "bundles" / result.bundle.trained_on.last.isoformat())


def _table(evaluation: Evaluation) -> Table:
    floors, mean, std = evaluation.floors(), evaluation.mean(), evaluation.std()
    table = Table(
        Column("metric", no_wrap=True), "mean", "± std", *(name.replace("_", " ") for name in floors)
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for name, value in mean.items():
        cells = [value, std[name], *(floor.get(name) for floor in floors.values())]
        table.add_row(name, *("" if cell is None else f"{cell:.4f}" for cell in cells))
    return table
