"""Bulk history into the lake: one file at a time, in bounded memory, all of it or nothing of it."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
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
from risk_platform.lake.scratch import scratch_folder
from risk_platform.lake.table import Table
from risk_platform.lake.tables import (
    INGESTED_FILES,
    JUDGEMENTS,
    OUTCOMES,
    PARTIES,
    QUARANTINE,
    RAW_TRANSACTIONS,
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
class _Intake:
    """One file on its way in; `seen` is the version of its table when it was compared with it."""

    file_id: str
    file_name: str
    mapping: SourceMapping
    timezone: str
    label_delay: timedelta
    now: datetime
    seen: int

    @property
    def table(self) -> Table:
        return TABLE_OF[self.mapping.kind]


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
    delay = mapping.label_delay if mapping.label_delay is not None else label_maturity
    with closing(open_source(path, mapping)) as source:
        mapper = Mapper(mapping, source.columns, source.name)
        file_id = _file_id(path, mapping)
        earlier = _earlier_report(lake, file_id)
        if earlier is not None:
            return earlier
        seen = lake.version(TABLE_OF[mapping.kind])
        intake = _Intake(file_id, source.name, mapping, timezone, delay, now, seen)
        with tempfile.TemporaryDirectory(dir=scratch_folder()) as scratch, _session(lake) as session:
            with _scratch_errors(source.name):
                stage = _staged(Path(scratch), intake, _lake_currency(session), source, mapper, progress)
                judge = Judge(session, stage.rows.path, intake.table, file_id)
                verdicts = judge.judge()
                report = _report(session, stage, verdicts)
            if verdicts.new:
                lake.append_at(intake.table, judge.new_rows(), seen)
            _commit_rest(lake, intake, stage, judge, report)
            return report


def _staged(
    folder: Path,
    intake: _Intake,
    currency: str | None,
    source: SourceFile,
    mapper: Mapper,
    progress: Progress,
) -> Stage:
    stage = Stage(folder, intake.mapping, mapper, timezone=intake.timezone, now=intake.now, currency=currency)
    with stage:
        for batch in source.batches(mapper.source_columns):
            stage.add(batch)
            progress(stage.read, source.share_read)
    return stage


def _commit_rest(lake: Lake, intake: _Intake, stage: Stage, judge: Judge, report: IngestReport) -> None:
    """What belongs to the rows, the mark that the file is in last of all."""
    if intake.mapping.kind == "payments":
        lake.insert_if_absent(JUDGEMENTS, judge.labels(intake.label_delay, _LABEL_JUDGED_BY))
    if report.quarantined:
        lake.insert_if_absent(QUARANTINE, _quarantine_rows(stage, judge, intake))
    lake.insert_if_absent(INGESTED_FILES, _ingested_row(intake, report))


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


def _quarantine_rows(stage: Stage, judge: Judge, intake: _Intake) -> pa.RecordBatchReader:
    at_door = pq.ParquetFile(stage.refusals.path).iter_batches()
    batches = (_quarantined(batch, intake) for source in (at_door, judge.refusals()) for batch in source)
    return pa.RecordBatchReader.from_batches(QUARANTINE.schema, batches)


def _quarantined(refusals: pa.RecordBatch, intake: _Intake) -> pa.RecordBatch:
    """Refusals with what is the same for every row of the file."""
    same = {
        "file_id": intake.file_id,
        "file_name": intake.file_name,
        "source": intake.mapping.source,
        "record_kind": intake.mapping.kind,
        "quarantined_time": intake.now,
    }
    columns = [
        pa.repeat(pa.scalar(same[field.name], field.type), refusals.num_rows)
        if field.name in same
        else refusals.column(field.name).cast(field.type)
        for field in QUARANTINE.schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=QUARANTINE.schema)


def _ingested_row(intake: _Intake, report: IngestReport) -> pa.Table:
    row = {
        "file_id": intake.file_id,
        "file_name": intake.file_name,
        "mapping": intake.mapping.name,
        "read": report.read,
        "accepted": report.accepted,
        "quarantined": sum(report.quarantined.values()),
        "duplicates": report.duplicates,
        "ingested_time": intake.now,
    }
    return pa.Table.from_pylist([row], schema=INGESTED_FILES.schema)


@contextmanager
def _session(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    session = lake.connect()
    try:
        yield session
    finally:
        session.close()
