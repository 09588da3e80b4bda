"""Decided payments of the inbox, the newest first, each with what it was and what was decided on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, Row

from risk_platform.operations.packing import read_rows, unpack
from risk_platform.operations.schema import DECISIONS, EVENT_KEYS, INBOX, RECORD_FORMATS

# A page looks at so many runs at most, so that a filter that nothing fits costs no whole inbox.
_RUNS_READ = 500
_RUNS_AT_ONCE = 50


@dataclass(frozen=True)
class DecidedPayment:
    """One payment as it came in (canonical names) and its decision (columns of `decisions`)."""

    sequence: int
    known_time: int
    payment: dict[str, Any]
    decision: dict[str, Any]


@dataclass(frozen=True)
class FeedFilter:
    """Which decided payments are wanted; None leaves it open. Times are known times in µs, the last excluded."""

    level: str | None = None
    customer_id: str | None = None
    channel: str | None = None
    from_time: int | None = None
    to_time: int | None = None

    def fits(self, item: DecidedPayment) -> bool:
        """Whether the payment is wanted."""
        return (
            self.level in (None, item.decision["level"])
            and self.customer_id in (None, item.payment.get("customer_id"))
            and self.channel in (None, item.payment.get("channel"))
            and (self.from_time is None or item.known_time >= self.from_time)
            and (self.to_time is None or item.known_time < self.to_time)
        )


@dataclass(frozen=True)
class FeedPage:
    """Some decided payments, and the sequence before which to go on; None at the beginning of the inbox."""

    items: list[DecidedPayment]
    before: int | None


class DecisionFeed:
    """Reads decided payments of the operational store, beside the engine that writes them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def page(self, wanted: FeedFilter, before: int | None, limit: int) -> FeedPage:
        """At most `limit` of the wanted payments that came in before the sequence `before`, newest first.

        It may hold fewer, even none, and still say where to go on: a page looks at a bounded stretch.
        """
        items: list[DecidedPayment] = []
        reached = before
        for run in self._runs(before):
            for item in _decided(run, reached):
                reached = item.sequence
                if wanted.from_time is not None and item.known_time < wanted.from_time:
                    return FeedPage(items, None)
                if wanted.fits(item):
                    items.append(item)
                    if len(items) == limit:
                        return FeedPage(items, reached)
        at_start = reached is None or self._is_first(reached)
        return FeedPage(items, None if at_start else reached)

    def find(self, source: str | None, transaction_id: str) -> list[DecidedPayment]:
        """The decided payments of that identifier: of one source, or one of each source that has it."""
        with self._engine.connect() as connection:
            sources = [source] if source is not None else list(_sources(connection))
            key = sa.and_(EVENT_KEYS.c.kind == "payment", EVENT_KEYS.c.event_id == transaction_id)
            query = sa.select(EVENT_KEYS.c.sequence).where(EVENT_KEYS.c.source.in_(sources), key)
            rows = connection.execute(query).all()
            return [_at(connection, row.sequence) for row in rows]

    def _runs(self, before: int | None) -> Iterator[Row[Any]]:
        for _ in range(_RUNS_READ // _RUNS_AT_ONCE):
            query = _joined().order_by(INBOX.c.sequence.desc()).limit(_RUNS_AT_ONCE)
            if before is not None:
                query = query.where(INBOX.c.sequence < before)
            with self._engine.connect() as connection:
                rows = connection.execute(query).all()
            yield from rows
            if len(rows) < _RUNS_AT_ONCE:
                return
            before = rows[-1].sequence

    def _is_first(self, sequence: int) -> bool:
        query = sa.select(sa.func.min(DECISIONS.c.sequence))
        with self._engine.connect() as connection:
            return bool(connection.execute(query).scalar_one() == sequence)


def _joined() -> sa.Select[Any]:
    return (
        sa.select(
            INBOX.c.sequence, INBOX.c.known_time, INBOX.c.bodies, DECISIONS.c.rows, RECORD_FORMATS.c.schema
        )
        .join(DECISIONS, DECISIONS.c.sequence == INBOX.c.sequence)
        .join(RECORD_FORMATS, RECORD_FORMATS.c.format == DECISIONS.c.format)
    )


def _at(connection: Connection, sequence: int) -> DecidedPayment:
    query = _joined().where(INBOX.c.sequence <= sequence).order_by(INBOX.c.sequence.desc()).limit(1)
    return next(_decided(connection.execute(query).one(), sequence + 1))


def _decided(run: Row[Any], before: int | None) -> Iterator[DecidedPayment]:
    """The payments of a run that came in before the sequence `before`, the newest first."""
    lines = unpack(run.bodies).to_pybytes().split(b"\n")
    count = len(lines) if before is None else min(len(lines), before - run.sequence)
    rows = read_rows(unpack(run.rows), run.schema).slice(0, count).to_pylist()
    for at in range(count - 1, -1, -1):
        payment = orjson.loads(lines[at])
        yield DecidedPayment(run.sequence + at, run.known_time + at, payment, rows[at])


def _sources(connection: Connection) -> Iterator[str]:
    """Every source that sent an event; one look at the key's index for each."""
    last = ""
    while True:
        query = sa.select(sa.func.min(EVENT_KEYS.c.source)).where(EVENT_KEYS.c.source > last)
        found: str | None = connection.execute(query).scalar_one()
        if found is None:
            return
        yield found
        last = found
