"""The scorecard scale: calibrated log odds shifted so that the alert budget falls on the alert threshold."""

from math import nextafter

import numpy as np
import numpy.typing as npt

from risk_platform.errors import ContractError

Floats = npt.NDArray[np.float64]


def scores(calibrated_log_odds: Floats, anchor_log_odds: float, alert_threshold: float) -> Floats:
    """Score of each log odds: sigmoid(logit(alert_threshold) + log_odds − anchor), shape as the input.

    Monotone; the anchor scores `alert_threshold` to the last bit, everything above it no less and everything
    below it strictly less, so that rounding moves no payment across the alert budget. Raises ContractError
    on NaN.
    """
    shift = calibrated_log_odds - anchor_log_odds
    if np.isnan(shift).any():
        raise ContractError("A log odds or the bundle's anchor is not a number; a payment must have a score.")
    with np.errstate(over="ignore"):
        raw = 1 / (1 + (1 - alert_threshold) / alert_threshold * np.exp(-shift))
    below = nextafter(alert_threshold, 0.0)
    cut = np.where(shift > 0, np.maximum(raw, alert_threshold), np.minimum(raw, below))
    return np.where(shift == 0, alert_threshold, cut)


def anchor_for(log_odds: float, score: float, alert_threshold: float) -> float:
    """The anchor under which `log_odds` score `score`, but for rounding: the inverse of `scores`."""
    return float(log_odds - np.log(score / (1 - score)) + np.log(alert_threshold / (1 - alert_threshold)))
