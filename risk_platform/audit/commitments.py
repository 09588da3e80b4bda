"""Salted commitments: a leaf binds a record without telling anything about it, even to who guesses its values.

A record is what one event was and what was decided on it: a line of JSON, and a line with a JSON array whose
columns the leaf names by their hash. The records of a run make a small Merkle tree of their own, whose root stands
in the leaf of the run; so each of them can be shown alone. Once
salt and values are gone, a record's hash still holds the tree together and says nothing any more.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from risk_platform.audit.byte_rows import ByteRows, Bytes
from risk_platform.audit.canonical import canonical_bytes
from risk_platform.audit.tree import tree_root

SALT_BYTES = 16
# From so many records on, hashing them side by side is faster.
_SIDE_BY_SIDE = 48
_sha256 = hashlib.sha256


def new_salts(count: int) -> bytes:
    """Salts of `count` records, one after the other, from the system's source of randomness."""
    return secrets.token_bytes(SALT_BYTES * count)


def salt_at(salts: bytes, index: int) -> bytes:
    """The salt of one record."""
    return salts[index * SALT_BYTES : (index + 1) * SALT_BYTES]


def record_hash(salt: bytes, body: bytes, decision: bytes) -> bytes:
    """Leaf hash of a record: SHA-256 of 0x00, its salt, the line of its body, a line feed, that of its decision."""
    return _sha256(b"\x00" + salt + body + b"\n" + decision).digest()


def record_hashes(salts: bytes, bodies: Sequence[bytes], decisions: Sequence[bytes]) -> list[bytes]:
    """`record_hash` of each record of a run."""
    if len(bodies) >= _SIDE_BY_SIDE:
        return [digest.tobytes() for digest in _record_digests(salts, bodies, decisions)]
    parts = (salts[start : start + SALT_BYTES] for start in range(0, len(salts), SALT_BYTES))
    return [record_hash(*record) for record in zip(parts, bodies, decisions, strict=True)]


def records_root(salts: bytes, bodies: Sequence[bytes], decisions: Sequence[bytes]) -> bytes:
    """Root over the `record_hashes` of a run."""
    if len(bodies) < _SIDE_BY_SIDE:
        return tree_root(record_hashes(salts, bodies, decisions))
    from risk_platform.audit.lanes import root_of

    return root_of(_record_digests(salts, bodies, decisions))


def _record_digests(salts: bytes, bodies: Sequence[bytes], decisions: Sequence[bytes]) -> Bytes:
    """The record hashes as (records × 32)."""
    from risk_platform.audit.lanes import Messages, put_prefix, put_rows

    body_rows, decision_rows = ByteRows.of(bodies), ByteRows.of(decisions)
    lengths = np.diff(body_rows.offsets) + np.diff(decision_rows.offsets) + SALT_BYTES
    messages, places = Messages(lengths), np.arange(len(lengths)) * SALT_BYTES
    put_prefix(messages, b"\x00", len(lengths))
    messages.put(np.frombuffer(salts, np.uint8), places, np.full(len(lengths), SALT_BYTES))
    put_rows(messages, body_rows, with_feed=True)
    put_rows(messages, decision_rows, with_feed=False)
    return messages.digests()


def columns_hash(names: Sequence[str]) -> str:
    """Name of the columns of decision lines: SHA-256 over their JSON array, in hex."""
    return _sha256(json.dumps(list(names), separators=(",", ":")).encode()).hexdigest()


def run_leaf(
    kind: str, sequence: int, events: int, known_time: int, records: bytes, columns: Sequence[str] | None
) -> bytes:
    """Leaf of a run of the inbox: canonical JSON, version 1.

    `records` is the root over its record hashes, `columns` those of its decisions, None where nothing was decided.
    """
    return canonical_bytes(
        {
            "columns": None if columns is None else columns_hash(columns),
            "events": events,
            "kind": kind,
            "known_time": known_time,
            "records": records.hex(),
            "sequence": sequence,
            "version": 1,
        }
    )


@dataclass(frozen=True)
class Action:
    """What somebody did: `actor` and `subject` are pseudonyms, `details` hold what is personal; time in µs."""

    name: str
    actor: str
    subject: str
    time: int
    details: Mapping[str, Any]


def action_details(action: Action) -> bytes:
    """The personal values of an action as canonical JSON; raises ContractError for what that cannot hold."""
    return canonical_bytes(action.details)


def action_leaf(action: Action, salt: bytes) -> bytes:
    """Leaf of an action: canonical JSON, version 1; of its details only SHA-256 over salt and canonical JSON."""
    return canonical_bytes(
        {
            "action": action.name,
            "actor": action.actor,
            "details": details_commitment(salt, action_details(action)),
            "kind": "action",
            "subject": action.subject,
            "time": action.time,
            "version": 1,
        }
    )


def details_commitment(salt: bytes, details: bytes) -> str:
    """What a leaf says of the details of an action, in hex."""
    return _sha256(salt + details).hexdigest()
