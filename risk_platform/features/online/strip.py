"""The newest entries of a list of payments laid out side by side, for all that one payment asks of them."""

import numpy as np

from risk_platform.features.online.columns import INTS
from risk_platform.features.online.host import (
    ACTIVE,
    ADDS,
    ADDS_END,
    EDGES,
    EDGES_END,
    FLAGS,
    HIGH,
    HITS,
    KIND,
    LOW,
    REFS,
    ROWS,
    STRIP,
    TIMES,
    VALUES,
    HostPlan,
    Space,
)
from risk_platform.features.online.kernel import Ints, Scalar, inline
from risk_platform.features.online.measure import COLUMN, MASK, PART, VALUE, WANT, part_of
from risk_platform.features.online.pool import END, HEAD, START, Log
from risk_platform.features.online.rows import (
    BITS,
    COLUMN_MASK,
    FIXED_INTS,
    GATED,
    NO_CODE,
    SMALL,
    TIME,
    Rows,
    code_of,
    row_of,
)

HOUR = 3_600_000_000
_INTS = len(INTS)
# Lists of up to so many entries are laid out whole, and not read by blocks.
LAID_OUT = 160


@inline
def lay_out(
    code: Scalar,
    key: Scalar,
    moment: Scalar,
    needed: Scalar,
    plan: HostPlan,
    log: Log,
    space: Space,
    rows: Rows,
) -> None:
    """Lay out the entries of a list before `moment`, unless there are too many and it is not `needed`."""
    space.laid[0], space.laid[1] = code, -1
    head, end = np.int64(log.spans[key, HEAD]), np.int64(log.spans[key, END])
    if end - head > LAID_OUT and not needed:
        return
    start, begin = np.int64(log.spans[key, START]), moment - plan.strip - 2 * HOUR
    place = space.strip.shape[1]
    for i in range(start + end - 1, start + head - 1, -1):
        ref = np.int64(log.pool[i])
        row = row_of(rows, ref)
        when = rows.wide[row, TIME]
        if when >= moment:
            continue
        if when < begin:
            break
        place -= 1
        space.strip[TIMES, place] = when
        space.strip[FLAGS, place] = rows.cells[row, BITS]
        space.strip[ROWS, place] = row
        space.strip[REFS, place] = ref
        for column in range(_INTS):
            space.strip[VALUES + column, place] = rows.wide[row, FIXED_INTS + column]
    space.laid[1] = place


@inline
def see_strip(
    bound: Scalar, ask: Ints, match: Scalar, own: Scalar, plan: HostPlan, space: Space, rows: Rows
) -> None:
    """Add up what is laid out, before `bound`."""
    at, sums, places = space.at[0], space.sums[0], space.places[0]
    low, high = space.laid[1], np.int64(space.strip.shape[1])
    while high > low and space.strip[TIMES, high - 1] >= bound:
        high -= 1
    at[KIND] = STRIP
    if match != NO_CODE:
        at[KIND] = HITS
        low, high = np.int64(0), _matching(low, high, match, own, space, rows)
    at[LOW], at[HIGH] = low, high
    edges = ask[EDGES_END] - ask[EDGES]
    total, place = sums[edges], high
    total[: ask[ADDS_END] - ask[ADDS]] = 0
    for e in range(edges):
        before = place
        if match == NO_CODE:
            place = low + _count_before(space.begins[e], space.strip[TIMES, low:place])
        else:
            while place > low and space.strip[TIMES, space.hits[place - 1]] >= space.begins[e]:
                place -= 1
        places[e] = place
        for a in range(plan.edges[ask[EDGES] + e, ACTIVE]):
            add = plan.paid_adds[plan.uses[ask[ADDS] + a]]
            total[a] += segment_sum(add, place, before, match != NO_CODE, space)
            sums[e, a] = total[a]


@inline
def _count_before(moment: Scalar, times: Ints) -> Scalar:
    """How many of the ascending `times` are before `moment`: all are looked at, a vector register at a time."""
    count = np.int64(0)
    if len(times) and times[0] < moment:
        for when in times:
            count += when < moment
    return count


@inline
def _matching(low: Scalar, high: Scalar, match: Scalar, own: Scalar, space: Space, rows: Rows) -> Scalar:
    """Note which places in [low, high) match, and return how many; what matches cannot be foreseen: no branches."""
    hit = np.int64(0)
    if match < GATED:
        for k in range(low, high):
            space.hits[hit] = k
            hit += rows.cells[space.strip[ROWS, k], match] == own
    elif match < SMALL:
        for k in range(low, high):
            space.hits[hit] = k
            hit += code_of(rows, space.strip[ROWS, k], match) == own
    else:
        column = match & COLUMN_MASK
        for k in range(low, high):
            space.hits[hit] = k
            hit += (space.strip[FLAGS, k] >> column & 7) == own
    return hit


@inline
def segment_sum(add: Ints, low: Scalar, high: Scalar, hits: Scalar, space: Space) -> Scalar:
    """What the laid out payments at places in [low, high), or at hits, add to the accumulator `add`."""
    total = np.int64(0)
    mask, want, which = add[MASK], add[WANT], add[PART]
    column = VALUES + max(add[COLUMN] - FIXED_INTS, np.int64(0))
    if hits:
        for at in space.hits[low:high]:
            value = np.int64(1) if add[COLUMN] < 0 else part_of(space.strip[column, at], which)
            total += value if space.strip[FLAGS, at] & mask == want else 0
        return total
    flags, values = space.strip[FLAGS, low:high], space.strip[column, low:high]
    if add[COLUMN] < 0:
        for bits in flags:
            total += 1 if bits & mask == want else 0
    elif which == VALUE:
        for i in range(len(flags)):
            total += values[i] if flags[i] & mask == want else 0
    else:
        for i in range(len(flags)):
            total += part_of(values[i], which) if flags[i] & mask == want else 0
    return total
