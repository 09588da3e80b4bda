"""The inbox as it goes on: its runs behind a sequence in their order, payments with their decisions."""

from dataclasses import dataclass

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from risk_platform.operations.packing import read_rows, unpack
from risk_platform.operations.records import EventKind
from risk_platform.operations.schema import DECISIONS, INBOX, RECORD_FORMATS


@dataclass(frozen=True)
class DecidedRun:
    """Consecutive events of one kind, each a JSON line; event i is known at `known_time` + i (µs)."""

    sequence: int
    kind: EventKind
    known_time: int
    lines: list[bytes]
    decisions: pa.RecordBatch | None

    @property
    def last(self) -> int:
        """Sequence of its last event."""
        return self.sequence + len(self.lines) - 1


class InboxFeed:
    """Reads the inbox forwards, beside the engine that writes it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def tail(self) -> int:
        """The last sequence; zero while the inbox is empty."""
        last = sa.select(INBOX.c.sequence + INBOX.c.events - 1).order_by(INBOX.c.sequence.desc()).limit(1)
        with self._engine.connect() as connection:
            return int(connection.execute(last).scalar() or 0)

    def behind(self, after: int, runs: int) -> list[DecidedRun]:
        """The next runs that have an event behind the sequence `after`; the first may begin before it."""
        first = sa.select(sa.func.max(INBOX.c.sequence)).where(INBOX.c.sequence <= after + 1)
        query = (
            sa.select(INBOX, DECISIONS.c.rows, RECORD_FORMATS.c.schema)
            .outerjoin(DECISIONS, DECISIONS.c.sequence == INBOX.c.sequence)
            .outerjoin(RECORD_FORMATS, RECORD_FORMATS.c.format == DECISIONS.c.format)
            .where(INBOX.c.sequence >= sa.func.coalesce(first.scalar_subquery(), 0))
            .where(INBOX.c.sequence + INBOX.c.events - 1 > after)
            .order_by(INBOX.c.sequence)
            .limit(runs)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [
            DecidedRun(
                row.sequence,
                row.kind,
                row.known_time,
                unpack(row.bodies).to_pybytes().split(b"\n"),
                None if row.rows is None else read_rows(unpack(row.rows), row.schema),
            )
            for row in rows
        ]
