"""What is written to and read from the store: runs of consecutive events, alerts, control changes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

EventKind = Literal["payment", "judgement", "outcome", "control"]
HASH_BYTES = 16


@dataclass(frozen=True)
class Events:
    """Bodies of events of one kind in their order, each a canonical JSON line, with what identifies them."""

    kind: EventKind
    sources: Sequence[str]
    event_ids: Sequence[str]
    lines: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.lines)


@dataclass(frozen=True)
class Run:
    """Consecutive events of one kind as they are committed.

    Event i has the sequence `sequence` + i and is known at `known_time` + i (µs since 1970). A run of
    payments carries their decisions, one row each in the same order.
    """

    sequence: int
    known_time: int
    timezone: str
    events: Events
    body_hashes: bytes
    decisions: pa.RecordBatch | None = None


@dataclass(frozen=True)
class StoredRun:
    """A run as it is read back: its bodies are JSON lines."""

    sequence: int
    events: int
    kind: EventKind
    known_time: int
    timezone: str
    bodies: bytes


@dataclass(frozen=True)
class Tail:
    """Where the inbox ends: its last sequence and the time (µs) that was known at; zeros while it is empty."""

    sequence: int
    known_time: int


@dataclass(frozen=True)
class StoredKey:
    """An event the store knows: where it stands, and the hash of its body."""

    sequence: int
    body_hash: bytes


@dataclass(frozen=True)
class ControlChange:
    """One entry of the control history: what changed, to which value, from which sequence on."""

    sequence: int
    name: str
    value: Mapping[str, Any]


def body_hashes(lines: Sequence[bytes]) -> bytes:
    """BLAKE2b-128 of each line, one after the other."""
    blake = hashlib.blake2b
    return b"".join([blake(line, digest_size=HASH_BYTES).digest() for line in lines])


def canonical_json(value: Mapping[str, Any]) -> str:
    """`value` with sorted keys and no white space, as RFC 8785 wants it for text and integers below 2^53."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
