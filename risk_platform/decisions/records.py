"""Decisions as rows of the lake table `decisions`."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from risk_platform.decisions.levels import LEVELS, Advice, Thresholds
from risk_platform.lake.tables import DECISIONS, PAYMENT_KEY

Floats = npt.NDArray[np.float64]
DecidedBy = Literal["engine", "batch"]
KEYS = ("source", "transaction_id", "event_time", "event_date")


_ADVICE = tuple(Advice)
_FINGERPRINT = 32


@dataclass(frozen=True)
class Hashes:
    """What a decision was made with: SHA-256 of bundle (None: there was none), rule book and thresholds."""

    bundle: str | None
    rules: str
    thresholds: str


@dataclass(frozen=True)
class Decided:
    """A batch of n decisions as arrays.

    Margins and probabilities (NaN where degraded), scores, ranks (places in `LEVELS`), advice (the place in
    `Advice` that rules ask for at least), alerted and `explained` have length n, as has `why_not` unless the
    model judged all. `feature_values` is (n × features), `rule_values` (n × features of rules alone).
    `attributions` (× (features + 1)) has a row for each explained one in their order; `reason_codes` and `hits` have
    an entry for each decision, None for none.
    """

    margins: Floats
    probabilities: Floats
    scores: Floats
    ranks: npt.NDArray[np.intp]
    advice: npt.NDArray[np.intp]
    alerted: npt.NDArray[np.bool_]
    why_not: list[str | None] | None
    feature_values: Floats
    rule_values: Floats
    explained: npt.NDArray[np.bool_]
    attributions: Floats
    reason_codes: list[list[str] | None]
    hits: list[list[str] | None]
    hashes: Hashes
    features_version: int
    decided_time: datetime
    decided_by: DecidedBy


def decision_rows(payments: pa.Table | pa.RecordBatch, decided: Decided, thresholds: Thresholds) -> pa.Table:
    """Rows of `decisions`, one for each payment, in the registry's columns and types."""
    count = payments.num_rows
    advised = np.array([_ADVICE.index(advice) for advice in thresholds.advice])[decided.ranks]
    columns = {name: payments.column(name) for name in KEYS} | {
        "decision_id": _decision_ids(payments, decided.hashes),
        "sequence": _sequence(payments),
        "decided_time": _repeated(decided.decided_time, _KINDS["decided_time"], count),
        "decided_by": _repeated(decided.decided_by, pa.string(), count),
        "probability": pa.array(decided.probabilities, from_pandas=True),
        "score": pa.array(decided.scores),
        "margin": pa.array(decided.margins, from_pandas=True),
        "level": _named(LEVELS, decided.ranks),
        "advice": _named(_ADVICE, np.maximum(advised, decided.advice)),
        "alerted": pa.array(decided.alerted),
        "degraded_reason": pa.array(decided.why_not or [None] * count, pa.string()),
        "bundle_hash": _repeated(decided.hashes.bundle, pa.string(), count),
        "rules_hash": _repeated(decided.hashes.rules, pa.string(), count),
        "thresholds_hash": _repeated(decided.hashes.thresholds, pa.string(), count),
        "features_version": _repeated(decided.features_version, pa.int64(), count),
        "feature_values": _lists(decided.feature_values),
        "rule_values": _lists(decided.rule_values),
        "attributions": _lists(decided.attributions, decided.explained),
        "reason_codes": _codes(decided.reason_codes),
        "rule_hits": _codes(decided.hits),
    }
    arrays = [_in_type(columns[name], kind) for name, kind in _KINDS.items()]
    return pa.Table.from_arrays(arrays, schema=_SCHEMA)


def _in_type(column: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    return column if column.type.equals(kind) else column.cast(kind)


_NO_CODES = pa.array([], pa.string())
_SCHEMA = DECISIONS.schema
_KINDS = {field.name: field.type for field in _SCHEMA}


def _repeated(value: object, kind: pa.DataType, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, kind), count)


def _named(names: Sequence[StrEnum], places: npt.NDArray[np.intp]) -> pa.Array:
    """The names at `places`."""
    return pa.array([names[place] for place in places.tolist()], pa.string())


def _sequence(payments: pa.Table | pa.RecordBatch) -> pa.Array:
    """Inbox positions of payments that came in live, null for history."""
    if "sequence" in payments.schema.names:
        return payments.column("sequence")
    return pa.nulls(payments.num_rows, pa.int64())


def _decision_ids(payments: pa.Table | pa.RecordBatch, hashes: Hashes) -> pa.Array:
    """Identifiers that the same payment, bundle, rules and thresholds always get."""
    base = hashlib.sha256(f"{hashes.bundle}\x1f{hashes.rules}\x1f{hashes.thresholds}".encode()).digest()
    identifiers = [hashlib.sha256(base + key).hexdigest()[:_FINGERPRINT] for key in _keys(payments)]
    return pa.array(identifiers, pa.string())


def _keys(payments: pa.Table | pa.RecordBatch) -> list[bytes]:
    sources, identifiers = (payments.column(name).to_pylist() for name in PAYMENT_KEY)
    return [
        f"\x1f{source}\x1f{identifier}".encode()
        for source, identifier in zip(sources, identifiers, strict=True)
    ]


def _lists(rows: Floats, present: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """A list column: the next row of `rows` where `present`, null elsewhere; NaN becomes null in the list."""
    if present is not None and not len(rows):
        return pa.nulls(len(present), pa.list_(pa.float64()))
    values, width = pa.array(rows.ravel(), from_pandas=True), rows.shape[1]
    if present is None:
        ends = np.arange(0, len(rows) * width + 1, width) if width else np.zeros(len(rows) + 1)
        return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), values)
    offsets = _offsets(np.where(present, width, 0))
    return pa.ListArray.from_arrays(offsets, values, mask=pa.array(~present))


def _codes(codes: Sequence[Sequence[str] | None]) -> pa.Array:
    """A list column of texts, an empty list for None."""
    if not any(codes):
        return pa.ListArray.from_arrays(pa.array(np.zeros(len(codes) + 1, np.int32)), _NO_CODES)
    lengths = np.array([len(row) if row else 0 for row in codes], dtype=np.int64)
    values = pa.array([code for row in codes if row for code in row], pa.string())
    return pa.ListArray.from_arrays(_offsets(lengths), values)


def _offsets(lengths: npt.NDArray[np.int64]) -> pa.Array:
    ends = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=ends[1:])
    return pa.array(ends)
