"""Decisions as rows of the lake table `decisions`."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from risk_platform.decisions.levels import LEVELS, Thresholds
from risk_platform.lake.tables import DECISIONS

Floats = npt.NDArray[np.float64]
DecidedBy = Literal["engine", "batch"]
KEYS = ("source", "transaction_id", "event_time", "event_date")


@dataclass(frozen=True)
class Decided:
    """A batch of n decisions as arrays.

    Margins, probabilities, scores and alerted have length n, `feature_values` is (n × features);
    `attributions` (alerts × (features + 1)) and `reason_codes` have one entry per alert, in their order.
    """

    margins: Floats
    probabilities: Floats
    scores: Floats
    alerted: npt.NDArray[np.bool_]
    feature_values: Floats
    attributions: Floats
    reason_codes: list[list[str]]
    bundle_hash: str
    features_version: int
    decided_time: datetime
    decided_by: DecidedBy


def decision_rows(payments: pa.Table | pa.RecordBatch, decided: Decided, thresholds: Thresholds) -> pa.Table:
    """Rows of `decisions`, one for each payment, in the registry's columns and types."""
    count = payments.num_rows
    ranks = thresholds.ranks(decided.scores)
    columns = {name: payments.column(name) for name in KEYS} | {
        "decision_id": _decision_ids(payments, decided.bundle_hash, thresholds.hash),
        "sequence": pa.nulls(count, pa.int64()),
        "decided_time": pa.repeat(pa.scalar(decided.decided_time, pa.timestamp("us", tz="UTC")), count),
        "decided_by": pa.repeat(decided.decided_by, count),
        "probability": pa.array(decided.probabilities),
        "score": pa.array(decided.scores),
        "margin": pa.array(decided.margins),
        "level": pa.array([level.value for level in LEVELS]).take(pa.array(ranks)),
        "advice": pa.array([advice.value for advice in thresholds.advice]).take(pa.array(ranks)),
        "alerted": pa.array(decided.alerted),
        "degraded_reason": pa.nulls(count, pa.string()),
        "bundle_hash": pa.repeat(decided.bundle_hash, count),
        "rules_hash": pa.nulls(count, pa.string()),
        "thresholds_hash": pa.repeat(thresholds.hash, count),
        "features_version": pa.repeat(pa.scalar(decided.features_version, pa.int64()), count),
        "feature_values": _lists(decided.feature_values, np.ones(count, dtype=bool)),
        "attributions": _lists(decided.attributions, decided.alerted),
        "reason_codes": _codes(decided.reason_codes, decided.alerted),
        "rule_hits": _codes([], np.zeros(count, dtype=bool)),
    }
    return pa.table({name: columns[name] for name in DECISIONS.column_names}).cast(DECISIONS.schema)


def _decision_ids(payments: pa.Table | pa.RecordBatch, bundle_hash: str, thresholds_hash: str) -> pa.Array:
    """Identifiers that the same payment, bundle and thresholds always get."""
    keys = zip(
        payments.column("source").to_pylist(), payments.column("transaction_id").to_pylist(), strict=True
    )
    base = hashlib.sha256(f"{bundle_hash}\x1f{thresholds_hash}".encode())
    identifiers = []
    for source, transaction_id in keys:
        digest = base.copy()
        digest.update(f"\x1f{source}\x1f{transaction_id}".encode())
        identifiers.append(digest.hexdigest()[:32])
    return pa.array(identifiers, pa.string())


def _lists(rows: Floats, present: npt.NDArray[np.bool_]) -> pa.Array:
    """A list column: the next row of `rows` where `present`, null elsewhere; NaN becomes null in the list."""
    lengths = np.where(present, rows.shape[1], 0)
    values = pa.array(rows.ravel(), from_pandas=True)
    return pa.ListArray.from_arrays(_offsets(lengths), values, mask=pa.array(~present))


def _codes(codes: Sequence[Sequence[str]], present: npt.NDArray[np.bool_]) -> pa.Array:
    """A list column: the next codes where `present`, an empty list elsewhere."""
    lengths = np.zeros(len(present), dtype=np.int64)
    lengths[present] = [len(row) for row in codes]
    return pa.ListArray.from_arrays(
        _offsets(lengths), pa.array([code for row in codes for code in row], pa.string())
    )


def _offsets(lengths: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
