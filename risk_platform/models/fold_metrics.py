"""What is reported of one test window: every metric, its 95 % interval, and the floors beside it."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields

import numpy as np

from risk_platform.models import metrics
from risk_platform.models.payments import Floats
from risk_platform.models.scored import Scored

RESAMPLES = 200
_LEVEL = (2.5, 97.5)


@dataclass(frozen=True)
class FoldMetrics:
    """Metrics of one test window under the names that `evaluate` writes; None where not defined."""

    roc_auc: float
    average_precision: float
    card_precision_at_100: float | None
    card_precision_at_100_ceiling: float | None
    recall_at_1pct_fpr: float
    expected_calibration_error: float
    brier: float
    brier_skill: float
    calibration_slope: float | None
    prevalence: float
    accuracy: float
    false_positive_rate: float
    recall: float

    def as_dict(self) -> dict[str, float | None]:
        """Name and value, in order."""
        return asdict(self)


METRIC_NAMES = tuple(field.name for field in fields(FoldMetrics))
RANKING_METRICS = ("roc_auc", "average_precision", "card_precision_at_100", "recall_at_1pct_fpr")

_WEIGHTED: dict[str, Callable[[Scored, Floats], float | None]] = {
    "roc_auc": metrics.roc_auc,
    "average_precision": metrics.average_precision,
    "recall_at_1pct_fpr": metrics.recall_at_fpr,
    "expected_calibration_error": metrics.expected_calibration_error,
    "brier": metrics.brier,
    "brier_skill": metrics.brier_skill,
    "calibration_slope": metrics.calibration_slope,
    "prevalence": metrics.prevalence,
}


def measure(scored: Scored, operating_log_odds: float) -> FoldMetrics:
    """All metrics of a window with both classes; accuracy, FPR, recall at the operating threshold."""
    flagged = scored.log_odds >= operating_log_odds
    return FoldMetrics(
        roc_auc=metrics.roc_auc(scored),
        average_precision=metrics.average_precision(scored),
        card_precision_at_100=metrics.card_precision(scored),
        card_precision_at_100_ceiling=metrics.card_precision_ceiling(scored),
        recall_at_1pct_fpr=metrics.recall_at_fpr(scored),
        expected_calibration_error=metrics.expected_calibration_error(scored),
        brier=metrics.brier(scored),
        brier_skill=metrics.brier_skill(scored),
        calibration_slope=metrics.calibration_slope(scored),
        prevalence=metrics.prevalence(scored),
        accuracy=float(np.mean(flagged == scored.fraud)),
        false_positive_rate=float(np.mean(flagged[~scored.fraud])),
        recall=float(np.mean(flagged[scored.fraud])),
    )


def floors(scored: Scored, rng: np.random.Generator) -> dict[str, dict[str, float | None]]:
    """The ranking metrics of knowing nothing: one score for all, a random one, highest amount first."""
    # Ties keep their order, so a floor must not start from the order of the model.
    chance = scored.by(rng.random(len(scored)))
    rankings = {
        "constant": chance.by(np.zeros(len(scored))),
        "random": chance,
        "highest_amount": chance.by(chance.amount.astype(np.float64)),
    }
    return {name: _ranking(ranked) for name, ranked in rankings.items()}


def best_floors(of: dict[str, dict[str, float | None]]) -> dict[str, float]:
    """For each ranking metric the best of the floors."""
    values = {name: [floor[name] for floor in of.values()] for name in RANKING_METRICS}
    return {
        name: max(v for v in found if v is not None) for name, found in values.items() if None not in found
    }


def intervals(
    scored: Scored, rng: np.random.Generator, resamples: int = RESAMPLES
) -> dict[str, tuple[float, float]]:
    """95 % bootstrap interval of each metric; whole customers are drawn, for card precision whole days."""
    draws = {name: np.full(resamples, np.nan) for name in _WEIGHTED}
    for draw, weights in enumerate(customer_weights(scored, rng, resamples)):
        if 0 < weights[scored.fraud].sum() < weights.sum():
            for name, metric in _WEIGHTED.items():
                value = metric(scored, weights)
                draws[name][draw] = np.nan if value is None else value
    found = {name: _interval(values) for name, values in draws.items() if not np.isnan(values).all()}
    if metrics.card_precision(scored) is not None:
        days = np.asarray(metrics.card_precisions(scored))
        means = days[rng.integers(0, len(days), (resamples, len(days)))].mean(axis=1)
        found["card_precision_at_100"] = _interval(means)
    return found


def customer_weights(scored: Scored, rng: np.random.Generator, resamples: int) -> Iterator[Floats]:
    """How often each payment occurs in each bootstrap sample; customers are drawn with replacement.

    Where the data names fewer than two customers, payments are drawn instead.
    """
    _, cluster = np.unique(scored.customer, return_inverse=True)
    if cluster.max(initial=0) == 0:
        cluster = np.arange(len(scored))
    count = int(cluster.max(initial=0)) + 1
    for _ in range(resamples):
        yield np.bincount(rng.integers(0, count, count), minlength=count).astype(np.float64)[cluster]


def _interval(values: Floats) -> tuple[float, float]:
    low, high = np.nanpercentile(values, _LEVEL)
    return float(low), float(high)


def _ranking(scored: Scored) -> dict[str, float | None]:
    return {
        "roc_auc": metrics.roc_auc(scored),
        "average_precision": metrics.average_precision(scored),
        "card_precision_at_100": metrics.card_precision(scored),
        "recall_at_1pct_fpr": metrics.recall_at_fpr(scored),
    }
