"""What rules cannot hit is seen from the features alone, before any rule is evaluated."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from risk_platform.decisions.rules.bounds import Bound
from risk_platform.decisions.rules.columns import Bools, Features
from risk_platform.kernels import kernel

_ORDERS = ("lt", "le", "gt", "ge", "eq", "ne")
_LAYOUTS_KEPT = 4
_ABSENT = -1
_FEW = 64


class Sieve:
    """The bounds of the conditions of rules, a sequence of them for each rule in its order."""

    def __init__(self, bounds: Sequence[Sequence[Bound]]) -> None:
        each = [bound for rule in bounds for bound in rule]
        self._features = [bound.feature for bound in each]
        self._starts = np.cumsum([0, *map(len, bounds)], dtype=np.int64)
        self._orders = np.array([_ORDERS.index(bound.order) for bound in each], dtype=np.int64)
        self._limits = np.array([bound.limit for bound in each], dtype=np.float64)
        self._places = lru_cache(_LAYOUTS_KEPT)(self._found)

    def possible(self, features: Features) -> Bools:
        """For each rule whether some payment may keep all its bounds; others cannot be hit."""
        if len(features.values) > _FEW:
            # Among many some payment keeps them, and to find that out costs as much as the rules.
            return np.ones(len(self._starts) - 1, dtype=np.bool_)
        possible = np.zeros(len(self._starts) - 1, dtype=np.bool_)
        places = self._places(features.names)
        _sift(features.values, places, self._orders, self._limits, self._starts, possible)
        return possible

    def _found(self, names: tuple[str, ...]) -> npt.NDArray[np.int64]:
        at = {name: place for place, name in enumerate(names)}
        return np.array([at.get(feature, _ABSENT) for feature in self._features], dtype=np.int64)


@kernel
def _sift(values: Any, places: Any, orders: Any, limits: Any, starts: Any, possible: Any) -> None:
    for rule in range(len(possible)):
        for row in range(len(values)):
            kept = True
            for at in range(starts[rule], starts[rule + 1]):
                kept = places[at] >= 0 and _holds(values[row, places[at]], orders[at], limits[at])
                if not kept:
                    break
            if kept:
                possible[rule] = True
                break


@kernel
def _holds(value: Any, order: Any, limit: Any) -> Any:
    """Whether the value stands in that order to the limit; one that is no number stands in none."""
    if value < limit:
        return order == 0 or order == 1 or order == 5
    if value > limit:
        return order == 2 or order == 3 or order == 5
    return value == limit and (order == 1 or order == 3 or order == 4)
