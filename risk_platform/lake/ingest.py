"""Bulk history into the lake: one file at a time, in bounded memory, all of it or nothing of it."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from risk_platform.errors import LakeError
from risk_platform.lake.ingest_stage import Stage
from risk_platform.lake.ingest_verdicts import UNKNOWN_PAYMENT, Judge, Verdicts
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import (
    INGESTED_FILES,
    JUDGEMENTS,
    OUTCOMES,
    PARTIES,
    QUARANTINE,
    RAW_TRANSACTIONS,
    Table,
)
from risk_platform.transactions.canonical import RecordKind
from risk_platform.transactions.mapper import Mapper
from risk_platform.transactions.mapping import SourceMapping
from risk_platform.transactions.source_file import SourceFile, open_source

TABLE_OF: dict[RecordKind, Table] = {
    "payments": RAW_TRANSACTIONS,
    "judgements": JUDGEMENTS,
    "outcomes": OUTCOMES,
    "parties": PARTIES,
}
# Who judged when a payments file carries the label itself.
_LABEL_JUDGED_BY = "chargeback"
_HASHED_BYTES = 1 << 20

Progress = Callable[[int, float], None]


@dataclass(frozen=True)
class IngestReport:
    """What became of the rows of one file: read = accepted + quarantined + duplicates.

    Of a file that was ingested before, every row is a duplicate.
    """

    read: int
    accepted: int
    quarantined: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    already_ingested: bool = False


@dataclass(frozen=True)
class _Origin:
    """The file a row came in with, as quarantine names it."""

    file_id: str
    file_name: str
    mapping: SourceMapping
    now: datetime


def ingest_file(
    lake: Lake,
    path: Path,
    mapping: SourceMapping,
    *,
    timezone: str,
    label_maturity: timedelta,
    now: datetime,
    progress: Progress = lambda _rows, _share: None,
) -> IngestReport:
    """Take one file into the lake: accepted rows into the table of their kind, refused ones into quarantine.

    `timezone` fixes the business day of a payment; labels in a payments file were reported the mapping's
    `label_delay` after it, or `label_maturity`. `now` is the instant of ingesting; `progress` gets the rows
    read so far and the share of the file read. Each table is written in one commit, the file is marked as
    ingested last: after an interruption at any point ingesting it again completes what is missing. Raises
    InputError, and changes nothing, when the file as a whole cannot be read under the mapping.
    """
    source = open_source(path, mapping)
    mapper = Mapper(mapping, source.columns, source.name)
    origin = _Origin(_file_id(path, mapping), source.name, mapping, now)
    earlier = _earlier_report(lake, origin.file_id)
    if earlier is not None:
        return earlier
    table = TABLE_OF[mapping.kind]
    seen = lake.version(table)
    with tempfile.TemporaryDirectory(prefix="risk-ingest-") as scratch, _session(lake) as session:
        with _scratch_errors(source.name):
            currency = _lake_currency(session)
            stage = Stage(Path(scratch), mapping, mapper, timezone=timezone, now=now, currency=currency)
            _fill(stage, source, mapper, progress)
            judge = Judge(session, stage.rows.path, table, origin.file_id)
            verdicts = judge.judge()
            report = _report(session, stage, verdicts)
        if verdicts.new:
            lake.append_at(table, judge.new_rows(), seen)
        if mapping.kind == "payments":
            delay = mapping.label_delay if mapping.label_delay is not None else label_maturity
            lake.insert_if_absent(JUDGEMENTS, judge.labels(delay, _LABEL_JUDGED_BY))
        if report.quarantined:
            lake.insert_if_absent(QUARANTINE, _quarantine_rows(stage, judge, origin))
        lake.insert_if_absent(INGESTED_FILES, _ingested_row(origin, report))
    return report


def _fill(stage: Stage, source: SourceFile, mapper: Mapper, progress: Progress) -> None:
    with stage:
        for batch in source.batches(mapper.source_columns):
            stage.add(batch)
            progress(stage.read, source.share_read)


@contextmanager
def _scratch_errors(file_name: str) -> Iterator[None]:
    """Turn a full disk into the sentence that says so."""
    try:
        yield
    except (OSError, duckdb.IOException, duckdb.OutOfMemoryException) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise LakeError(
            f"{file_name} was not taken in and nothing was changed: {reason}; "
            f"scratch files go to {tempfile.gettempdir()}, set TMPDIR to a disk with room for them."
        ) from error


def _report(session: duckdb.DuckDBPyConnection, stage: Stage, verdicts: Verdicts) -> IngestReport:
    path = str(stage.refusals.path)
    at_door = session.execute(
        "SELECT rule, count(*) FROM read_parquet($path) GROUP BY rule", {"path": path}
    ).fetchall()
    quarantined = dict(sorted({**dict(at_door), **verdicts.refused}.items()))
    return IngestReport(stage.read, verdicts.new + verdicts.resumed, quarantined, verdicts.duplicates)


def _file_id(path: Path, mapping: SourceMapping) -> str:
    """SHA-256 of the file's bytes and of what the mapping says."""
    digest = hashlib.sha256(mapping.fingerprint.encode())
    with path.open("rb") as stream:
        while chunk := stream.read(_HASHED_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _earlier_report(lake: Lake, file_id: str) -> IngestReport | None:
    """The report on a file ingested before; None for a new one, or one with rows waiting for payments."""
    rows = lake.read(INGESTED_FILES, columns=["read"], filter=pc.field("file_id") == file_id)
    if not rows.num_rows:
        return None
    waiting = (pc.field("file_id") == file_id) & (pc.field("rule") == UNKNOWN_PAYMENT)
    if lake.read(QUARANTINE, columns=["rule"], filter=waiting).num_rows:
        return None
    read = rows["read"][0].as_py()
    return IngestReport(read, 0, {}, read, already_ingested=True)


def _lake_currency(session: duckdb.DuckDBPyConnection) -> str | None:
    row = session.execute(f"SELECT currency FROM {RAW_TRANSACTIONS.name} LIMIT 1").fetchone()  # noqa: S608
    return None if row is None else str(row[0])


def _quarantine_rows(stage: Stage, judge: Judge, origin: _Origin) -> pa.RecordBatchReader:
    at_door = pq.ParquetFile(stage.refusals.path).iter_batches()
    batches = (_quarantined(batch, origin) for source in (at_door, judge.refusals()) for batch in source)
    return pa.RecordBatchReader.from_batches(QUARANTINE.schema, batches)


def _quarantined(refusals: pa.RecordBatch, origin: _Origin) -> pa.RecordBatch:
    """Refusals with what is the same for every row of the file."""
    same = {
        "file_id": origin.file_id,
        "file_name": origin.file_name,
        "source": origin.mapping.source,
        "record_kind": origin.mapping.kind,
        "quarantined_time": origin.now,
    }
    columns = [
        pa.repeat(pa.scalar(same[field.name], field.type), refusals.num_rows)
        if field.name in same
        else refusals.column(field.name).cast(field.type)
        for field in QUARANTINE.schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=QUARANTINE.schema)


def _ingested_row(origin: _Origin, report: IngestReport) -> pa.Table:
    row = {
        "file_id": origin.file_id,
        "file_name": origin.file_name,
        "mapping": origin.mapping.name,
        "read": report.read,
        "accepted": report.accepted,
        "quarantined": sum(report.quarantined.values()),
        "duplicates": report.duplicates,
        "ingested_time": origin.now,
    }
    return pa.Table.from_pylist([row], schema=INGESTED_FILES.schema)


@contextmanager
def _session(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    session = lake.connect()
    try:
        yield session
    finally:
        session.close()
