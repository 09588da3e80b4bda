"""Event keys in bulk: a thousand of them found or inserted by one statement, whatever the database."""

import json
from collections.abc import Sequence

from sqlalchemy.engine import Connection, CursorResult

from risk_platform.operations.records import HASH_BYTES, EventKind, Run, StoredKey

_SQLITE_FIND = """
    SELECT listed.key, known.sequence, known.body_hash FROM json_each(?) AS listed CROSS JOIN event_keys AS known
    ON known.source = ? AND known.kind = ? AND known.event_id = listed.value"""
_SQLITE_INSERT = f"""
    INSERT INTO event_keys (source, kind, event_id, sequence, body_hash)
    SELECT ?, ?, value, ? + key, substr(?, key * {HASH_BYTES} + 1, {HASH_BYTES}) FROM json_each(?)"""  # noqa: S608
# Of several sources: one text per key, which SQLite takes apart. Row rules keep the mark out of both parts.
_MARK = "\x1f"
_SQLITE_INSERT_MIXED = f"""
    INSERT INTO event_keys (source, kind, event_id, sequence, body_hash)
    SELECT substr(value, 1, instr(value, char(31)) - 1), ?, substr(value, instr(value, char(31)) + 1),
        ? + key, substr(?, key * {HASH_BYTES} + 1, {HASH_BYTES}) FROM json_each(?)"""  # noqa: S608
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
    if connection.dialect.name == "sqlite":
        return _find_in_sqlite(connection, kind, sources, event_ids)
    rows: CursorResult[int, int, bytes] = connection.exec_driver_sql(
        _POSTGRESQL_FIND, (list(sources), list(event_ids), kind)
    )
    return {position: StoredKey(sequence, bytes(body_hash)) for position, sequence, body_hash in rows}


def insert_keys(connection: Connection, run: Run) -> None:
    """Add the keys of a run; a key that is there already breaks the transaction."""
    events = run.events
    if connection.dialect.name == "sqlite":
        _insert_into_sqlite(connection, run)
        return
    listed_apart = (list(events.sources), list(events.event_ids))
    connection.exec_driver_sql(
        _POSTGRESQL_INSERT, (events.kind, run.sequence, run.body_hashes, *listed_apart)
    )


def _find_in_sqlite(
    connection: Connection, kind: EventKind, sources: Sequence[str], event_ids: Sequence[str]
) -> dict[int, StoredKey]:
    """One look for each source, of which most batches have one."""
    found: dict[int, StoredKey] = {}
    for source in dict.fromkeys(sources):
        places = [place for place, other in enumerate(sources) if other == source]
        listed = json.dumps([event_ids[place] for place in places])
        rows: CursorResult[int, int, bytes] = connection.exec_driver_sql(_SQLITE_FIND, (listed, source, kind))
        found |= {places[at]: StoredKey(sequence, body_hash) for at, sequence, body_hash in rows}
    return found


def _insert_into_sqlite(connection: Connection, run: Run) -> None:
    events, beside = run.events, (run.events.kind, run.sequence, run.body_hashes)
    if len(set(events.sources)) == 1:
        listed = json.dumps(list(events.event_ids))
        connection.exec_driver_sql(_SQLITE_INSERT, (events.sources[0], *beside, listed))
        return
    keys = zip(events.sources, events.event_ids, strict=True)
    marked = json.dumps([f"{source}{_MARK}{event_id}" for source, event_id in keys])
    connection.exec_driver_sql(_SQLITE_INSERT_MIXED, (*beside, marked))
