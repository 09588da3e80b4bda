"""Stored decisions made again: from the values they saw and the bundle, rules and thresholds they name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from risk_platform.decisions.archive import Archive
from risk_platform.decisions.engine import (
    KILL_SWITCH,
    MISSING_FEATURES,
    NO_BUNDLE,
    NO_FEATURES,
    DecisionEngine,
)
from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.decisions.records import KEYS
from risk_platform.decisions.rules.columns import Features
from risk_platform.errors import ContractError
from risk_platform.lake.tables import DECISIONS

# Live values come from sums in another order than the mart's.
LIVE_TOLERANCE = 1e-9
_GIVEN = ("decided_time", "decided_by", "features_version", "sequence")


@dataclass(frozen=True)
class Difference:
    """One field in which what is stored is not what it should be."""

    field: str
    stored: object
    found: object


@dataclass(frozen=True)
class Reproduction:
    """A decision made again: what differs in it, and in which values the lake says otherwise.

    `values` is None when the lake holds no features of the payment to compare with.
    """

    source: str
    transaction_id: str
    decision_id: str
    decision: tuple[Difference, ...]
    values: tuple[Difference, ...] | None

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not self.decision and not self.values


def reproduce(
    stored: pa.Table,
    payment: pa.Table,
    mart: pa.Table | None,
    archive: Archive,
    features: Sequence[str],
    reasons: ReasonDictionary,
) -> Reproduction:
    """The one decision `stored` (a row of `decisions`) made again and compared to the digit.

    `payment` is the payment's row of `transactions`, or of the inbox in its columns; `mart` its row of
    `payment_features`, None when there is none; `features` are the names that rules may use. Raises
    BundleError or InputError when what the decision names is no longer kept intact.
    """
    row = stored.to_pylist()[0]
    engine = _engine(row, archive, features, reasons)
    again = engine.decide(
        _as_decided(stored, payment, engine),
        _features(row, engine),
        decided_time=row["decided_time"],
        decided_by=row["decided_by"],
        features_version=row["features_version"],
    ).to_pylist()[0]
    told = [*_moved(row, payment), *_differences(row, again)]
    values = None if mart is None else tuple(_value_differences(row, engine, mart))
    return Reproduction(row["source"], row["transaction_id"], row["decision_id"], tuple(told), values)


def _engine(
    row: dict[str, Any], archive: Archive, features: Sequence[str], reasons: ReasonDictionary
) -> DecisionEngine:
    digest = row["bundle_hash"]
    if row["rules_hash"] is None:
        raise ContractError(
            f"The decision on {row['transaction_id']} was made before rules were kept; it cannot be made again."
        )
    return DecisionEngine(
        archive.bundle(digest) if digest is not None else None,
        archive.threshold_set(row["thresholds_hash"]),
        reasons,
        archive.rule_book(row["rules_hash"], features, reasons),
        kill_switch=row["degraded_reason"] == KILL_SWITCH,
        no_bundle_reason=row["degraded_reason"] or NO_BUNDLE,
    )


def _as_decided(stored: pa.Table, payment: pa.Table, engine: DecisionEngine) -> pa.Table:
    """The payment as it was decided: keys and times of the decision, other columns of the payment."""
    columns = {name: stored.column(name) for name in (*KEYS, "sequence")}
    return pa.table(columns | {name: payment.column(name) for name in engine.columns})


def _features(row: dict[str, Any], engine: DecisionEngine) -> Features | None:
    why = row["degraded_reason"] or ""
    if why == NO_FEATURES:
        return None
    values = [*row["feature_values"], *(row["rule_values"] or [])]
    if len(values) != len(engine.features):
        raise ContractError(
            f"The decision on {row['transaction_id']} stores {len(values)} values where its bundle and rules look "
            f"at {len(engine.features)}; the row was altered."
        )
    absent = (
        set(why.removeprefix(MISSING_FEATURES).split(", ")) if why.startswith(MISSING_FEATURES) else set()
    )
    kept = [at for at, name in enumerate(engine.features) if name not in absent]
    matrix = np.array([values], dtype=np.float64)
    return Features(tuple(engine.features[at] for at in kept), matrix[:, kept])


def _moved(row: dict[str, Any], payment: pa.Table) -> Iterator[Difference]:
    """Keys and times in which decision and payment disagree."""
    stated = payment.select([name for name in KEYS if name in payment.column_names]).to_pylist()[0]
    for name, value in stated.items():
        if value != row[name]:
            yield Difference(name, row[name], value)


def _differences(row: dict[str, Any], again: dict[str, Any]) -> Iterator[Difference]:
    for name in DECISIONS.column_names:
        if name not in _GIVEN and row[name] != again[name]:
            yield Difference(name, row[name], again[name])


def _value_differences(row: dict[str, Any], engine: DecisionEngine, mart: pa.Table) -> Iterator[Difference]:
    """Values that are not those of the mart: exactly for a batch decision, to 1e-9 for a live one."""
    values = [*row["feature_values"], *(row["rule_values"] or [])]
    tolerance = LIVE_TOLERANCE if row["decided_by"] == "engine" else 0.0
    for name, value in zip(engine.features, values, strict=True):
        found = mart.column(name)[0].as_py() if name in mart.column_names else None
        if not _same(value, found, tolerance):
            yield Difference(name, value, found)


def _same(one: float | None, other: float | None, tolerance: float) -> bool:
    if one is None or other is None:
        return one is other
    return one == other or abs(one - other) <= tolerance * max(abs(one), abs(other))
