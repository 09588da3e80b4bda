"""Submissions that passed the door: typed rows, their canonical lines and hashes, and what was refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import pyarrow as pa

from risk_platform.intake.door import LiveDoor
from risk_platform.intake.events import Columns, Event, read_events
from risk_platform.intake.lines import as_table, body_lines
from risk_platform.intake.refusals import Refusal, Refusals
from risk_platform.operations.records import Events, body_hashes
from risk_platform.transactions.canonical import RECORDS, RecordKind

ReportKind = Literal["payment", "judgement", "outcome"]
_RECORDS: dict[ReportKind, RecordKind] = {
    "payment": "payments",
    "judgement": "judgements",
    "outcome": "outcomes",
}
_IDENTIFIERS: dict[ReportKind, str] = {
    "payment": "transaction_id",
    "judgement": "judgement_id",
    "outcome": "outcome_id",
}


@dataclass(frozen=True)
class Prepared:
    """One submission of `size` events of one kind; row i of `table` and `events` is its event `positions[i]`."""

    size: int
    positions: Sequence[int]
    table: pa.Table
    events: Events
    hashes: bytes
    refusals: tuple[Refusal, ...]


class Preparer:
    """Reads and checks submissions; it holds no state, so any thread may call it."""

    def __init__(self) -> None:
        self._doors = {kind: LiveDoor(record) for kind, record in _RECORDS.items()}

    def read(self, kind: ReportKind, events: Sequence[Event], now: datetime) -> Prepared:
        """A submission of JSON events with canonical names; `now` is the instant of checking."""
        refusals = Refusals(len(events))
        columns = read_events(_RECORDS[kind], events, refusals)
        return self.check(kind, columns, refusals, now)

    def check(self, kind: ReportKind, columns: Columns, refusals: Refusals, now: datetime) -> Prepared:
        """A submission of values that were read; those refused before stay refused."""
        identifier = _IDENTIFIERS[kind]
        if kind != "payment":
            columns = columns | {identifier: _identifiers(kind, columns)}
        table = as_table(columns, _RECORDS[kind])
        self._doors[kind].check(columns, now, refusals, table)
        size = len(refusals.refused)
        positions: Sequence[int] = range(size)
        if refusals.items:
            positions = [at for at in range(size) if not refusals.refused[at]]
            columns = {name: [values[at] for at in positions] for name, values in columns.items()}
            table = table.take(pa.array(positions, pa.int64())).combine_chunks()
        lines = body_lines(table)
        events = Events(kind, columns["source"], columns[identifier], lines)
        return Prepared(size, positions, table, events, body_hashes(lines), tuple(refusals.items))


def _identifiers(kind: ReportKind, columns: Columns) -> list[str | None]:
    """The identifier of each report; one without is named by what it says."""
    record = RECORDS[_RECORDS[kind]]
    named_by = [name for name in record.identified_by if name in columns]
    rows = zip(columns[record.key[0]], *(columns[name] for name in named_by), strict=True)
    return [
        given if given is not None else None if None in said else ":".join(map(str, said))
        for given, *said in rows
    ]
