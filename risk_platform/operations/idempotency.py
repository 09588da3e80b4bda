"""Requests that may be sent again: the first answer is kept and given to every repetition."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from risk_platform.operations.database import writing
from risk_platform.operations.packing import pack, unpack
from risk_platform.operations.schema import IDEMPOTENCY_KEYS
from risk_platform.operations.workers import Worker

_MICROSECONDS = 1_000_000
# A claim is given up when its worker died, or when that cannot be told after so long; whatever was sent to the
# engine is known there by its own key.
_CLAIM_LASTS = 60 * _MICROSECONDS
KEPT_DAYS = 30


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

    def claim(self, user_id: str, key: str, request_hash: str, now: int) -> KeptAnswer | None:
        """The answer to the first request with that key of that user; None when this is the first.

        Raises OtherRequestError when the key belongs to another request, InFlightError while it is answered.
        """
        mine = _of(user_id, key)
        with writing(self._engine) as connection:
            connection.execute(IDEMPOTENCY_KEYS.delete().where(_outdated(now)))
            row = connection.execute(sa.select(IDEMPOTENCY_KEYS).where(mine)).first()
            if row is None:
                values = {
                    "user_id": user_id,
                    "idempotency_key": key,
                    "request_hash": request_hash,
                    "claimed_time": now,
                    "holder": self._worker.name,
                }
                connection.execute(IDEMPOTENCY_KEYS.insert(), values)
                return None
            if row.request_hash != request_hash:
                raise OtherRequestError
            if row.status is not None:
                return KeptAnswer(row.status, unpack(row.answer).to_pybytes())
            gone = row.holder is not None and self._worker.is_gone(row.holder)
            if now < row.claimed_time + _CLAIM_LASTS and not gone:
                raise InFlightError
            mended = {"claimed_time": now, "holder": self._worker.name}
            connection.execute(IDEMPOTENCY_KEYS.update().where(mine).values(**mended))
            return None

    def keep(self, user_id: str, key: str, answer: KeptAnswer) -> None:
        """Keep what the claimed request was answered."""
        values = {"status": answer.status, "answer": pack(answer.body)}
        with writing(self._engine) as connection:
            connection.execute(IDEMPOTENCY_KEYS.update().where(_of(user_id, key)).values(**values))

    def release(self, user_id: str, key: str) -> None:
        """Give the claim up: the request was not carried out and may come again."""
        with writing(self._engine) as connection:
            connection.execute(IDEMPOTENCY_KEYS.delete().where(_of(user_id, key)))


def _of(user_id: str, key: str) -> sa.ColumnElement[bool]:
    return sa.and_(IDEMPOTENCY_KEYS.c.user_id == user_id, IDEMPOTENCY_KEYS.c.idempotency_key == key)


def _outdated(now: int) -> sa.ColumnElement[bool]:
    return IDEMPOTENCY_KEYS.c.claimed_time < now - KEPT_DAYS * 86_400 * _MICROSECONDS
