"""Evaluation by the protocol: develop once before the first test, then train and test every fold."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np

from risk_platform.errors import InputError
from risk_platform.models.bundle import Bundle
from risk_platform.models.development import THOROUGH, Development, check_classes, develop, score, train
from risk_platform.models.fold_metrics import METRIC_NAMES, FoldMetrics, floors, intervals, measure
from risk_platform.models.mart import FeatureMart
from risk_platform.models.payments import LabelledPayments
from risk_platform.models.protocol import Fold, day_date, day_number, plan_folds
from risk_platform.models.scored import Scored
from risk_platform.models.selection import Progress
from risk_platform.models.windows import Protocol


@dataclass(frozen=True)
class FoldResult:
    """One fold: its windows, metrics, their 95 % intervals, the floors, the scored payments and the model."""

    fold: Fold
    metrics: FoldMetrics
    intervals: dict[str, tuple[float, float]]
    floors: dict[str, dict[str, float | None]]
    scored: Scored
    bundle: Bundle


@dataclass(frozen=True)
class Evaluation:
    """All folds, oldest first, and the development they share."""

    development: Development
    folds: tuple[FoldResult, ...]

    def mean(self) -> dict[str, float | None]:
        """Mean of each metric over the folds; None where a fold lacks it."""
        return self._over_folds(np.mean)

    def std(self) -> dict[str, float | None]:
        """Population standard deviation of each metric over the folds."""
        return self._over_folds(np.std)

    def floors(self) -> dict[str, dict[str, float | None]]:
        """Mean of each floor over the folds."""
        first = self.folds[0].floors
        return {
            floor: {
                name: _over([fold.floors[floor][name] for fold in self.folds], np.mean) for name in values
            }
            for floor, values in first.items()
        }

    def _over_folds(self, statistic: Any) -> dict[str, float | None]:
        rows = [fold.metrics.as_dict() for fold in self.folds]
        return {name: _over([row[name] for row in rows], statistic) for name in METRIC_NAMES}

    def as_json(self) -> dict[str, Any]:
        """The facts that the command `evaluate` writes for other programs."""
        return {
            "folds": [_fold_json(fold) for fold in self.folds],
            "mean": self.mean(),
            "std": self.std(),
            "floors": self.floors(),
            "features": list(self.development.features),
            "recipe": asdict(self.development.recipe),
            "note": self.development.note,
        }


def evaluate(
    mart: FeatureMart,
    protocol: Protocol,
    test_start: date,
    folds: int,
    alert_budget: float,
    progress: Progress,
) -> Evaluation:
    """Metrics of every fold; the last one tests from `test_start`.

    Raises InputError when a window lies outside the data or lacks one of the classes.
    """
    first, last = int(mart.payments.event_day.min()), int(mart.payments.event_day.max())
    plan = plan_folds(protocol.windows, day_number(test_start), folds, first)
    check_dates(plan, first, last)
    check_labels(mart.payments, protocol, plan)
    development = develop(mart, protocol, plan[0].test_from, alert_budget, THOROUGH, progress)
    results = []
    for fold in plan:
        result = evaluate_fold(mart, protocol, development, fold)
        progress(f"{fold.describe()}: average precision {result.metrics.average_precision:.4f}")
        results.append(result)
    return Evaluation(development, tuple(results))


def evaluate_fold(mart: FeatureMart, protocol: Protocol, development: Development, fold: Fold) -> FoldResult:
    """The fold trained and tested; what is drawn is seeded with the first test day."""
    return judge(mart, protocol, train(mart, protocol, development, fold), fold)


def judge(mart: FeatureMart, protocol: Protocol, bundle: Bundle, fold: Fold) -> FoldResult:
    """What the model of `bundle` achieves on the test window of `fold`."""
    scored = score(mart, bundle, protocol.test_rows(mart.payments, fold))
    rng = np.random.default_rng(fold.test_from)
    measured = measure(scored, bundle.anchor_log_odds)
    return FoldResult(fold, measured, intervals(scored, rng), floors(scored, rng), scored, bundle)


def check_dates(plan: tuple[Fold, ...], first: int, last: int) -> None:
    """Raise InputError when a window of the plan leaves the business days `first` to `last`."""
    span = f"the payments run from {day_date(first)} to {day_date(last)}"
    ends = day_date(plan[-1].test_to - 1)
    if plan[-1].test_to - 1 > last:
        raise InputError(f"The last test day would be {ends}, but {span}; choose an earlier test start.")
    if plan[0].train_to <= first:
        raise InputError(
            f"The fold that tests from {day_date(plan[0].test_from)} has nothing to train on, as {span}; "
            "choose a later test start or fewer folds."
        )


def check_labels(payments: LabelledPayments, protocol: Protocol, plan: tuple[Fold, ...]) -> None:
    """Raise InputError when a window of the plan lacks one of the classes."""
    if not payments.frauds().any():
        raise InputError("Not one payment is labelled as fraud; map is_fraud or give a file of judgements.")
    for fold in plan:
        known = payments.frauds(protocol.as_of(fold))[protocol.train_rows(payments, fold)]
        check_classes(known, f"the training window ({fold.describe()})", "that was reported by then")
        tested = payments.frauds()[protocol.test_rows(payments, fold)]
        check_classes(tested, f"the test window ({fold.describe()})", "of a customer not yet reported")


def _fold_json(result: FoldResult) -> dict[str, Any]:
    fold = result.fold
    return {
        **result.metrics.as_dict(),
        "train_from": day_date(fold.train_from).isoformat(),
        "train_to": day_date(fold.train_to - 1).isoformat(),
        "test_from": day_date(fold.test_from).isoformat(),
        "test_to": day_date(fold.test_to - 1).isoformat(),
        "intervals": {name: list(interval) for name, interval in result.intervals.items()},
        "floors": result.floors,
    }


def _over(values: list[float | None], statistic: Any) -> float | None:
    present = [value for value in values if value is not None]
    return float(statistic(present)) if len(present) == len(values) else None
