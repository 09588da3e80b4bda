"""Tickets for the live stream: each opens it once, soon after it was given, for the session that asked."""

import hashlib
import secrets

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from risk_platform.operations.database import writing
from risk_platform.operations.schema import STREAM_TICKETS

_SECRET_BYTES = 32


class Tickets:
    """The tickets of an installation, for any process beside the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def give(self, session_id: str, now: int, lifetime: int) -> str:
        """A ticket of the session, good once and for `lifetime` µs from `now`."""
        ticket = secrets.token_urlsafe(_SECRET_BYTES)
        row = {"ticket_hash": _digest(ticket), "session_id": session_id, "expires_time": now + lifetime}
        with writing(self._engine) as connection:
            connection.execute(STREAM_TICKETS.delete().where(STREAM_TICKETS.c.expires_time <= now))
            connection.execute(STREAM_TICKETS.insert(), row)
        return ticket

    def take(self, ticket: str, now: int) -> str | None:
        """The session that a ticket is of, which is used up by that; None when it is not good."""
        mine = STREAM_TICKETS.c.ticket_hash == _digest(ticket)
        with writing(self._engine) as connection:
            row = connection.execute(sa.select(STREAM_TICKETS).where(mine)).first()
            if row is None:
                return None
            connection.execute(STREAM_TICKETS.delete().where(mine))
        return str(row.session_id) if now < row.expires_time else None


def _digest(ticket: str) -> str:
    # 256 random bits need no slow hash.
    return hashlib.sha256(ticket.encode()).hexdigest()
