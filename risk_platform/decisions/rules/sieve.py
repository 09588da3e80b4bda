"""What rules cannot hit is seen from days and numbers alone, before any rule is evaluated."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from risk_platform.decisions.rules.bounds import Bound
from risk_platform.decisions.rules.columns import NUMBERS, Seen
from risk_platform.kernels import kernel, settling

_ORDERS = ("lt", "le", "gt", "ge", "eq", "ne")
_LAYOUTS_KEPT = 4
_ABSENT = -1
# Among many payments some keeps any bounds, and to find that out costs as much as the rules.
_FEW = 64
NEVER, SOMETIMES, ALWAYS = range(3)


class Sieve:
    """The bounds of the conditions of rules, a sequence of them for each rule in its order.

    `days` has the first and last business day of each rule, in days since 1970.
    """

    def __init__(self, bounds: Sequence[Sequence[Bound]], days: Sequence[tuple[int, int]]) -> None:
        each = [bound for rule in bounds for bound in rule]
        names = [bound.name for bound in each]
        stated = [name for name in NUMBERS if name in names]
        self._names, self._stated = names, stated
        starts = np.cumsum([0, *map(len, bounds)], dtype=np.int64)
        orders = np.array([_ORDERS.index(bound.order) for bound in each], dtype=np.int64)
        limits = np.array([bound.limit for bound in each], dtype=np.float64)
        self._rules = starts, np.array(days, dtype=np.int64).reshape(-1, 2), orders, limits
        self._places = lru_cache(_LAYOUTS_KEPT)(self._found)

    def possible(self, seen: Seen) -> npt.NDArray[np.int8]:
        """For each rule whether it can hit one of the payments.

        NEVER where no payment of its days keeps all its bounds, SOMETIMES where not all days are its own.
        """
        few = seen.count <= _FEW
        numbers = np.empty((len(self._stated) if few else 0, seen.count))
        for at in range(len(numbers)):
            numbers[at] = seen.number(self._stated[at])
        places = self._places(seen.features.names)
        values = np.ascontiguousarray(seen.features.values)
        chances = np.zeros(len(self._rules[1]), dtype=np.int8)
        _sift(values, numbers, seen.event_dates, places, self._rules, few, chances)
        return chances

    def _found(self, names: tuple[str, ...]) -> npt.NDArray[np.int64]:
        at = {name: place for place, name in enumerate((*names, *self._stated))}
        return np.array([at.get(name, _ABSENT) for name in self._names], dtype=np.int64)


@settling
@kernel
def _sift(values: Any, numbers: Any, days: Any, places: Any, rules: Any, few: Any, chances: Any) -> None:
    starts, spans, orders, limits = rules
    if not len(days):
        return
    first, last = days.min(), days.max()
    for rule in range(len(spans)):
        since, until = spans[rule]
        if last < since or until < first:
            continue
        bounds = places[starts[rule] : starts[rule + 1]], starts[rule], orders, limits
        if not few or _some_row_keeps(values, numbers, bounds):
            chances[rule] = ALWAYS if since <= first and last <= until else SOMETIMES


@kernel
def _some_row_keeps(values: Any, numbers: Any, bounds: Any) -> Any:
    places, first, orders, limits = bounds
    for row in range(len(values)):
        kept = True
        for at in range(len(places)):
            place = places[at]
            if place >= values.shape[1]:
                value = numbers[place - values.shape[1], row]
            else:
                value = values[row, place] if place >= 0 else np.nan
            if not _holds(value, orders[first + at], limits[first + at]):
                kept = False
                break
        if kept:
            return True
    return False


@kernel
def _holds(value: Any, order: Any, limit: Any) -> Any:
    """Whether the value stands in that order to the limit; one that is no number stands in none."""
    if value < limit:
        return order == 0 or order == 1 or order == 5
    if value > limit:
        return order == 2 or order == 3 or order == 5
    return value == limit and (order == 1 or order == 3 or order == 4)
