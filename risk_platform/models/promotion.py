"""Promotion: the verdict on a challenger, promoted or refused with the reason; both are ordinary results."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from risk_platform.models.evaluation import FoldResult
from risk_platform.models.fold_metrics import best_floors
from risk_platform.models.metrics import average_precision
from risk_platform.models.payments import Floats, Ints
from risk_platform.models.protocol import day_number
from risk_platform.models.scored import Scored

_SLOPES = (0.8, 1.2)
_RESAMPLES = 500
_LEVEL = (2.5, 97.5)


@dataclass(frozen=True)
class Verdict:
    """Promoted or refused, and why in one sentence."""

    verdict: Literal["promoted", "refused"]
    reason: str


@dataclass(frozen=True)
class Difference:
    """Challenger minus champion in average precision on the same payments, with its 95 % interval."""

    value: float
    low: float
    high: float


def judge_first(challenger: FoldResult) -> Verdict:
    """The verdict on a challenger without a champion: it must rank beyond noise better than every floor."""
    for metric, floor in best_floors(challenger.floors).items():
        if metric not in ("average_precision", "roc_auc"):
            continue
        low, _ = challenger.intervals[metric]
        if low <= floor:
            name = metric.replace("_", " ")
            return Verdict(
                "refused",
                f"{name} is not beyond noise above the floor {floor:.4f} (interval from {low:.4f}).",
            )
    value = challenger.metrics.average_precision
    floor = best_floors(challenger.floors)["average_precision"]
    return Verdict("promoted", f"first model: average precision {value:.4f} against the floor {floor:.4f}.")


def judge_next(challenger: FoldResult, champion: FoldResult, rng: np.random.Generator) -> Verdict:
    """The verdict on a challenger against the champion, both tested on the same fold.

    It must be calibrated, and better beyond noise, or as good and trained on later days.
    """
    last, champion_last = challenger.bundle.trained_on.last, champion.bundle.trained_on.last
    if challenger.bundle.hash == champion.bundle.hash:
        return Verdict("refused", "the challenger is the champion itself.")
    if _saw_the_test(champion):
        return Verdict("refused", f"the champion was trained up to {champion_last} and so saw the test fold.")
    if (trouble := _miscalibration(challenger)) is not None:
        return Verdict("refused", trouble)
    gain = difference(challenger.scored, champion.scored, rng)
    told = f"average precision {gain.value:+.4f} (95 % interval {gain.low:+.4f} to {gain.high:+.4f})"
    return _weigh(gain, told, last, champion_last)


def _weigh(gain: Difference, told: str, last: date, champion_last: date) -> Verdict:
    if gain.low > 0:
        return Verdict("promoted", f"better beyond noise: {told}.")
    if gain.high < 0:
        return Verdict("refused", f"worse beyond noise: {told}.")
    if last > champion_last:
        return Verdict(
            "promoted", f"as good and fresher, trained up to {last} instead of {champion_last}: {told}."
        )
    return Verdict("refused", f"no better and no fresher, trained up to {last}: {told}.")


def difference(challenger: Scored, champion: Scored, rng: np.random.Generator) -> Difference:
    """Paired bootstrap over customers of the difference in average precision."""
    customers = np.union1d(challenger.customer, champion.customer)
    draws = []
    for _ in range(_RESAMPLES):
        drawn = rng.integers(0, len(customers), len(customers))
        count = np.bincount(drawn, minlength=len(customers))
        one, other = (_weights(scored, customers, count) for scored in (challenger, champion))
        if one @ challenger.fraud > 0:
            draws.append(average_precision(challenger, one) - average_precision(champion, other))
    low, high = np.percentile(draws, _LEVEL)
    value = average_precision(challenger) - average_precision(champion)
    return Difference(value, float(low), float(high))


def _weights(scored: Scored, customers: Ints, count: Ints) -> Floats:
    return np.asarray(count[np.searchsorted(customers, scored.customer)], dtype=np.float64)


def _saw_the_test(champion: FoldResult) -> bool:
    return day_number(champion.bundle.trained_on.last) >= champion.fold.test_from


def _miscalibration(challenger: FoldResult) -> str | None:
    """Why the challenger is not calibrated; where the top holds one class, the Brier skill must tell."""
    slope, interval = challenger.metrics.calibration_slope, challenger.intervals.get("calibration_slope")
    if slope is None or interval is None:
        low, high = challenger.intervals["brier_skill"]
        return (
            f"it is not calibrated: Brier skill {low:.2f} to {high:.2f} (95 % interval)."
            if low <= 0
            else None
        )
    low, high = interval
    if high < _SLOPES[0] or low > _SLOPES[1]:
        told = f"slope {slope:.2f} (95 % interval {low:.2f} to {high:.2f})"
        return f"it is not calibrated: {told}, wanted 0.8 to 1.2."
    return None
