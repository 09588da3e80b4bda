"""The audit log against what it attests: every run of the inbox with its decisions, every action with its details."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from risk_platform.audit.commitments import SALT_BYTES, details_commitment, run_leaf
from risk_platform.audit.findings import Finding, Tampering
from risk_platform.audit.tree import tree_root
from risk_platform.operations.evidence import columns_of, hashes_of
from risk_platform.operations.packing import read_rows, unpack
from risk_platform.operations.records import HASH_BYTES, body_hashes, canonical_json
from risk_platform.operations.schema import (
    ALERTS,
    AUDIT_DETAILS,
    AUDIT_FORGOTTEN,
    AUDIT_LEAVES,
    AUDIT_SALTS,
    CONTROL,
    DECISIONS,
    EVENT_KEYS,
    INBOX,
    RECORD_FORMATS,
)

_READ = 64
_RUNS = (
    sa.select(
        INBOX,
        DECISIONS.c.rows,
        RECORD_FORMATS.c.schema,
        AUDIT_SALTS.c.salts,
        AUDIT_LEAVES.c.position,
        AUDIT_LEAVES.c.leaf,
    )
    .outerjoin(DECISIONS, DECISIONS.c.sequence == INBOX.c.sequence)
    .outerjoin(RECORD_FORMATS, RECORD_FORMATS.c.format == DECISIONS.c.format)
    .outerjoin(AUDIT_SALTS, AUDIT_SALTS.c.sequence == INBOX.c.sequence)
    .outerjoin(AUDIT_LEAVES, AUDIT_LEAVES.c.sequence == INBOX.c.sequence)
)
_NAMED = 3


@dataclass(frozen=True)
class AttestedRun:
    """A run of the inbox with all that its leaf binds: n lines, n record hashes, their salts."""

    sequence: int
    position: int
    lines: list[bytes]
    decisions: Any
    salts: bytes
    hashes: list[bytes]
    forgotten: int


def check_runs(connection: Connection) -> Iterator[AttestedRun | Finding]:
    """Every run in order that is what its leaf attests, until the first finding."""
    expected, behind = 1, 0
    while rows := connection.execute(
        _RUNS.where(INBOX.c.sequence > behind).order_by(INBOX.c.sequence).limit(_READ)
    ).all():
        for row in rows:
            if row.sequence != expected:
                what = f"The events of sequence {expected} to {row.sequence - 1} were deleted from the inbox."
                yield Finding(Tampering.DELETE, what)
                return
            checked = check_run(connection, row)
            yield checked
            if isinstance(checked, Finding):
                return
            expected = row.sequence + row.events
        behind = rows[-1].sequence
    gone = _runs_gone(connection)
    if gone is not None:
        yield gone


def run_of(connection: Connection, sequence: int) -> "AttestedRun | Finding":
    """The run that holds the event at `sequence`, which must be in the inbox, checked."""
    query = _RUNS.where(INBOX.c.sequence <= sequence).order_by(INBOX.c.sequence.desc()).limit(1)
    return check_run(connection, connection.execute(query).one())


def check_run(connection: Connection, row: Row[Any]) -> AttestedRun | Finding:
    """One run against its leaf, and what follows from it: alerts and control history."""
    span = f"sequence {row.sequence} to {row.sequence + row.events - 1}"
    if row.leaf is None:
        return Finding(
            Tampering.INSERT,
            f"The events of {span} are in no leaf: they were inserted, or their leaf deleted.",
        )
    if row.salts is None or len(row.salts) != row.events * SALT_BYTES:
        return Finding(Tampering.EDIT, f"The salts of the events of {span} were deleted or edited.")
    lines = unpack(row.bodies).to_pybytes().split(b"\n")
    decisions = None if row.rows is None else read_rows(unpack(row.rows), row.schema)
    if len(lines) != row.events or (decisions is not None and decisions.num_rows != row.events):
        return Finding(Tampering.EDIT, f"The events or decisions of {span} are not as many as were written.")
    hashes = hashes_of(row.salts, lines, decisions)
    forgotten = _forgotten(connection, row.sequence, row.events)
    for sequence, record in forgotten.items():
        hashes[sequence - row.sequence] = record
    columns = columns_of(decisions)
    leaf = run_leaf(row.kind, row.sequence, row.events, row.known_time, tree_root(hashes), columns)
    run = AttestedRun(row.sequence, row.position, lines, decisions, row.salts, hashes, len(forgotten))
    if leaf != row.leaf.encode():
        return Finding(Tampering.EDIT, _edited(connection, run, row))
    return _alert_finding(connection, run) or _control_finding(connection, run, row) or run


def check_details(connection: Connection, position: int, leaf: Mapping[str, Any]) -> Finding | None:
    """The personal values of an action against its leaf; forgotten ones cannot be checked."""
    query = sa.select(AUDIT_DETAILS.c.salt, AUDIT_DETAILS.c.details)
    row = connection.execute(query.where(AUDIT_DETAILS.c.position == position)).first()
    if row is None or details_commitment(row.salt, row.details) == leaf["details"]:
        return None
    return Finding(
        Tampering.EDIT, f"The details of the action {leaf['action']} in leaf {position} were edited."
    )


def _forgotten(connection: Connection, sequence: int, events: int) -> dict[int, bytes]:
    table = AUDIT_FORGOTTEN.c
    query = sa.select(table.sequence, table.hash)
    rows = connection.execute(query.where(table.sequence.between(sequence, sequence + events - 1)))
    return {row.sequence: bytes(row.hash) for row in rows}


def _edited(connection: Connection, run: AttestedRun, row: Row[Any]) -> str:
    """Which events were edited where their keys still tell, else what can be said."""
    span = f"sequence {run.sequence} to {run.sequence + len(run.lines) - 1}"
    stated = json.loads(row.leaf)
    for name in ("kind", "known_time", "events"):
        if stated.get(name) != getattr(row, name):
            return (
                f"The {name} of the events of {span} was edited: leaf {run.position} says {stated.get(name)}."
            )
    names = _edited_bodies(connection, run)
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return (
            f"The {row.kind} {', '.join(names[:_NAMED])}{more} was edited in the inbox (leaf {run.position})."
        )
    return (
        f"A decision, an event or a salt of {span} was edited: they are not what leaf {run.position} attests."
    )


def _edited_bodies(connection: Connection, run: AttestedRun) -> list[str]:
    keys = EVENT_KEYS.c
    query = sa.select(keys.source, keys.event_id, keys.sequence, keys.body_hash)
    found = connection.execute(
        query.where(keys.sequence.between(run.sequence, run.sequence + len(run.lines) - 1))
    )
    now = body_hashes(run.lines)
    return [
        f"{row.source}:{row.event_id}"
        for row in found
        if now[(at := (row.sequence - run.sequence) * HASH_BYTES) : at + HASH_BYTES] != row.body_hash
    ]


def _alert_finding(connection: Connection, run: AttestedRun) -> Finding | None:
    """Alerts follow from decisions; one too few, too many or with other figures was tampered with."""
    columns = ("sequence", "decision_id", "score", "level", "advice")
    last = run.sequence + len(run.lines) - 1
    query = sa.select(*(ALERTS.c[name] for name in columns)).order_by(ALERTS.c.sequence)
    stored = [
        tuple(row) for row in connection.execute(query.where(ALERTS.c.sequence.between(run.sequence, last)))
    ]
    raised = []
    if run.decisions is not None:
        alerted = run.decisions.filter(run.decisions.column("alerted")).select(list(columns))
        raised = [tuple(row.values()) for row in alerted.to_pylist()]
    if stored == raised:
        return None
    wrong = min(set(stored) ^ set(raised))[0]
    kinds = {wrong in {row[0] for row in rows} for rows in (stored, raised)}
    if kinds == {True}:
        return Finding(
            Tampering.EDIT, f"The alert at sequence {wrong} was edited: its decision says otherwise."
        )
    if wrong in {row[0] for row in raised}:
        return Finding(Tampering.DELETE, f"The alert at sequence {wrong} was deleted.")
    return Finding(Tampering.INSERT, f"The alert at sequence {wrong} was inserted: its decision raised none.")


def _control_finding(connection: Connection, run: AttestedRun, row: Row[Any]) -> Finding | None:
    """The control history follows from control events; what is in force after a restart is read from it."""
    if row.kind != "control":
        return None
    changes = [json.loads(line) for line in run.lines]
    said = [
        (row.sequence + at, row.known_time + at, change["name"], canonical_json(change["value"]))
        for at, change in enumerate(changes)
    ]
    columns = (CONTROL.c.sequence, CONTROL.c.known_time, CONTROL.c.name, CONTROL.c.value)
    last = row.sequence + row.events - 1
    query = sa.select(*columns).where(CONTROL.c.sequence.between(row.sequence, last))
    if [tuple(stored) for stored in connection.execute(query.order_by(CONTROL.c.sequence))] == said:
        return None
    names = ", ".join(change["name"] for change in changes)
    sentence = (
        f"The control history was edited: from sequence {row.sequence} on it is not what was said ({names})."
    )
    return Finding(Tampering.EDIT, sentence)


def _runs_gone(connection: Connection) -> Finding | None:
    """A leaf whose run is not in the inbox any more."""
    leaves = AUDIT_LEAVES.c
    query = sa.select(leaves.position, leaves.sequence).where(leaves.sequence.is_not(None))
    query = query.where(~sa.exists().where(INBOX.c.sequence == leaves.sequence))
    row = connection.execute(query.order_by(leaves.position).limit(1)).first()
    if row is None:
        return None
    sentence = f"The events from sequence {row.sequence} on, which leaf {row.position} attests, were deleted."
    return Finding(Tampering.DELETE, sentence)
