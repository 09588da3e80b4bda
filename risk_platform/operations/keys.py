"""Event keys in bulk: a thousand of them found or inserted by one statement, whatever the database."""

import json
from collections.abc import Sequence

from sqlalchemy.engine import Connection, CursorResult

from risk_platform.operations.records import HASH_BYTES, EventKind, Run, StoredKey

# One text per key: a list of single texts is what SQLite unnests fastest. Row rules keep the mark out of both parts.
_MARK = "\x1f"
_SOURCE = "substr(value, 1, instr(value, char(31)) - 1)"
_EVENT_ID = "substr(value, instr(value, char(31)) + 1)"
_SQLITE_FIND = f"""
    SELECT listed.key, known.sequence, known.body_hash FROM json_each(?) AS listed CROSS JOIN event_keys AS known
    ON known.source = {_SOURCE} AND known.kind = ? AND known.event_id = {_EVENT_ID}"""  # noqa: S608
_SQLITE_INSERT = f"""
    INSERT INTO event_keys (source, kind, event_id, sequence, body_hash)
    SELECT {_SOURCE}, ?, {_EVENT_ID}, ? + key, substr(?, key * {HASH_BYTES} + 1, {HASH_BYTES}) FROM json_each(?)"""  # noqa: S608
_POSTGRESQL_FIND = """
    SELECT listed.position - 1, known.sequence, known.body_hash
    FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS listed (source, event_id, position)
    JOIN event_keys AS known
    ON known.source = listed.source AND known.kind = %s AND known.event_id = listed.event_id"""
_POSTGRESQL_INSERT = f"""
    INSERT INTO event_keys (source, kind, event_id, sequence, body_hash)
    SELECT source, %s, event_id, %s + position - 1,
        substring(%s::bytea FROM (position::int - 1) * {HASH_BYTES} + 1 FOR {HASH_BYTES})
    FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS listed (source, event_id, position)"""  # noqa: S608


def find_keys(
    connection: Connection, kind: EventKind, sources: Sequence[str], event_ids: Sequence[str]
) -> dict[int, StoredKey]:
    """Which of the events the store knows, by their position in the lists."""
    rows: CursorResult[int, int, bytes]
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(_SQLITE_FIND, (_marked(sources, event_ids), kind))
    else:
        rows = connection.exec_driver_sql(_POSTGRESQL_FIND, (list(sources), list(event_ids), kind))
    return {position: StoredKey(sequence, bytes(body_hash)) for position, sequence, body_hash in rows}


def insert_keys(connection: Connection, run: Run) -> None:
    """Add the keys of a run; a key that is there already breaks the transaction."""
    events = run.events
    if connection.dialect.name == "sqlite":
        listed = _marked(events.sources, events.event_ids)
        connection.exec_driver_sql(_SQLITE_INSERT, (events.kind, run.sequence, run.body_hashes, listed))
        return
    listed_apart = (list(events.sources), list(events.event_ids))
    connection.exec_driver_sql(
        _POSTGRESQL_INSERT, (events.kind, run.sequence, run.body_hashes, *listed_apart)
    )


def _marked(sources: Sequence[str], event_ids: Sequence[str]) -> str:
    return json.dumps(
        [f"{source}{_MARK}{event_id}" for source, event_id in zip(sources, event_ids, strict=True)]
    )
