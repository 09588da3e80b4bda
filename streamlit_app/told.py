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
        beside = self._dictionary.rule_reason(codes[0]) if codes else None
        if beside is not None:
            return beside.sentence
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
    """Every reason of a decision: what rules found, then what moved the model, the most risk-raising first.

    A decision whose model is not in the lake's list has no feature names, and so no words for the model's.
    """
    dictionary = ReasonDictionary.shipped()
    found = [reason for code in decision.reason_codes if (reason := dictionary.rule_reason(code))]
    ruled = [Reason(each.code, each.title, each.sentence, 0.0, "") for each in found]
    if decision.attributions is None or decision.features is None:
        return ruled
    groups = ReasonGroups(dictionary, decision.features)
    return ruled + groups.told(values_of(decision), decision.attributions[:-1], currency)
