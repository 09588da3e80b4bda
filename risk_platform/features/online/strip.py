"""The newest entries of a list of payments laid out side by side, for all that one payment asks of them."""

import numpy as np

from risk_platform.features.online.columns import INTS
from risk_platform.features.online.host import (
    ACTIVE,
    ADDS,
    ADDS_END,
    CODES,
    EDGES,
    EDGES_END,
    FLAGS,
    HIGH,
    KIND,
    LOW,
    NARROWED,
    OWN,
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
    FOREIGN_BIT,
    GATE_BIT,
    GATED,
    NO_CODE,
    SMALL,
    TIME,
    Rows,
    row_of,
)

HOUR = 3_600_000_000
_INTS = len(INTS)
# One half of a word: a code, of which none that is looked for is negative.
_CODE = np.int64(0xFFFFFFFF)
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
        for c in range(len(plan.narrowing)):
            space.strip[CODES + c, place] = rows.wide[row, plan.narrowing[c]]
    space.laid[1] = place


@inline
def see_strip(bound: Scalar, ask: Ints, match: Scalar, own: Scalar, plan: HostPlan, space: Space) -> None:
    """Add up what is laid out, before `bound`."""
    at, sums, places = space.at[0], space.sums[0], space.places[0]
    low, high = space.laid[1], np.int64(space.strip.shape[1])
    while high > low and space.strip[TIMES, high - 1] >= bound:
        high -= 1
    at[LOW], at[HIGH], at[KIND] = low, high, STRIP
    if match != NO_CODE:
        at[KIND] = NARROWED
        _narrow(low, high, match, own, plan, space)
    edges = ask[EDGES_END] - ask[EDGES]
    total, place, flags = sums[edges], high, space.strip[flags_seen(space)]
    total[: ask[ADDS_END] - ask[ADDS]] = 0
    for e in range(edges):
        before = place
        place = low + _count_before(space.begins[e], space.strip[TIMES, low:place])
        places[e] = place
        for a in range(plan.edges[ask[EDGES] + e, ACTIVE]):
            add = plan.paid_adds[plan.uses[ask[ADDS] + a]]
            total[a] += _segment_sum(add, flags[place:before], place, before, space)
            sums[e, a] = total[a]


@inline
def flags_seen(space: Space) -> Scalar:
    """The row of the strip that holds the bits as the view at work sees them."""
    return OWN if space.at[0, KIND] == NARROWED else FLAGS


@inline
def outermost_laid(forward: Scalar, add: Ints, low: Scalar, high: Scalar, space: Space) -> Scalar:
    """First or last place in [low, high) that `add` counts, -1 for none; all are looked at, as few of them match."""
    found = np.int64(len(space.strip[OWN]) if forward else -1)
    mask, want = add[MASK], add[WANT]
    flags = space.strip[OWN, low:high]
    if forward:
        for k in range(len(flags)):
            found = min(found, low + k) if flags[k] & mask == want else found
        return found if found < high else np.int64(-1)
    for k in range(len(flags)):
        found = max(found, low + k) if flags[k] & mask == want else found
    return found


@inline
def _count_before(moment: Scalar, times: Ints) -> Scalar:
    """How many of the ascending `times` are before `moment`: all are looked at, a vector register at a time."""
    count = np.int64(0)
    if len(times) and times[0] < moment:
        for when in times:
            count += when < moment
    return count


@inline
def _narrow(low: Scalar, high: Scalar, match: Scalar, own: Scalar, plan: HostPlan, space: Space) -> None:
    """Mark which places in [low, high) are none of the view's; what matches cannot be foreseen: no branches."""
    flags, seen = space.strip[FLAGS, low:high], space.strip[OWN, low:high]
    column = match & COLUMN_MASK
    if match >= SMALL:
        for k in range(len(flags)):
            seen[k] = flags[k] | np.int64(flags[k] >> column & 7 != own) << FOREIGN_BIT
        return
    at = np.int64(CODES)
    while plan.narrowing[at - CODES] != column >> 1:
        at += 1
    words, shift = space.strip[at, low:high], 32 * (column & 1)
    for k in range(len(flags)):
        seen[k] = flags[k] | np.int64(words[k] >> shift & _CODE != own) << FOREIGN_BIT
    if match >= GATED:
        for k in range(len(flags)):
            seen[k] |= (~flags[k] >> GATE_BIT & 1) << FOREIGN_BIT


@inline
def _segment_sum(add: Ints, flags: Ints, low: Scalar, high: Scalar, space: Space) -> Scalar:
    """What the laid out payments at places in [low, high), with those bits, add to the accumulator `add`."""
    total = np.int64(0)
    mask, want, which = add[MASK], add[WANT], add[PART]
    if add[COLUMN] < 0:
        for bits in flags:
            total += 1 if bits & mask == want else 0
        return total
    values = space.strip[VALUES + add[COLUMN] - FIXED_INTS, low:high]
    if which == VALUE:
        for i in range(len(flags)):
            total += values[i] if flags[i] & mask == want else 0
    else:
        for i in range(len(flags)):
            total += part_of(values[i], which) if flags[i] & mask == want else 0
    return total
