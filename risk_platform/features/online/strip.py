"""The newest entries of a list of payments laid out side by side, for all that one payment asks of them."""

import numpy as np

from risk_platform.features.online.host import (
    ACTIVE,
    ADDS,
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
from risk_platform.features.online.rows import BITS, FIXED_INTS, NO_CODE, TIME, Rows, code_of, row_of

HOUR = 3_600_000_000
# Lists of up to so many entries are laid out whole, and not read by blocks.
_STRIP = 160


@inline
def lay_out(
    code: Scalar, key: Scalar, moment: Scalar, plan: HostPlan, log: Log, space: Space, rows: Rows
) -> None:
    """Lay out the entries of a list before `moment`, unless there are too many and nothing needs it."""
    space.laid[0], space.laid[1] = code, -1
    head, end = np.int64(log.spans[key, HEAD]), np.int64(log.spans[key, END])
    if end - head > _STRIP and not plan.narrows:
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
        for column in range(space.strip.shape[0] - VALUES):
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
        hit = np.int64(len(space.hits))
        for k in range(high - 1, low - 1, -1):
            if code_of(rows, space.strip[ROWS, k], match) == own:
                hit -= 1
                space.hits[hit] = k
        low, high = hit, np.int64(len(space.hits))
    at[LOW], at[HIGH] = low, high
    edges = ask[EDGES_END] - ask[EDGES]
    total, place = sums[edges], high
    for e in range(edges):
        begin, before = space.begins[e], place
        while (
            place > low
            and space.strip[TIMES, space.hits[place - 1] if match != NO_CODE else place - 1] >= begin
        ):
            place -= 1
        places[e] = place
        for a in range(plan.edges[ask[EDGES] + e, ACTIVE]):
            add = plan.paid_adds[plan.uses[ask[ADDS] + a]]
            total[a] += segment_sum(add, place, before, match != NO_CODE, space)
            sums[e, a] = total[a]


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
