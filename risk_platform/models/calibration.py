"""Calibration: a strictly increasing map from margin to log odds of fraud, kept as a table of knots."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from risk_platform.errors import ContractError
from risk_platform.models.payments import Bools, Floats, Ints

_NEWTON_STEPS = 50
_RIDGE = 1e-6
_LONGEST_STEP = 2.0
_CONVERGED = 1e-10
_FRAUDS_TO_SCALE = 20
_FRAUDS_TO_BEND = 50
_TOP_SHARE = 0.01
_FLATTEST = 0.05
_REACH = 4.0
_FAR = 40.0
_HALVINGS = 60


def sigmoid(log_odds: Floats) -> Floats:
    """Probability of the given log odds."""
    clipped = np.clip(log_odds, -500.0, 500.0)
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

    def __call__(self, margins: Floats) -> Floats:
        """Calibrated log odds, one for each margin."""
        x, y = np.asarray(self.margins), np.asarray(self.log_odds)
        slopes = np.diff(y) / np.diff(x)
        piece = np.clip(np.searchsorted(x, margins, side="right") - 1, 0, len(slopes) - 1)
        return np.asarray(y[piece] + slopes[piece] * (margins - x[piece]), dtype=np.float64)


def fit_logistic(x: Floats, fraud: Bools, weights: Floats | None = None) -> tuple[float, float]:
    """Intercept and slope of the logistic regression of fraud on `x`, by Newton's method; needs both classes."""
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


@dataclass(frozen=True)
class Held:
    """Margins of payments held out in time, their labels, and the validation fold each belongs to."""

    margins: Floats
    fraud: Bools
    fold: Ints

    def only(self, mask: Bools) -> "Held":
        """The payments where `mask` is true."""
        return Held(self.margins[mask], self.fraud[mask], self.fold[mask])


def calibrate(held: Held) -> Calibration:
    """The calibration that predicts best the validation folds it was not fitted on; a plain shift if frauds are few.

    Tried are a shift, Platt scaling, and Platt scaling that bends at the border of the top 1 %.
    """
    if held.fraud.sum() < _FRAUDS_TO_SCALE:
        return _shift(held)
    return min(_FITS, key=lambda fit: _held_out_loss(fit, held))(held)


def _held_out_loss(fit: Callable[[Held], Calibration], held: Held) -> float:
    loss = 0.0
    for fold in np.unique(held.fold):
        inside = held.fold == fold
        rest = held.only(~inside) if not inside.all() else held
        if 0 < rest.fraud.sum() < len(rest.fraud):
            log_odds = fit(rest)(held.margins[inside])
            loss += float(np.sum(np.logaddexp(0.0, np.where(held.fraud[inside], -log_odds, log_odds))))
    return loss


def _shift(held: Held) -> Calibration:
    """Margins moved until they expect as many frauds as there were."""
    low, high = -_FAR, _FAR
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (
            (low, middle) if sigmoid(held.margins + middle).sum() > held.fraud.sum() else (middle, high)
        )
    return Calibration((0.0, 1.0), (low, low + 1.0))


def _platt(held: Held) -> Calibration:
    intercept, slope = fit_logistic(held.margins, held.fraud)
    slope = max(slope, _FLATTEST)
    return Calibration((0.0, 1.0), (intercept, intercept + slope))


def _bent(held: Held) -> Calibration:
    """Platt scaling of the top and of the rest, joined at the border."""
    base = _platt(held)
    border = float(np.quantile(held.margins, 1.0 - _TOP_SHARE))
    top = held.only(held.margins >= border)
    if not _FRAUDS_TO_BEND <= top.fraud.sum() <= len(top.fraud) - _FRAUDS_TO_BEND:
        return base
    intercept, slope = fit_logistic(top.margins, top.fraud)
    slope, joint = max(slope, _FLATTEST), intercept + max(slope, _FLATTEST) * border
    below = border - _REACH
    foot = min(float(base(np.asarray([below]))[0]), joint - _FLATTEST * _REACH)
    return Calibration((below, border, border + 1.0), (foot, joint, joint + slope))


_FITS = (_platt, _bent, _shift)
