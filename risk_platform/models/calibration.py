"""Calibration: a strictly increasing map from margin to log odds of fraud, kept as a table of knots."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from risk_platform.errors import ContractError
from risk_platform.models.payments import Bools, Floats

_NEWTON_STEPS = 50
_RIDGE = 1e-6
_LONGEST_STEP = 2.0
_CONVERGED = 1e-10


def sigmoid(log_odds: Floats) -> Floats:
    """Probability of the given log odds."""
    clipped = np.minimum(np.maximum(log_odds, -500.0), 500.0)
    return np.asarray(1.0 / (1.0 + np.exp(-clipped)), dtype=np.float64)


def logit(probability: Floats) -> Floats:
    """Log odds of the given probabilities, which are kept a hair away from 0 and 1."""
    p = np.clip(probability, 1e-15, 1.0 - 1e-15)
    return np.asarray(np.log(p) - np.log1p(-p), dtype=np.float64)


@dataclass(frozen=True)
class Calibration:
    """A strictly increasing, piecewise linear map from margin to log odds, continued straight at both ends.

    Two knots are Platt scaling. Raises ContractError when the knots do not ascend.
    """

    margins: tuple[float, ...]
    log_odds: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.margins) < 2 or len(self.margins) != len(self.log_odds):
            raise ContractError("A calibration table has at least two knots, each a margin and its log odds.")
        if np.any(np.diff(self.margins) <= 0) or np.any(np.diff(self.log_odds) <= 0):
            raise ContractError("The knots of a calibration table must ascend in margin and in log odds.")

    @cached_property
    def _knots(self) -> tuple[Floats, Floats, Floats, Floats]:
        x, y = np.asarray(self.margins), np.asarray(self.log_odds)
        # Looked for among the inner knots alone: the first and the last piece go on for ever.
        return x[1:-1], x, y, np.diff(y) / np.diff(x)

    def __call__(self, margins: Floats) -> Floats:
        """Calibrated log odds, one for each margin."""
        inner, x, y, slopes = self._knots
        piece = inner.searchsorted(margins, side="right")
        log_odds: Floats = y.take(piece) + slopes.take(piece) * (margins - x.take(piece))
        return log_odds


def fit_logistic(x: Floats, fraud: Bools, weights: Floats | None = None) -> tuple[float, float]:
    """Intercept and slope of the logistic regression of fraud on `x`; needs both classes."""
    design = np.column_stack([np.ones_like(x), x])
    w = np.ones_like(x) if weights is None else weights
    rate = float(np.average(fraud, weights=w))
    theta = np.array([np.log(rate / (1.0 - rate)), 0.0])
    for _ in range(_NEWTON_STEPS):
        p = sigmoid(design @ theta)
        gradient = design.T @ (w * (fraud - p)) - _RIDGE * theta
        curvature = (design * (w * p * (1.0 - p))[:, None]).T @ design + _RIDGE * np.eye(2)
        step = np.clip(np.linalg.solve(curvature, gradient), -_LONGEST_STEP, _LONGEST_STEP)
        theta = theta + step
        if np.abs(step).max() < _CONVERGED:
            break
    return float(theta[0]), float(theta[1])
