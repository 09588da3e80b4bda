"""The scorecard scale: calibrated log odds shifted so that the alert budget falls on the alert threshold."""

from math import nextafter
from typing import Any

import numpy as np
import numpy.typing as npt

from risk_platform.errors import ContractError
from risk_platform.kernels import kernel, settling

Floats = npt.NDArray[np.float64]


def scores(calibrated_log_odds: Floats, anchor_log_odds: float, alert_threshold: float) -> Floats:
    """Score of each of n log odds: sigmoid(logit(alert_threshold) + log_odds − anchor).

    Monotone; the anchor scores `alert_threshold` to the last bit, everything above it no less and everything
    below it strictly less, so that rounding moves no payment across the alert budget. Raises ContractError
    on NaN.
    """
    shift = calibrated_log_odds - anchor_log_odds
    with np.errstate(over="ignore"):
        found: Floats = np.exp(-shift)
    _cut(shift, found, alert_threshold, nextafter(alert_threshold, 0.0))
    return found


@settling
@kernel
def _cut(shift: Any, scores: Any, threshold: Any, below: Any) -> None:
    """Replace e to the power of minus each shift by its score, on the side of the threshold where it belongs."""
    odds = (1 - threshold) / threshold
    for row in range(len(shift)):
        raw = 1 / (1 + odds * scores[row])
        if shift[row] > 0:
            scores[row] = max(raw, threshold)
        elif shift[row] < 0:
            scores[row] = min(raw, below)
        elif shift[row] == 0:
            scores[row] = threshold
        else:
            raise ContractError(
                "A log odds or the bundle's anchor is not a number; a payment must have a score."
            )


def anchor_for(log_odds: float, score: float, alert_threshold: float) -> float:
    """The anchor under which `log_odds` score `score`, but for rounding: the inverse of `scores`."""
    return float(log_odds - np.log(score / (1 - score)) + np.log(alert_threshold / (1 - alert_threshold)))
