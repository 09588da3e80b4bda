"""Stored decisions told in words."""

import math

from risk_platform.decisions.reasons import Reason, ReasonDictionary, ReasonGroups
from streamlit_app.data import Decision


def values_of(decision: Decision) -> list[float]:
    """The feature values of a decision, NaN where the payment had none."""
    return [math.nan if value is None else value for value in decision.feature_values]


def reasons_of(decision: Decision, currency: str) -> list[Reason]:
    """Every reason of an explained decision, what raised the risk most first; none when it was not explained.

    A decision whose model is not in the lake's list has no feature names, and so no words either.
    """
    if decision.attributions is None or decision.features is None:
        return []
    groups = ReasonGroups(ReasonDictionary.shipped(), decision.features)
    return groups.told(values_of(decision), decision.attributions[:-1], currency)
