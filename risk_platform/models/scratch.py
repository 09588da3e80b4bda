"""A scratch lake for one labelled file, ingested and featured in a folder of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow.compute as pc

from risk_platform.errors import InputError
from risk_platform.features.build import build_features
from risk_platform.lake.contract import build_transactions
from risk_platform.lake.ingest import IngestReport, ingest_file
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import RAW_TRANSACTIONS
from risk_platform.models.mart import FeatureMart
from risk_platform.transactions.mapping import SourceMapping

Progress = Callable[[str], None]


@dataclass(frozen=True)
class LabelledFile:
    """A file of payments with its mapping; the labels may come in a file of judgements of their own."""

    path: Path
    mapping: SourceMapping
    judgements: tuple[Path, SourceMapping] | None


@dataclass(frozen=True)
class Scratch:
    """Where a labelled file is laid out, its zone of a business day, and the age at which silence is good."""

    folder: Path
    timezone: str
    maturity: timedelta

    @property
    def lake(self) -> Lake:
        return Lake(str(self.folder / "lake"))


def ingest_labelled(
    scratch: Scratch, file: LabelledFile, now: datetime, progress: Progress
) -> tuple[date, date]:
    """Take the file into the scratch lake; returns the first and the last business day of its payments.

    Raises InputError when no payment was accepted.
    """
    parts = [(file.path, file.mapping), *([file.judgements] if file.judgements else [])]
    for path, mapping in parts:
        report = ingest_file(
            scratch.lake, path, mapping, timezone=scratch.timezone, label_maturity=scratch.maturity, now=now
        )
        progress(_told(path, report))
    days = scratch.lake.read(RAW_TRANSACTIONS, columns=["event_date"])["event_date"]
    if len(days) == 0:
        raise InputError(f"Not one payment of {file.path.name} was accepted; look at the reasons above.")
    span = pc.min_max(days).as_py()
    return span["min"], span["max"]


def build_mart(scratch: Scratch, first: date, last: date, now: datetime, progress: Progress) -> FeatureMart:
    """The features of the business days `first` to `last`; the history before them is read, not featured."""
    history = scratch.lake.read(RAW_TRANSACTIONS, columns=["event_date"])["event_date"]
    build_transactions(scratch.lake, pc.min(history).as_py(), last, now=now)
    progress(f"building the features of {first} to {last}")
    build_features(
        scratch.lake,
        from_date=first,
        to_date=last,
        label_maturity=scratch.maturity,
        timezone=scratch.timezone,
        work_dir=scratch.folder / "work",
        progress=progress,
    )
    return FeatureMart.open(scratch.lake)


def _told(path: Path, report: IngestReport) -> str:
    refused = "".join(f", {rule} {count:,}" for rule, count in report.quarantined.items())
    return (
        f"{path.name}: {report.read:,} read, {report.accepted:,} accepted, {report.duplicates:,} duplicates, "
        f"{sum(report.quarantined.values()):,} quarantined{refused}"
    )
