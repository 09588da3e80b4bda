"""Stored decisions told in words."""

import math
from typing import Any

import pandas as pd

from risk_platform.decisions.reasons import Reason, ReasonDictionary, ReasonGroups
from streamlit_app.values import Decision


class Teller:
    """Tells the strongest reason of many decisions; the words of one model are looked up once."""

    def __init__(self, currency: str) -> None:
        self._dictionary = ReasonDictionary.shipped()
        self._groups: dict[tuple[str, ...], ReasonGroups] = {}
        self._currency = currency

    def strongest(self, alert: "pd.Series[Any]") -> str:
        """What raised the risk of `alert` most, as a sentence; titles of codes when its model is unknown."""
        codes, features = list(alert["reason_codes"]), alert["features"]
        if not codes or features is None:
            return " · ".join(self._dictionary.title(code) for code in codes[:3])
        names = tuple(features)
        groups = self._groups.setdefault(names, ReasonGroups(self._dictionary, names))
        return groups.leading(
            codes[0], alert["feature_values"], alert["attributions"], self._currency
        ).sentence


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
