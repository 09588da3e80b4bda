"""The current unbroken run of resolutions, seen from one payment."""

import numpy as np

from risk_platform.features.online.host import HIGH, LOW, HostPlan, Space
from risk_platform.features.online.kernel import Ints, Scalar, part
from risk_platform.features.online.pool import Log
from risk_platform.features.online.rows import IMPLICIT, TIME, Rows, Turns, comes_before, payment_of
from risk_platform.features.online.search import (
    count_between,
    later,
    number_at,
    passing,
    ref_at,
    stream_of,
)

_OP, _EDGE, _A, _B = range(4)
_LENGTH, _AGE_FIRST, _AGE_BEFORE, _SINCE = range(10, 14)
_DAY = 86_400_000_000.0


@part
def run_state(
    view: Scalar, op: Ints, moment: Scalar, plan: HostPlan, log: Log, space: Space, rows: Rows, turns: Turns
) -> Scalar:
    """A state of the run of entries that pass A, broken by those that pass B."""
    none = 0.0 if op[_OP] == _LENGTH else np.nan
    low, high = space.places[:, op[_EDGE]], space.at[:, HIGH]
    source, place = _outermost(
        False, view, op[_A], low[0], high[0], low[1], high[1], plan, log, space, rows, turns
    )
    if place < 0:
        return none
    # Where the newest member of the run stands in either source.
    zero = _place_after(0, source, place, plan, log, space, rows, turns)
    one = _place_after(1, source, place, plan, log, space, rows, turns)
    since = count_between(0, IMPLICIT, view, op[_B], zero, space.at[0, HIGH], plan, log, space, rows, turns)
    since += count_between(1, IMPLICIT, view, op[_B], one, space.at[1, HIGH], plan, log, space, rows, turns)
    if op[_OP] == _SINCE:
        return np.float64(since)
    if since > 0:
        return none
    first_zero, first_one = space.at[0, LOW], space.at[1, LOW]
    source, place = _outermost(
        False, view, op[_B], first_zero, zero, first_one, one, plan, log, space, rows, turns
    )
    if place >= 0:
        first_zero = _place_after(0, source, place, plan, log, space, rows, turns)
        first_one = _place_after(1, source, place, plan, log, space, rows, turns)
    if op[_OP] == _LENGTH:
        length = count_between(0, IMPLICIT, view, op[_A], first_zero, zero, plan, log, space, rows, turns)
        length += count_between(1, IMPLICIT, view, op[_A], first_one, one, plan, log, space, rows, turns)
        return np.float64(length)
    if op[_OP] == _AGE_FIRST:
        source, place = _outermost(
            True, view, op[_A], first_zero, zero, first_one, one, plan, log, space, rows, turns
        )
    if place < 0:
        return np.nan
    row = payment_of(0, number_at(source, place, IMPLICIT, log, space, turns), rows, turns)
    return (moment - rows.wide[row, TIME]) / _DAY


@part
def _outermost(
    forward: Scalar,
    view: Scalar,
    a: Scalar,
    low_zero: Scalar,
    high_zero: Scalar,
    low_one: Scalar,
    high_one: Scalar,
    plan: HostPlan,
    log: Log,
    space: Space,
    rows: Rows,
    turns: Turns,
) -> tuple[Scalar, Scalar]:
    """Source and place of the first (`forward`) or the last entry that passes `a`, place -1 for none."""
    zero = passing(forward, 0, IMPLICIT, view, a, low_zero, high_zero, plan, log, space, rows, turns)
    one = passing(forward, 1, IMPLICIT, view, a, low_one, high_one, plan, log, space, rows, turns)
    if zero >= 0 and (one < 0 or later(0, zero, 1, one, IMPLICIT, plan, log, space, rows, turns) != forward):
        return 0, zero
    return 1, one


@part
def _place_after(
    source: Scalar,
    other_source: Scalar,
    other: Scalar,
    plan: HostPlan,
    log: Log,
    space: Space,
    rows: Rows,
    turns: Turns,
) -> Scalar:
    """Where in `source` the entries begin that stand after the one at `other` of `other_source`."""
    if source == other_source:
        return other + 1
    low, high = space.at[source, LOW], space.at[source, HIGH]
    ref, stream = ref_at(other_source, other, log, space), stream_of(other_source, IMPLICIT)
    while low < high:
        middle = (low + high) >> 1
        entry, kind = ref_at(source, middle, log, space), stream_of(source, IMPLICIT)
        if comes_before(kind, entry, stream, ref, plan.shift, rows, turns):
            low = middle + 1
        else:
            high = middle
    return low
