"""Parity: history replayed through the online engine, every value held against the mart."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from risk_platform.errors import ContractError
from risk_platform.features.history import history_before, in_order, payments_between
from risk_platform.features.online.arrivals import micros
from risk_platform.features.online.engine import OnlineFeatures
from risk_platform.features.spec import FeatureSpec, load_feature_spec, load_feature_vars
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import JUDGEMENTS, PAYMENT_FEATURES

Floats = npt.NDArray[np.float64]
_RELATIVE = 1e-9
_EXACT = {"count", "sum", "distinct", "length", "since"}


@dataclass(frozen=True)
class Difference:
    """A value of one payment that the engine and the mart do not agree on."""

    source: str
    transaction_id: str
    online: float
    lake: float


@dataclass
class Parity:
    """What a replay found: per feature that differs, in how many payments, and the first of them."""

    events: int = 0
    features: int = 0
    values_compared: int = 0
    mismatches: dict[str, int] = field(default_factory=dict)
    examples: dict[str, Difference] = field(default_factory=dict)


def replay(
    lake: Lake,
    *,
    from_date: date,
    to_date: date,
    label_maturity: timedelta,
    timezone: str,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Parity:
    """Replay the payments and judgements of the lake and compare what falls on the dates, both included.

    History before them is replayed as far back as the mart reads it. Counts and sums must be equal, all else within
    1e-9 relative. Raises ContractError when the mart does not hold exactly the payments of the dates.
    """
    variables = load_feature_vars()
    spec = load_feature_spec()
    _refuse_other_declaration(lake, spec)
    payments = payments_between(lake, from_date - history_before(variables, label_maturity), to_date)
    if payments.num_rows == 0:
        raise ContractError(f"The lake holds no payments up to {to_date}; ingest some first.")
    engine = OnlineFeatures(
        variables, label_maturity=label_maturity, timezone=timezone, late_tolerance=_lag(payments)
    )
    with TemporaryDirectory(prefix="risk-replay-") as folder:
        found = np.memmap(
            Path(folder) / "found", np.float64, "w+", shape=(payments.num_rows, len(engine.names))
        )
        done = 0
        for batch, judgements in in_order(payments, lake.read(JUDGEMENTS)):
            engine.report(judgements)
            found[done : done + batch.num_rows] = engine.observe(batch)
            done += batch.num_rows
            progress(done, payments.num_rows)
        return _compare(lake, spec, payments, found, from_date, to_date)


def _refuse_other_declaration(lake: Lake, spec: FeatureSpec) -> None:
    absent = set(spec.names) - set(lake.dataset(PAYMENT_FEATURES).schema.names)
    if absent:
        raise ContractError(
            f"The feature mart lacks {min(absent)}: another declaration built it; rebuild it."
        )


def _lag(payments: pa.Table) -> timedelta:
    """The tolerance that admits every payment: how far one is behind an earlier one, or ahead of its own arrival."""
    moments, known = micros(payments["event_time"]), micros(payments["known_time"])
    behind = (np.maximum.accumulate(moments) - moments).max()
    return timedelta(microseconds=int(max(behind, (moments - known).max(), 3_600_000_000)))


def _compare(
    lake: Lake, spec: FeatureSpec, payments: pa.Table, found: Floats, from_date: date, to_date: date
) -> Parity:
    parity = Parity(features=len(spec.names))
    exact = _exact_names(spec)
    dates = payments["event_date"].to_numpy()
    keys = payments.select(["source", "transaction_id"]).append_column(
        "row", pa.array(np.arange(payments.num_rows))
    )
    for day in np.unique(dates[(dates >= np.datetime64(from_date)) & (dates <= np.datetime64(to_date))]):
        mart = lake.read(PAYMENT_FEATURES, filter=pc.field("event_date") == day.item())
        mart = mart.sort_by([("source", "ascending"), ("transaction_id", "ascending")])
        own = keys.filter(pa.array(dates == day)).sort_by(
            [("source", "ascending"), ("transaction_id", "ascending")]
        )
        if not own.select(["source", "transaction_id"]).equals(mart.select(["source", "transaction_id"])):
            raise ContractError(f"The feature mart lacks payments of {day}; build the features first.")
        parity.events += own.num_rows
        parity.values_compared += own.num_rows * len(spec.names)
        values = found[own["row"].to_numpy()]
        for at, name in enumerate(spec.names):
            _note(parity, name, own, values[:, at], mart[name].to_numpy(), name in exact)
    return parity


def _note(parity: Parity, name: str, keys: pa.Table, online: Floats, lake: Floats, exact: bool) -> None:
    limit = 0.0 if exact else _RELATIVE * np.maximum(np.abs(online), np.abs(lake))
    with np.errstate(invalid="ignore"):
        same = (online == lake) | (np.abs(online - lake) <= limit) | (np.isnan(online) & np.isnan(lake))
    if same.all():
        return
    at = int(np.argmin(same))
    parity.mismatches[name] = parity.mismatches.get(name, 0) + int((~same).sum())
    parity.examples.setdefault(
        name,
        Difference(
            keys["source"][at].as_py(), keys["transaction_id"][at].as_py(), float(online[at]), float(lake[at])
        ),
    )


def _exact_names(spec: FeatureSpec) -> frozenset[str]:
    """Features that are whole numbers and must be equal."""
    aggregates = (*spec.first_stage, *spec.second_stage)
    return frozenset(
        [a.name for a in aggregates if a.agg in _EXACT]
        + [run.name for run in spec.runs if run.state in _EXACT]
    )
