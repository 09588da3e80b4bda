"""The operational store: the inbox, the decisions made on it, alerts, control history and audit leaves."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Self

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine

from risk_platform.audit.byte_rows import ByteRows
from risk_platform.audit.commitments import new_salts
from risk_platform.audit.keeping import HeadKeeper
from risk_platform.errors import ServiceError
from risk_platform.operations.alerts import alert_rows
from risk_platform.operations.audit_heads import HeadPublisher
from risk_platform.operations.audit_log import Leaf, LeafAppender
from risk_platform.operations.database import migrate, open_database, reading_once
from risk_platform.operations.evidence import leaf_of
from risk_platform.operations.keys import find_keys, insert_keys
from risk_platform.operations.live_files import FileAdvance, LiveFiles, write_advances
from risk_platform.operations.ownership import owned
from risk_platform.operations.packing import pack, read_rows, row_format, unpack
from risk_platform.operations.records import (
    ControlChange,
    EventKind,
    Run,
    StoredKey,
    StoredRun,
    Tail,
    canonical_json,
)
from risk_platform.operations.schema import (
    ALERTS,
    AUDIT_LEAVES,
    AUDIT_SALTS,
    CONTROL,
    DECISIONS,
    INBOX,
    RECORD_FORMATS,
)
from risk_platform.operations.statements import Statement

Reached = Callable[[str], None]
_ADD_RUN, _ADD_SALTS = Statement(INBOX.insert()), Statement(AUDIT_SALTS.insert())
_ADD_DECISIONS, _ADD_ALERT = Statement(DECISIONS.insert()), Statement(ALERTS.insert())
_READ_RUNS = 64


class Store:
    """Reads of the operational store; any process may have one, beside the engine that writes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lookups = reading_once(engine)

    @classmethod
    def open(cls, url: URL) -> Self:
        """The store at `url`; raises ServiceError when it cannot be reached."""
        return cls(open_database(url))

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def heads(self, keeper: HeadKeeper) -> HeadPublisher:
        """Who signs the heads of this store's audit log into the file that `keeper` keeps."""
        return HeadPublisher(self._engine, keeper)

    def live_files(self) -> LiveFiles:
        """The live files that this store knows."""
        return LiveFiles(self._engine)

    @contextmanager
    def writer(self) -> "Iterator[StoreWriter]":
        """The one writer, with the tables brought to this version's form.

        Raises ServiceError while another process is the writer.
        """
        with owned(self._engine) as connection:
            with connection.begin():
                migrate(connection)
            yield StoreWriter(connection)

    def tail(self) -> Tail:
        """Where the inbox ends."""
        query = sa.select(INBOX.c.sequence + INBOX.c.events - 1, INBOX.c.known_time + INBOX.c.events - 1)
        with self._engine.connect() as connection:
            row = connection.execute(query.order_by(INBOX.c.sequence.desc()).limit(1)).first()
        return Tail(0, 0) if row is None else Tail(row[0], row[1])

    def find(self, kind: EventKind, sources: Sequence[str], event_ids: Sequence[str]) -> dict[int, StoredKey]:
        """Which of the events are in the inbox, by their position in the lists."""
        with self._lookups.connect() as connection:
            return find_keys(connection, kind, sources, event_ids)

    def runs(self, after: int = 0) -> Iterator[StoredRun]:
        """The runs of the inbox behind the sequence `after`, in order, a few at a time in memory."""
        while True:
            query = sa.select(INBOX).where(INBOX.c.sequence > after).order_by(INBOX.c.sequence)
            with self._engine.connect() as connection:
                rows = connection.execute(query.limit(_READ_RUNS)).all()
            for row in rows:
                yield StoredRun(
                    row.sequence,
                    row.events,
                    row.kind,
                    row.known_time,
                    row.timezone,
                    unpack(row.bodies).to_pybytes(),
                )
            if len(rows) < _READ_RUNS:
                return
            after = rows[-1].sequence

    def decisions_of_run(self, sequence: int) -> pa.RecordBatch:
        """Decisions of the run of payments that holds `sequence`, one row each.

        Raises ServiceError when no payment stands there.
        """
        query = (
            sa.select(DECISIONS.c.rows, DECISIONS.c.sequence, DECISIONS.c.payments, RECORD_FORMATS.c.schema)
            .join(RECORD_FORMATS, RECORD_FORMATS.c.format == DECISIONS.c.format)
            .where(DECISIONS.c.sequence <= sequence)
            .order_by(DECISIONS.c.sequence.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None or row.sequence + row.payments <= sequence:
            raise ServiceError(f"The store holds no decision at sequence {sequence}; name one of a payment.")
        return read_rows(unpack(row.rows), row.schema)

    def decision_at(self, sequence: int) -> pa.RecordBatch:
        """The decision on the payment at `sequence`, one row."""
        rows = self.decisions_of_run(sequence)
        return rows.slice(sequence - rows.column("sequence")[0].as_py(), 1)

    def decision_on(self, source: str, transaction_id: str) -> pa.RecordBatch | None:
        """The decision on a payment, one row; None when it never came in."""
        known = self.find("payment", [source], [transaction_id])
        return self.decision_at(known[0].sequence) if known else None

    def control_history(self, until: int | None = None) -> list[ControlChange]:
        """Every control change up to the sequence `until`, in order."""
        query = sa.select(CONTROL.c.sequence, CONTROL.c.name, CONTROL.c.value).order_by(CONTROL.c.sequence)
        if until is not None:
            query = query.where(CONTROL.c.sequence <= until)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [ControlChange(row.sequence, row.name, json.loads(row.value)) for row in rows]

    def identity(self) -> str:
        """What tells this store from any other: SHA-256 of its first audit leaf; empty while it has no event."""
        query = sa.select(AUDIT_LEAVES.c.leaf).where(AUDIT_LEAVES.c.sequence.is_not(None))
        with self._engine.connect() as connection:
            leaf: str | None = connection.execute(query.order_by(AUDIT_LEAVES.c.sequence).limit(1)).scalar()
        return "" if leaf is None else hashlib.sha256(leaf.encode()).hexdigest()

    def leaf_at(self, sequence: int) -> str | None:
        """The audit leaf of the run that ends with `sequence`; None when no run does."""
        query = (
            sa.select(AUDIT_LEAVES.c.leaf)
            .join(INBOX, INBOX.c.sequence == AUDIT_LEAVES.c.sequence)
            .where(INBOX.c.sequence <= sequence, INBOX.c.sequence + INBOX.c.events - 1 == sequence)
            .order_by(INBOX.c.sequence.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            leaf: str | None = connection.execute(query).scalar()
        return leaf


class StoreWriter:
    """The one writer of the store: group commits, each all or nothing."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._audit = LeafAppender()
        self._stored: _Format | None = None

    def commit(
        self, runs: Sequence[Run], reached: Reached = lambda _: None, advances: Sequence[FileAdvance] = ()
    ) -> None:
        """Write the runs with their decisions, alerts, control changes and audit leaves; durable on return.

        `advances` says how far the live files are with it. `reached` is told each stage that was reached. An
        error leaves the store as it was.
        """
        with self._connection.begin() as transaction:
            leaves, written = [], self._stored
            for run in runs:
                insert_keys(self._connection, run)
                _ADD_RUN.run(self._connection, _inbox_row(run))
                reached("after_inbox")
                if run.decisions is not None:
                    written = self._insert_decisions(run, run.decisions)
                if run.events.kind == "control":
                    self._connection.execute(CONTROL.insert(), _control_rows(run))
                salts = new_salts(len(run.events))
                _ADD_SALTS.run(self._connection, {"sequence": run.sequence, "salts": salts})
                leaves.append(Leaf(leaf_of(run, salts), run.sequence))
            self._audit.append(self._connection, leaves)
            write_advances(self._connection, advances)
            reached("before_commit")
            transaction.commit()
        self._audit.committed()
        self._stored = written
        reached("after_commit")

    def _insert_decisions(self, run: Run, decisions: pa.RecordBatch) -> "_Format":
        written = self._format(decisions.schema)
        rows = pack(decisions.serialize())
        values = {"sequence": run.sequence, "payments": len(run.events), "format": written.name, "rows": rows}
        _ADD_DECISIONS.run(self._connection, values)
        _ADD_ALERT.run_each(self._connection, alert_rows(run, decisions))
        return written

    def _format(self, schema: pa.Schema) -> "_Format":
        if self._stored is not None and self._stored.schema.equals(schema):
            return self._stored
        name, message = row_format(schema)
        known = sa.select(RECORD_FORMATS.c.format).where(RECORD_FORMATS.c.format == name)
        if self._connection.execute(known).scalar() is None:
            self._connection.execute(RECORD_FORMATS.insert(), {"format": name, "schema": message})
        return _Format(schema, name)


class _Format(NamedTuple):
    schema: pa.Schema
    name: str


def _inbox_row(run: Run) -> dict[str, object]:
    return {
        "sequence": run.sequence,
        "events": len(run.events),
        "kind": run.events.kind,
        "known_time": run.known_time,
        "timezone": run.timezone,
        "bodies": pack(ByteRows.of(run.events.lines).joined),
    }


def _control_rows(run: Run) -> list[dict[str, object]]:
    changes = [json.loads(line) for line in run.events.lines]
    return [
        {
            "sequence": run.sequence + at,
            "known_time": run.known_time + at,
            "name": change["name"],
            "value": canonical_json(change["value"]),
        }
        for at, change in enumerate(changes)
    ]
