"""One stored decision in words: what rules found and what moved the model, from what the decision stores."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from risk_platform.decisions.archive import Archive
from risk_platform.decisions.reasons import Payment, Reason, ReasonDictionary, ReasonGroups
from risk_platform.errors import BundleError
from risk_platform.models.bundle import Bundle

_BUNDLES_KEPT = 4
_TOLD = 5


@dataclass(frozen=True)
class Explanation:
    """The reasons of a decision, those of rules first, then the model's from the most risk-raising down.

    `base` is the model's log odds before it looked at anything, None where the model did not judge; the
    attributions and it add up to the margin. `text` tells the reasons that raised the risk.
    """

    reasons: tuple[Reason, ...]
    base: float | None
    text: str


class Explainer:
    """Tells decisions in the words of the reason dictionary; bundles come from the archive."""

    def __init__(self, archive: Archive, dictionary: ReasonDictionary) -> None:
        self._archive = archive
        self._dictionary = dictionary
        self._model = lru_cache(_BUNDLES_KEPT)(self._load)

    def explain(self, decision: Mapping[str, Any], payment: Payment) -> Explanation:
        """The decision (columns of `decisions`) on `payment` (its columns) in words, money in its currency.

        A decision that stored no attributions, as LOW ones do not, gets them from its bundle and stored values.
        Raises BundleError when that bundle is gone.
        """
        ruled = [
            Reason(each.code, each.title, each.sentence, 0.0, "")
            for code in decision["reason_codes"]
            if (each := self._dictionary.rule_reason(code))
        ]
        if decision["margin"] is None:
            return Explanation(tuple(ruled), None, _text(ruled))
        bundle, groups = self._model(decision["bundle_hash"])
        values = [math.nan if value is None else value for value in decision["feature_values"]]
        parts = decision["attributions"] or bundle.attributions(np.array([values]))[0].tolist()
        told = groups.told(values, parts[:-1], payment["currency"], payment)
        raised = [reason for reason in told if reason.attribution > 0]
        return Explanation((*ruled, *told), parts[-1], _text(ruled + raised[:_TOLD]))

    def _load(self, digest: str | None) -> tuple[Bundle, ReasonGroups]:
        if digest is None:
            raise BundleError("The decision names no bundle, so nothing explains its margin.")
        bundle = self._archive.bundle(digest)
        return bundle, ReasonGroups(self._dictionary, bundle.features)


def _text(reasons: list[Reason]) -> str:
    return " ".join(reason.sentence for reason in reasons) or "Nothing raised the risk of this payment."
