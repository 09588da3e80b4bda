"""The calibrator: fits a calibration to margins held out in time."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from risk_platform.models.calibration import Calibration, fit_logistic, sigmoid
from risk_platform.models.payments import Bools, Floats, Ints

_FRAUDS_TO_SCALE = 20
_FRAUDS_TO_BEND = 50
_TOP_SHARE = 0.01
_FLATTEST = 0.05
_REACH = 4.0
_FAR = 40.0
_HALVINGS = 60


@dataclass(frozen=True)
class Held:
    """Margins of payments held out in time, their labels, their validation folds and what each stands for."""

    margins: Floats
    fraud: Bools
    fold: Ints
    weight: Floats

    def only(self, mask: Bools) -> "Held":
        """The payments where `mask` is true."""
        return Held(self.margins[mask], self.fraud[mask], self.fold[mask], self.weight[mask])

    def upper_quantile(self, share: float) -> float:
        """The margin that the share `share` of the payments reaches."""
        order = np.argsort(-self.margins, kind="stable")
        reached = np.cumsum(self.weight[order])
        place = int(np.searchsorted(reached, share * reached[-1]))
        return float(self.margins[order][min(place, len(order) - 1)])


def calibrate(held: Held) -> Calibration:
    """The calibration that predicts unseen validation folds best; a plain shift where frauds are few.

    Tried are a shift, Platt scaling, and Platt scaling that bends at the border of the top 1 %.
    """
    if held.fraud.sum() < _FRAUDS_TO_SCALE:
        return _shift(held)
    return min(_FITS, key=lambda fit: _loss_on_unseen(fit, held))(held)


def _loss_on_unseen(fit: Callable[[Held], Calibration], held: Held) -> float:
    loss = 0.0
    for fold in np.unique(held.fold):
        inside = held.fold == fold
        unseen, rest = held.only(inside), held if inside.all() else held.only(~inside)
        if 0 < rest.fraud.sum() < len(rest.fraud):
            log_odds = fit(rest)(unseen.margins)
            loss += float(unseen.weight @ np.logaddexp(0.0, np.where(unseen.fraud, -log_odds, log_odds)))
    return loss


def _shift(held: Held) -> Calibration:
    """Margins moved until they expect as many frauds as there were."""
    low, high = -_FAR, _FAR
    frauds = held.weight @ held.fraud
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if held.weight @ sigmoid(held.margins + middle) > frauds:
            high = middle
        else:
            low = middle
    return Calibration((0.0, 1.0), (low, low + 1.0))


def _platt(held: Held) -> Calibration:
    intercept, slope = fit_logistic(held.margins, held.fraud, held.weight)
    return Calibration((0.0, 1.0), (intercept, intercept + max(slope, _FLATTEST)))


def _bent(held: Held) -> Calibration:
    """Platt scaling of the top and of the rest, joined at the border."""
    base = _platt(held)
    border = held.upper_quantile(_TOP_SHARE)
    top = held.only(held.margins >= border)
    if not _FRAUDS_TO_BEND <= top.fraud.sum() <= len(top.fraud) - _FRAUDS_TO_BEND:
        return base
    intercept, slope = fit_logistic(top.margins, top.fraud, top.weight)
    slope = max(slope, _FLATTEST)
    joint, below = intercept + slope * border, border - _REACH
    foot = min(float(base(np.asarray([below]))[0]), joint - _FLATTEST * _REACH)
    return Calibration((below, border, border + 1.0), (foot, joint, joint + slope))


_FITS = (_platt, _bent, _shift)
