"""Micro-batches: what the inbox has and the lake has not, moved there exactly once."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from risk_platform.errors import ContractError
from risk_platform.intake.events import TIMESTAMP
from risk_platform.intake.lines import read_lines
from risk_platform.intake.stamping import stamped
from risk_platform.lake.lake import Inserted, Lake
from risk_platform.lake.table import Table
from risk_platform.lake.tables import (
    DECISIONS,
    INGESTED_FILES,
    JUDGEMENTS,
    MICRO_BATCHES,
    OUTCOMES,
    QUARANTINE,
    RAW_TRANSACTIONS,
)
from risk_platform.lake.writing import Batch
from risk_platform.operations.live_files import FileProgress, LiveFiles
from risk_platform.operations.records import EventKind, StoredRun
from risk_platform.operations.store import Reached, Store

# What stands where history has the file it came in with.
LIVE_ORIGIN = "inbox"
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
# Reads one run of the inbox as rows of a table.
_Rows = Callable[[StoredRun], pa.RecordBatch]


@dataclass(frozen=True)
class Stretch:
    """The events of the inbox from `first` to `last`, both included; none when `last` is before `first`."""

    first: int
    last: int

    @property
    def is_empty(self) -> bool:
        """Whether it holds no event."""
        return self.last < self.first


class InboxDrain:
    """Moves one store's inbox into one lake; each table's commit says up to which sequence it is done.

    So a drain may be killed anywhere: the next one goes on, table by table, behind what is there. One drain at
    a time; of two, the later one gets a LakeError and changes nothing.
    """

    def __init__(self, store: Store, lake: Lake, reached: Reached = lambda _: None) -> None:
        self._store = store
        self._lake = lake
        self._reached = reached
        self.store_id = store.identity()
        self._app_id = f"inbox-{self.store_id}"

    def waiting(self) -> Stretch:
        """What is in the inbox and not yet, or not wholly, in the lake.

        Raises ContractError when the lake is ahead of the store.
        """
        done, last = self._done(MICRO_BATCHES), self._store.tail().sequence
        if done > last:
            raise ContractError(
                f"The lake holds the inbox up to {done:,}, but the operational store ends at {last:,}: it was "
                "restored from an older copy. Restore the newest one, or begin with a new store."
            )
        return Stretch(done + 1, last)

    def drain_events(self) -> Mapping[str, Inserted]:
        """Payments, judgements and outcomes up to the end of the inbox; the payments last, for they say so."""
        until = self.waiting().last
        since = self._done(RAW_TRANSACTIONS)
        reports: tuple[tuple[Table, EventKind, _Rows], ...] = (
            (OUTCOMES, "outcome", _outcomes),
            (JUDGEMENTS, "judgement", _judgements),
        )
        drained = {
            table.name: self._drain(table, kind, rows, Stretch(max(since, self._done(table)) + 1, until))
            for table, kind, rows in reports
            if self._has(kind, Stretch(max(since, self._done(table)) + 1, until))
        }
        payments = Stretch(since + 1, until)
        if not payments.is_empty:
            drained[RAW_TRANSACTIONS.name] = self._drain(RAW_TRANSACTIONS, "payment", _payments, payments)
        return drained

    def drain_decisions(self, now: datetime) -> Inserted:
        """The engine's decisions on the payments that were drained; then the micro-batch is done."""
        until, first = self._done(RAW_TRANSACTIONS), self._done(MICRO_BATCHES) + 1
        wanted = Stretch(max(self._done(DECISIONS) + 1, first), until)
        drained = Inserted(0, 0)
        if self._has("payment", wanted):
            drained = self._drain(DECISIONS, "payment", self._decisions, wanted)
        if until >= first:
            row = {
                "store_id": self.store_id,
                "first_sequence": first,
                "last_sequence": until,
                "drained_time": now,
            }
            rows = pa.Table.from_pylist([row], MICRO_BATCHES.schema)
            self._lake.append_once(MICRO_BATCHES, rows, self._app_id, until)
        return drained

    def drain_files(self, files: LiveFiles) -> int:
        """The live files that were taken in whole, with their refused lines; returns how many."""
        app_id = f"live-files-{self.store_id}"
        finished = files.finished(max(self._lake.batch_done(INGESTED_FILES, app_id), 0))
        if not finished:
            return 0
        refused = [row for file in finished if file.refused for row in _quarantine_rows(file, files)]
        if refused:
            self._lake.insert_if_absent(QUARANTINE, pa.Table.from_pylist(refused, QUARANTINE.schema))
        number = max(file.finished_number or 0 for file in finished)
        rows = pa.Table.from_pylist([_file_row(file) for file in finished], INGESTED_FILES.schema)
        self._lake.insert_if_absent(INGESTED_FILES, rows, Batch(app_id, number))
        return len(finished)

    def _done(self, table: Table) -> int:
        return max(self._lake.batch_done(table, self._app_id), 0)

    def _has(self, kind: EventKind, stretch: Stretch) -> bool:
        return next(self._runs(kind, stretch), None) is not None

    def _drain(self, table: Table, kind: EventKind, rows: _Rows, stretch: Stretch) -> Inserted:
        self._reached("before_lake_write")
        reader = pa.RecordBatchReader.from_batches(table.schema, self._batches(table, kind, rows, stretch))
        inserted = self._lake.insert_if_absent(table, reader, Batch(self._app_id, stretch.last))
        self._reached("after_lake_commit")
        return inserted

    def _batches(
        self, table: Table, kind: EventKind, rows: _Rows, stretch: Stretch
    ) -> Iterator[pa.RecordBatch]:
        for run in self._runs(kind, stretch):
            batch = rows(run)
            yield pa.RecordBatch.from_arrays(
                [batch.column(field.name).cast(field.type) for field in table.schema], schema=table.schema
            )
            self._reached("during_lake_write")

    def _runs(self, kind: EventKind, stretch: Stretch) -> Iterator[StoredRun]:
        for run in self._store.runs(stretch.first - 1):
            if run.sequence > stretch.last:
                return
            if run.kind == kind:
                yield run

    def _decisions(self, run: StoredRun) -> pa.RecordBatch:
        return self._store.decisions_of_run(run.sequence)


def _payments(run: StoredRun) -> pa.RecordBatch:
    rows = stamped(_rows_of(run, "payments"), run.sequence, run.known_time, run.timezone)
    rows = rows.append_column("file_id", pa.array([LIVE_ORIGIN] * run.events))
    return _as_batch(rows.append_column("source_line", rows.column("sequence")))


def _judgements(run: StoredRun) -> pa.RecordBatch:
    """An identifier is unique within its source only, so that the source stands before it."""
    rows = _known(_rows_of(run, "judgements"), run)
    return _as_batch(rows.set_column(0, "judgement_id", [_with_source(rows, "judgement_id")]))


def _outcomes(run: StoredRun) -> pa.RecordBatch:
    rows = _known(_rows_of(run, "outcomes"), run)
    return _as_batch(rows.set_column(0, "outcome_id", [_with_source(rows, "outcome_id")]))


def _rows_of(run: StoredRun, kind: str) -> pa.Table:
    return read_lines(run.bodies.split(b"\n"), kind)  # type: ignore[arg-type]


def _known(rows: pa.Table, run: StoredRun) -> pa.Table:
    times = np.arange(run.known_time, run.known_time + run.events)
    return rows.append_column("known_time", pa.array(times).cast(TIMESTAMP))


def _with_source(rows: pa.Table, name: str) -> pa.Array:
    pairs = zip(rows.column("source").to_pylist(), rows.column(name).to_pylist(), strict=True)
    return pa.array(
        [given if given.startswith(f"{source}:") else f"{source}:{given}" for source, given in pairs]
    )


def _as_batch(rows: pa.Table) -> pa.RecordBatch:
    return rows.combine_chunks().to_batches()[0]


def _quarantine_rows(file: FileProgress, files: LiveFiles) -> Iterator[dict[str, object]]:
    for line in files.refused(file.file.file_id):
        yield {
            "file_id": file.file.file_id,
            "file_name": file.file.file_name,
            "source": file.file.source,
            "record_kind": file.file.record_kind,
            "source_line": line.source_line,
            "transaction_id": line.transaction_id,
            "rule": line.rule,
            "column": line.column,
            "value": line.value,
            "quarantined_time": _instant(file.changed_time),
        }


def _file_row(file: FileProgress) -> dict[str, object]:
    return {
        "file_id": file.file.file_id,
        "file_name": file.file.file_name,
        "mapping": file.file.mapping,
        "read": file.accepted + file.refused + file.duplicates,
        "accepted": file.accepted,
        "quarantined": file.refused,
        "duplicates": file.duplicates,
        "ingested_time": _instant(file.changed_time),
    }


def _instant(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
