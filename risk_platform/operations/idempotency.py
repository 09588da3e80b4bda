"""Requests that may be sent again: the first answer is kept and given to every repetition."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Engine

from risk_platform.operations.database import open_database, writing
from risk_platform.operations.packing import pack, unpack
from risk_platform.operations.schema import IDEMPOTENCY_KEYS
from risk_platform.operations.workers import Worker

_MICROSECONDS = 1_000_000
# A claim is given up when its worker died, or when that cannot be told after so long; whatever was sent to the
# engine is known there by its own key.
_CLAIM_LASTS = 60 * _MICROSECONDS
KEPT_DAYS = 30
_FORGET_EVERY = 60 * _MICROSECONDS

# Made once: making a statement costs more than carrying it out.
_MINE = sa.and_(
    IDEMPOTENCY_KEYS.c.user_id == sa.bindparam("of_user"),
    IDEMPOTENCY_KEYS.c.idempotency_key == sa.bindparam("of_key"),
)
_FIND = sa.select(IDEMPOTENCY_KEYS).where(_MINE)
_CLAIM = IDEMPOTENCY_KEYS.insert()
_MEND = (
    IDEMPOTENCY_KEYS.update()
    .where(_MINE)
    .values(claimed_time=sa.bindparam("claimed_time"), holder=sa.bindparam("holder"))
)
_KEEP = (
    IDEMPOTENCY_KEYS.update()
    .where(_MINE)
    .values(status=sa.bindparam("status"), answer=sa.bindparam("answer"))
)
_RELEASE = IDEMPOTENCY_KEYS.delete().where(_MINE)
_FORGET = IDEMPOTENCY_KEYS.delete().where(IDEMPOTENCY_KEYS.c.claimed_time < sa.bindparam("oldest"))


@dataclass(frozen=True)
class KeptAnswer:
    """What a request was answered."""

    status: int
    body: bytes


class InFlightError(Exception):
    """The first request with this key has not been answered yet."""


class OtherRequestError(Exception):
    """The key was used for another request."""


class IdempotencyKeys:
    """Keys of requests and what they were answered, for any process beside the engine; `worker` is this one."""

    def __init__(self, engine: Engine, worker: Worker) -> None:
        self._engine = engine
        self._worker = worker
        self._forget_time = 0

    def claim(self, user_id: str, key: str, request_hash: str, now: int) -> KeptAnswer | None:
        """The answer to the first request with that key of that user; None when this is the first.

        Raises OtherRequestError when the key belongs to another request, InFlightError while it is answered.
        """
        mine = {"of_user": user_id, "of_key": key}
        with writing(self._engine) as connection:
            if now >= self._forget_time:
                connection.execute(_FORGET, {"oldest": now - KEPT_DAYS * 86_400 * _MICROSECONDS})
                self._forget_time = now + _FORGET_EVERY
            row = connection.execute(_FIND, mine).first()
            if row is None:
                values = {
                    "user_id": user_id,
                    "idempotency_key": key,
                    "request_hash": request_hash,
                    "claimed_time": now,
                    "holder": self._worker.name,
                }
                connection.execute(_CLAIM, values)
                return None
            if row.request_hash != request_hash:
                raise OtherRequestError
            if row.status is not None:
                return KeptAnswer(row.status, unpack(row.answer).to_pybytes())
            gone = row.holder is not None and self._worker.is_gone(row.holder)
            if now < row.claimed_time + _CLAIM_LASTS and not gone:
                raise InFlightError
            mended = {"claimed_time": now, "holder": self._worker.name}
            connection.execute(_MEND, mine | mended)
            return None

    def keep(self, user_id: str, key: str, answer: KeptAnswer) -> None:
        """Keep what the claimed request was answered."""
        values = {"status": answer.status, "answer": pack(answer.body)}
        with writing(self._engine) as connection:
            connection.execute(_KEEP, {"of_user": user_id, "of_key": key, **values})

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def release(self, user_id: str, key: str) -> None:
        """Give the claim up: the request was not carried out and may come again."""
        with writing(self._engine) as connection:
            connection.execute(_RELEASE, {"of_user": user_id, "of_key": key})


def keys_database(url: URL) -> Engine:
    """The store at `url` for keys alone.

    In SQLite their commits are synced with the engine's next one, in the same log: what a power cut takes is an
    answer that the engine, which knows the payment, gives again. Syncing each would have payments wait for it.
    """
    engine = open_database(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _synced_later)
        engine.dispose()
    return engine


def _synced_later(connection: Any, _: object) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")
