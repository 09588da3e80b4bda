"""Entries of a window: the first and last that pass, the highest, how many different ones."""

import numpy as np

from risk_platform.features.online.host import (
    ADDS,
    FROM,
    HIGH,
    KIND,
    LIST,
    MANY,
    NARROWED,
    REFS,
    ROWS,
    STRIP,
    TURNED,
    HostPlan,
    Space,
)
from risk_platform.features.online.kernel import Ints, Scalar, inline, part
from risk_platform.features.online.log import number_of_ref, prefix
from risk_platform.features.online.measure import MASK, WANT, passes, peak_value
from risk_platform.features.online.pool import BLOCK, SHIFT, Log
from risk_platform.features.online.rows import (
    EXPLICIT,
    Rows,
    Turns,
    bits_of,
    comes_before,
    payment_of,
)
from risk_platform.features.online.strip import flags_seen, outermost_laid


@inline
def stream_of(source: Scalar, stream: Scalar) -> Scalar:
    """The stream behind a source, when payments or known good by age (`stream`) are the first."""
    return EXPLICIT if source else stream


@inline
def ref_at(source: Scalar, place: Scalar, log: Log, space: Space) -> Scalar:
    """The entry at `place` of what was looked at."""
    kind = space.at[source, KIND]
    if kind == TURNED:
        return np.int64(space.turned[place])
    if kind >= STRIP:
        return space.strip[REFS, place]
    return np.int64(log.pool[space.at[source, FROM] + place])


@inline
def seen_at(
    source: Scalar, place: Scalar, stream: Scalar, log: Log, space: Space, rows: Rows, turns: Turns
) -> tuple[Scalar, Scalar, Scalar]:
    """The entry at `place` of what was looked at, the row of its payment, and its bits."""
    if source == 0 and space.at[source, KIND] >= STRIP:
        bits = space.strip[flags_seen(space), place]
        return space.strip[REFS, place], space.strip[ROWS, place], bits
    ref = ref_at(source, place, log, space)
    row = payment_of(stream, ref, rows, turns)
    return ref, row, bits_of(stream, ref, row, rows, turns)


@inline
def number_at(source: Scalar, place: Scalar, stream: Scalar, log: Log, space: Space, turns: Turns) -> Scalar:
    """Number, or its lower bits, of the payment that the entry at `place` speaks of."""
    return number_of_ref(stream_of(source, stream), ref_at(source, place, log, space), turns)


@part
def later(
    source: Scalar,
    place: Scalar,
    other_source: Scalar,
    other: Scalar,
    stream: Scalar,
    plan: HostPlan,
    log: Log,
    space: Space,
    rows: Rows,
    turns: Turns,
) -> Scalar:
    """Whether the entry at `place` of one source stands after that at `other` of another."""
    return comes_before(
        stream_of(other_source, stream),
        ref_at(other_source, other, log, space),
        stream_of(source, stream),
        ref_at(source, place, log, space),
        plan.shift if stream else 0,
        rows,
        turns,
    )


@inline
def _passing(
    source: Scalar,
    place: Scalar,
    stream: Scalar,
    add: Ints,
    log: Log,
    space: Space,
    rows: Rows,
    turns: Turns,
) -> Scalar:
    _, _, bits = seen_at(source, place, stream_of(source, stream), log, space, rows, turns)
    return passes(add, bits)


@inline
def _use(view: Scalar, source: Scalar, stream: Scalar, a: Scalar, plan: HostPlan) -> Scalar:
    """Which accumulator of the lists is the view's accumulator `a`."""
    return plan.uses[plan.asks[3 * view + stream_of(source, stream), ADDS] + a]


@inline
def _never(add: Ints) -> Scalar:
    """Whether no entry can pass, as for frauds among what is known good."""
    return add[WANT] & ~add[MASK] != 0


@inline
def _skips(source: Scalar, block: Scalar, use: Scalar, plan: HostPlan, log: Log, space: Space) -> Scalar:
    """Whether no entry of a whole block passes."""
    if space.at[source, KIND] != MANY or use >= plan.kept[source]:
        return False
    row = (space.at[source, FROM] >> SHIFT) + block
    return log.sums[row + 1, use] == log.sums[row, use]


@part
def passing(
    forward: Scalar,
    source: Scalar,
    stream: Scalar,
    view: Scalar,
    a: Scalar,
    low: Scalar,
    high: Scalar,
    plan: HostPlan,
    log: Log,
    space: Space,
    rows: Rows,
    turns: Turns,
) -> Scalar:
    """First or last place in [low, high) whose entry accumulator `a`, a count, counts; -1 for none."""
    use = _use(view, source, stream, a, plan)
    add = plan.found_adds[use] if source else plan.paid_adds[use]
    if _never(add):
        return np.int64(-1)
    if source == 0 and space.at[source, KIND] == NARROWED:
        return outermost_laid(forward, add, low, high, space)
    step = 1 if forward else -1
    at = low if forward else high - 1
    while low <= at < high:
        border = at if forward else at - BLOCK + 1
        if (
            border & (BLOCK - 1) == 0
            and border >= low
            and border + BLOCK < high
            and _skips(source, border >> SHIFT, use, plan, log, space)
        ):
            at += step * BLOCK
            continue
        if _passing(source, at, stream, add, log, space, rows, turns):
            return at
        at += step
    return np.int64(-1)


@part
def count_between(
    source: Scalar,
    stream: Scalar,
    view: Scalar,
    a: Scalar,
    low: Scalar,
    high: Scalar,
    plan: HostPlan,
    log: Log,
    space: Space,
    rows: Rows,
    turns: Turns,
) -> Scalar:
    """How many entries at places in [low, high) accumulator `a`, a count, counts."""
    if low >= high:
        return np.int64(0)
    use = _use(view, source, stream, a, plan)
    add = plan.found_adds[use] if source else plan.paid_adds[use]
    if _never(add):
        return np.int64(0)
    if space.at[source, KIND] == MANY and use < plan.kept[source] and high - low > BLOCK:
        kind, key = stream_of(source, stream), space.at[source, LIST]
        before = prefix(kind, add, use, log, key, low, rows, turns)
        return prefix(kind, add, use, log, key, high, rows, turns) - before
    count = np.int64(0)
    for place in range(low, high):
        count += 1 if _passing(source, place, stream, add, log, space, rows, turns) else 0
    return count


@inline
def highest(
    stream: Scalar,
    peak: Scalar,
    turned_peak: Scalar,
    edge: Scalar,
    plan: HostPlan,
    log: Log,
    space: Space,
    rows: Rows,
    turns: Turns,
) -> Scalar:
    """Maximum `peak` of the window, of turns `turned_peak`; NaN when there is none."""
    top = -np.inf
    for source in range(2 if stream else 1):
        kind = stream_of(source, stream)
        chosen = turned_peak if source else peak
        condition = plan.found_peaks[chosen] if source else plan.paid_peaks[chosen]
        at, end = space.places[source, edge], space.at[source, HIGH]
        blocks = space.at[source, KIND] == MANY and chosen < plan.kept[2 + source]
        while at < end:
            if blocks and at & (BLOCK - 1) == 0 and at + BLOCK <= end:
                top = max(top, log.tops[(space.at[source, FROM] + at) >> SHIFT, chosen])
                at += BLOCK
                continue
            ref, row, bits = seen_at(source, at, kind, log, space, rows, turns)
            top = max(top, peak_value(condition, row, number_of_ref(kind, ref, turns), bits, rows))
            at += 1
    return top if top > -np.inf else np.nan
