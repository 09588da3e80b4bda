"""The audit log page by page, the newest leaves first."""

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from risk_platform.operations.schema import AUDIT_LEAVES


@dataclass(frozen=True)
class LoggedLeaf:
    """A leaf: its position in the log and what it says, all of it hashes and pseudonyms."""

    position: int
    entry: dict[str, Any]


def leaves_before(engine: Engine, before: int | None, limit: int) -> list[LoggedLeaf]:
    """At most `limit` leaves in front of the position `before`, or the newest; the newest first."""
    query = sa.select(AUDIT_LEAVES.c.position, AUDIT_LEAVES.c.leaf)
    if before is not None:
        query = query.where(AUDIT_LEAVES.c.position < before)
    with engine.connect() as connection:
        rows = connection.execute(query.order_by(AUDIT_LEAVES.c.position.desc()).limit(limit)).all()
    return [LoggedLeaf(row.position, json.loads(row.leaf)) for row in rows]
