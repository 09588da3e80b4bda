"""Metrics of a scored test window, each a plain number; ties in score count as one threshold throughout."""

import numpy as np

from risk_platform.models.calibration import fit_logistic, sigmoid
from risk_platform.models.payments import Floats
from risk_platform.models.scored import Scored

CARDS_A_DAY = 100
_RECALL_AT_FPR = 0.01
_TOP_SHARE = 0.01
_CALIBRATION_BINS = 15


def average_precision(scored: Scored, weights: Floats | None = None) -> float:
    """Average precision: mean over the frauds of the precision at their score, step-wise."""
    frauds, others = scored.counts(weights)
    gained = np.diff(frauds, prepend=0.0)
    precision = np.divide(frauds, frauds + others, out=np.zeros_like(frauds), where=frauds + others > 0)
    return float(np.sum(gained * precision) / frauds[-1])


def roc_auc(scored: Scored, weights: Floats | None = None) -> float:
    """Area under the ROC curve, by trapezoids."""
    frauds, others = scored.counts(weights)
    area = np.trapezoid(np.append(0.0, frauds), np.append(0.0, others))
    return float(area / (frauds[-1] * others[-1]))


def recall_at_fpr(scored: Scored, weights: Floats | None = None, fpr: float = _RECALL_AT_FPR) -> float:
    """The highest recall of any threshold whose false positive rate is at most `fpr`."""
    frauds, others = scored.counts(weights)
    allowed = int(np.searchsorted(others, fpr * others[-1] * (1 + 1e-12), side="right"))
    return float(frauds[allowed - 1] / frauds[-1]) if allowed else 0.0


def card_precisions(scored: Scored, cards: int = CARDS_A_DAY) -> tuple[float, ...]:
    """For each test day the share of defrauded customers among the `cards` with the highest maximum.

    A customer found on one day is left out of the days after it.
    """
    found: set[int] = set()
    precisions = []
    for day in np.unique(scored.day):
        rows = np.flatnonzero(scored.day == day)
        customer, fraud = scored.customer[rows], scored.fraud[rows]
        if found:
            rest = ~np.isin(customer, np.fromiter(found, dtype=np.int64))
            customer, fraud = customer[rest], fraud[rest]
        codes, first = np.unique(customer, return_index=True)
        top = codes[np.argsort(first, kind="stable")[:cards]]
        hit = np.intersect1d(top, customer[fraud])
        found.update(hit.tolist())
        precisions.append(len(hit) / cards)
    return tuple(precisions)


def card_precision(scored: Scored) -> float | None:
    """Card precision@100, mean over the test days; None where the data names fewer than two customers."""
    if len(np.unique(scored.customer)) < 2:
        return None
    return float(np.mean(card_precisions(scored)))


def card_precision_ceiling(scored: Scored) -> float | None:
    """Card precision@100 of a perfect ranking."""
    return card_precision(scored.by(scored.fraud.astype(np.float64)))


def brier(scored: Scored, weights: Floats | None = None) -> float:
    """Mean squared error of the probability."""
    return float(np.average((sigmoid(scored.log_odds) - scored.fraud) ** 2, weights=weights))


def brier_skill(scored: Scored, weights: Floats | None = None) -> float:
    """1 − Brier score over that of always saying the prevalence of the test window."""
    share = prevalence(scored, weights)
    return 1.0 - brier(scored, weights) / (share * (1.0 - share))


def prevalence(scored: Scored, weights: Floats | None = None) -> float:
    """Share of frauds."""
    return float(np.average(scored.fraud, weights=weights))


def calibration_slope(scored: Scored, weights: Floats | None = None) -> float | None:
    """Slope of a logistic recalibration on the top 1 % of scores, 1 when the log odds are right.

    None where the top holds one class or one score only, so that there is no slope.
    """
    boundary = scored.log_odds[max(int(np.ceil(_TOP_SHARE * len(scored))), 1) - 1]
    top = scored.log_odds >= boundary
    x, fraud = scored.log_odds[top], scored.fraud[top]
    w = None if weights is None else weights[top]
    share = np.average(fraud, weights=w) if w is None or w.sum() > 0 else 0.0
    if share in (0.0, 1.0) or x[0] == x[-1]:
        return None
    return fit_logistic(x, fraud, w)[1]


def expected_calibration_error(scored: Scored, weights: Floats | None = None) -> float:
    """Mean distance of probability and frequency over 15 bins of equal width, weighted by their payments.

    Source: Guo, Pleiss, Sun, Weinberger, On Calibration of Modern Neural Networks (2017).
    """
    probability = sigmoid(scored.log_odds)
    bins = np.minimum((probability * _CALIBRATION_BINS).astype(np.int64), _CALIBRATION_BINS - 1)
    w = np.ones(len(scored)) if weights is None else weights
    distance = np.bincount(bins, w * (probability - scored.fraud), minlength=_CALIBRATION_BINS)
    return float(np.abs(distance).sum() / w.sum())
