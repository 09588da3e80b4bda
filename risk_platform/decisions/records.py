"""Decisions as rows of the lake table `decisions`."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from risk_platform.decisions.arrow_columns import (
    doubles,
    hexadecimal,
    lists,
    named,
    repeated,
    text_lists,
    whole_numbers,
)
from risk_platform.decisions.levels import LEVELS, Advice, Thresholds
from risk_platform.lake.tables import DECISIONS, PAYMENT_KEY

Floats = npt.NDArray[np.float64]
DecidedBy = Literal["engine", "batch"]
KEYS = ("source", "transaction_id", "event_time", "event_date")


_ADVICE = tuple(Advice)
_FINGERPRINT = 16
# From so many payments on, working on them side by side is faster.
_SIDE_BY_SIDE = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


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
    keys = {name: _in_type(_whole(payments.column(name)), _KINDS[name]) for name in KEYS}
    advice = np.maximum(thresholds.advice_places[decided.ranks], decided.advice)
    if payments.num_rows < _SIDE_BY_SIDE:
        return _row_by_row(keys, _sequence(payments), advice, decided)
    return _side_by_side(keys, _sequence(payments), advice, decided)


def _side_by_side(
    keys: Mapping[str, pa.Array], sequence: pa.Array, advice: npt.NDArray[np.intp], decided: Decided
) -> pa.Table:
    count = len(sequence)
    columns = {
        **keys,
        "decision_id": _decision_ids(keys, decided.hashes),
        "sequence": sequence,
        "decided_time": whole_numbers(np.full(count, _micros(decided.decided_time)), _KINDS["decided_time"]),
        "decided_by": repeated(decided.decided_by, pa.string(), count),
        "probability": doubles(decided.probabilities),
        "score": doubles(decided.scores),
        "margin": doubles(decided.margins),
        "level": named(LEVELS, decided.ranks),
        "advice": named(_ADVICE, advice),
        "alerted": pa.array(decided.alerted),
        "degraded_reason": _degraded(decided.why_not, count),
        "bundle_hash": repeated(decided.hashes.bundle, pa.string(), count),
        "rules_hash": repeated(decided.hashes.rules, pa.string(), count),
        "thresholds_hash": repeated(decided.hashes.thresholds, pa.string(), count),
        "features_version": repeated(decided.features_version, pa.int64(), count),
        "feature_values": lists(decided.feature_values),
        "rule_values": lists(decided.rule_values),
        "attributions": lists(decided.attributions, decided.explained),
        "reason_codes": text_lists(decided.reason_codes),
        "rule_hits": text_lists(decided.hits),
    }
    arrays = [_in_type(columns[name], kind) for name, kind in _KINDS.items()]
    return pa.Table.from_batches([pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)])


def _row_by_row(
    keys: Mapping[str, pa.Array], sequence: pa.Array, advice: npt.NDArray[np.intp], decided: Decided
) -> pa.Table:
    """The same of a few: one call of Arrow for all columns, each of which costs as much as many values do."""
    columns = {
        **{name: _ticks(column).to_pylist() for name, column in keys.items()},
        "decision_id": _decision_ids(keys, decided.hashes).to_pylist(),
        "sequence": sequence.to_pylist(),
        "probability": _numbers(decided.probabilities),
        "score": _numbers(decided.scores),
        "margin": _numbers(decided.margins),
        "level": [LEVELS[rank] for rank in decided.ranks.tolist()],
        "advice": [_ADVICE[place] for place in advice.tolist()],
        "alerted": decided.alerted.tolist(),
        "degraded_reason": decided.why_not or [None] * len(sequence),
        "feature_values": map(_numbers, decided.feature_values),
        "rule_values": map(_numbers, decided.rule_values),
        "attributions": _explanations(decided),
        "reason_codes": [codes or [] for codes in decided.reason_codes],
        "rule_hits": [hits or [] for hits in decided.hits],
    }
    shared = {
        "decided_time": _micros(decided.decided_time),
        "decided_by": decided.decided_by,
        "bundle_hash": decided.hashes.bundle,
        "rules_hash": decided.hashes.rules,
        "thresholds_hash": decided.hashes.thresholds,
        "features_version": decided.features_version,
    }
    rows = [dict(zip(columns, row, strict=True), **shared) for row in zip(*columns.values(), strict=True)]
    return pa.Table.from_batches([pa.RecordBatch.from_struct_array(pa.array(rows, _ROW))])


def _numbers(values: Floats) -> list[float | None]:
    """The numbers, None for NaN."""
    return [None if value != value else value for value in values.tolist()]


def _explanations(decided: Decided) -> list[list[float | None] | None]:
    rows = iter(decided.attributions)
    return [_numbers(next(rows)) if explained else None for explained in decided.explained.tolist()]


def _ticks(column: pa.Array) -> pa.Array:
    """Times in their unit, dates in days."""
    if pa.types.is_timestamp(column.type):
        return column.view(pa.int64())
    return column.view(pa.int32()) if pa.types.is_date32(column.type) else column


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _in_type(column: pa.Array, kind: pa.DataType) -> pa.Array:
    return column if column.type.equals(kind) else column.cast(kind)


_SCHEMA = DECISIONS.schema
_KINDS = {field.name: field.type for field in _SCHEMA}
_ROW = pa.struct(list(_SCHEMA))


def _sequence(payments: pa.Table | pa.RecordBatch) -> pa.Array:
    """Inbox positions of payments that came in live, null for history."""
    if "sequence" in payments.schema.names:
        return _whole(payments.column("sequence"))
    return pa.nulls(payments.num_rows, pa.int64())


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _degraded(why_not: list[str | None] | None, count: int) -> pa.Array:
    return repeated(None, pa.string(), count) if why_not is None else pa.array(why_not, pa.string())


def _decision_ids(keys: Mapping[str, pa.Array], hashes: Hashes) -> pa.Array:
    """Identifiers that the same payment, bundle, rules and thresholds always get."""
    base = hashlib.sha256(f"{hashes.bundle}\x1f{hashes.rules}\x1f{hashes.thresholds}".encode()).digest()
    sources, identifiers = (keys[name] for name in PAYMENT_KEY)
    if len(sources) >= _SIDE_BY_SIDE:
        from risk_platform.audit.lanes import text_digests

        return hexadecimal(text_digests(base, [sources, identifiers])[:, :_FINGERPRINT])
    names = zip(sources.to_pylist(), identifiers.to_pylist(), strict=True)
    told = [f"\x1f{source}\x1f{identifier}".encode() for source, identifier in names]
    return pa.array([hashlib.sha256(base + key).digest()[:_FINGERPRINT].hex() for key in told], pa.string())
