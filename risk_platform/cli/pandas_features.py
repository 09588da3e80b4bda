"""The peer of the feature benchmark: the same windows in pandas, group by group, as usually written."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.indexers import BaseIndexer

HOUR = np.timedelta64(1, "h")
DAY = np.timedelta64(1, "D")
_WIDTHS = {
    "1h": HOUR,
    "1d": DAY,
    "7d": 7 * DAY,
    "14d": 14 * DAY,
    "30d": 30 * DAY,
    "42d": 42 * DAY,
    "90d": 90 * DAY,
}

# Days since the first or last payment of a window: since the least or the greatest of their times.
_AGES = {"age_first": "min", "age_last": "max"}

# entity → (feature, column, aggregation, window, seen only once the label is known)
Plan = dict[str, list[tuple[str, str, str, str, bool]]]
PLAN: Plan = {
    "customer_id": [
        *[
            (f"customer_payment_count_{w}", "amount", "count", w, False)
            for w in ("1h", "1d", "7d", "30d", "90d")
        ],
        *[(f"customer_amount_sum_{w}", "amount", "sum", w, False) for w in ("1h", "1d", "7d")],
        ("customer_amount_mean_30d", "amount", "mean", "30d", False),
        ("customer_amount_std_30d", "amount", "std", "30d", False),
        ("customer_amount_max_1d", "amount", "max", "1d", False),
        ("customer_counterparties_distinct_7d", "counterparty_code", "distinct", "7d", False),
        ("customer_payment_age_first_90d", "days", "age_first", "90d", False),
        ("customer_payment_age_last_90d", "days", "age_last", "90d", False),
        ("customer_fraud_count_90d", "fraud", "sum", "90d", True),
        ("customer_fraud_age_last_90d", "fraud_days", "age_last", "90d", True),
        ("customer_good_amount_mean_90d", "good_amount", "mean", "90d", True),
        ("customer_good_amount_std_90d", "good_amount", "std", "90d", True),
        ("customer_good_amount_max_90d", "good_amount", "max", "90d", True),
    ],
    "counterparty_id": [
        *[
            (f"counterparty_payment_count_{w}", "amount", "count", w, False)
            for w in ("1h", "1d", "7d", "30d")
        ],
        *[(f"counterparty_amount_sum_{w}", "amount", "sum", w, False) for w in ("1h", "1d")],
        ("counterparty_amount_mean_30d", "amount", "mean", "30d", False),
        ("counterparty_amount_std_30d", "amount", "std", "30d", False),
        ("counterparty_customers_distinct_7d", "customer_code", "distinct", "7d", False),
        ("counterparty_payment_age_first_30d", "days", "age_first", "30d", False),
        ("counterparty_payment_age_last_7d", "days", "age_last", "7d", False),
        ("counterparty_fraud_age_first_42d", "fraud_days", "age_first", "42d", True),
        ("counterparty_fraud_age_last_42d", "fraud_days", "age_last", "42d", True),
        ("counterparty_good_age_last_42d", "good_days", "age_last", "42d", True),
        *[(f"counterparty_fraud_count_{w}", "fraud", "sum", w, True) for w in ("7d", "42d")],
        *[(f"counterparty_fraud_rate_{w}", "fraud", "mean", w, True) for w in ("7d", "42d")],
    ],
    "pair": [
        *[(f"customer_counterparty_payment_count_{w}", "amount", "count", w, False) for w in ("1d", "90d")],
        ("customer_counterparty_amount_sum_1d", "amount", "sum", "1d", False),
        ("customer_counterparty_amount_mean_90d", "amount", "mean", "90d", False),
        ("customer_counterparty_payment_age_first_90d", "days", "age_first", "90d", False),
        ("customer_counterparty_payment_age_last_90d", "days", "age_last", "90d", False),
    ],
}


class HalfOpenWindow(BaseIndexer):
    """[t − width − delay, t − delay), the start of windows longer than a day floored to the hour."""

    def __init__(self, times: NDArray[np.datetime64], width: np.timedelta64, delay: np.timedelta64) -> None:
        super().__init__()
        start = times - width
        self._start = start if width <= DAY else start.astype("datetime64[h]").astype(times.dtype)
        self._times, self._delay = times, delay

    def get_window_bounds(  # the signature that pandas checks
        self,
        num_values: int = 0,  # noqa: ARG002
        min_periods: int | None = None,  # noqa: ARG002
        center: bool | None = None,  # noqa: ARG002
        closed: str | None = None,  # noqa: ARG002
        step: int | None = None,  # noqa: ARG002
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First position inside and first position after the window, for every payment of the group."""
        known = self._times + self._delay
        return np.searchsorted(known, self._start).astype(np.int64), np.searchsorted(
            known, self._times
        ).astype(np.int64)


@dataclass(frozen=True)
class PandasRun:
    """Values of the groups computed, and the seconds all groups would take at the same pace per payment."""

    values: pd.DataFrame
    seconds: float
    share: float


def run(payments: pd.DataFrame, delay: np.timedelta64, share: float) -> PandasRun:
    """Features of a sample of the groups of every entity, timed; indexed by transaction_id."""
    seconds = 0.0
    frames = []
    for entity, plan in PLAN.items():
        sample = _sampled(payments, entity, share)
        began = perf_counter()
        frames.append(_entity(sample, entity, plan, delay))
        seconds += (perf_counter() - began) * len(payments) / len(sample)
    values = pd.concat(frames, axis=1)
    return PandasRun(values, seconds, share)


def _sampled(payments: pd.DataFrame, entity: str, share: float) -> pd.DataFrame:
    keys = pd.Series(payments[entity].unique())
    chosen = keys.sample(frac=share, random_state=0)
    return payments[payments[entity].isin(chosen)]


def _entity(
    payments: pd.DataFrame, entity: str, plan: list[tuple[str, str, str, str, bool]], delay: np.timedelta64
) -> pd.DataFrame:
    groups = [_group(group, plan, delay) for _, group in payments.groupby(entity, sort=False)]
    return pd.concat(groups)


def _group(
    group: pd.DataFrame, plan: list[tuple[str, str, str, str, bool]], delay: np.timedelta64
) -> pd.DataFrame:
    group = group.sort_values("event_time")
    return pd.DataFrame(dict(_columns(group, plan, delay)), index=group["transaction_id"])


def _columns(
    group: pd.DataFrame, plan: list[tuple[str, str, str, str, bool]], delay: np.timedelta64
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    times = group["event_time"].to_numpy()
    for name, column, aggregation, window, labelled in plan:
        indexer = HalfOpenWindow(times, _WIDTHS[window], delay if labelled else np.timedelta64(0, "us"))
        rolling = group[column].rolling(indexer, min_periods=0 if aggregation in ("count", "sum") else 1)
        if aggregation == "distinct":
            yield name, rolling.apply(lambda x: len(np.unique(x)), raw=True).fillna(0).to_numpy()
        elif aggregation in _AGES:
            yield name, group["days"].to_numpy() - getattr(rolling, _AGES[aggregation])().to_numpy()
        else:
            yield name, getattr(rolling, aggregation)().to_numpy()
