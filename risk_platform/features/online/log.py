"""What happened to each key, in order: sorted lists with cumulative sums every 16 entries."""

import numpy as np

from risk_platform.features.online.kernel import Ints, Scalar, inline, part
from risk_platform.features.online.measure import peak_value, sum_value
from risk_platform.features.online.pool import (
    BLOCK,
    CAPACITIES,
    CLASS,
    END,
    HEAD,
    SHIFT,
    START,
    Log,
    LogPlan,
    make_room,
    release,
)
from risk_platform.features.online.rows import Rows, Turns, bits_of, comes_before, moment_of, payment_of

SECOND = 1_000_000


@part
def insert(plan: LogPlan, log: Log, key: Scalar, entry: Scalar, rows: Rows, turns: Turns) -> None:
    """Put `entry` where it belongs in the list of `key`; nearly always that is the end."""
    span = log.spans[key]
    was_short = CAPACITIES[span[CLASS]] < BLOCK
    if span[END] >= CAPACITIES[span[CLASS]]:
        make_room(log, key)
    start, end = np.int64(span[START]), np.int64(span[END])
    place = end
    while place > span[HEAD] and _precedes(plan.stream, entry, log.pool[start + place - 1], rows, turns):
        log.pool[start + place] = log.pool[start + place - 1]
        place -= 1
    log.pool[start + place] = entry
    span[END] = end + 1
    if CAPACITIES[span[CLASS]] >= BLOCK:
        _accumulate(plan, log, key, 0 if was_short else place, rows, turns)


@part
def trim(plan: LogPlan, log: Log, key: Scalar, limit: Scalar, rows: Rows, turns: Turns) -> None:
    """Drop the entries of `key` that counted before `limit` (µs)."""
    span = log.spans[key]
    start = np.int64(span[START])
    while span[HEAD] < span[END]:
        entry = log.pool[start + span[HEAD]]
        if moment_of(plan.stream, entry, rows, turns) >= limit:
            return
        if CAPACITIES[span[CLASS]] >= BLOCK and len(plan.adds):
            row = payment_of(plan.stream, entry, rows, turns)
            bits = bits_of(plan.stream, entry, row, rows, turns)
            block = (start + span[HEAD]) >> SHIFT
            for a in range(len(plan.adds)):
                log.sums[block, a] += sum_value(plan.adds[a], row, bits, rows)
        span[HEAD] += 1
    release(log, key)


@inline
def position(
    plan: LogPlan, log: Log, key: Scalar, moment: Scalar, end: Scalar, rows: Rows, turns: Turns
) -> Scalar:
    """Where in the list of `key`, up to `end`, the first entry stands that counts at `moment` or later."""
    start = np.int64(log.spans[key, START])
    low, high = np.int64(log.spans[key, HEAD]), end
    if moment < 0:
        return low
    wanted = np.uint64(moment // SECOND) << np.uint64(32)
    if high > low and log.pool[start + high - 1] < wanted:
        return high
    while low < high:
        middle = (low + high) >> 1
        if log.pool[start + middle] < wanted:
            low = middle + 1
        else:
            high = middle
    while low < end and moment_of(plan.stream, log.pool[start + low], rows, turns) < moment:
        low += 1
    return low


@inline
def totals(plan: LogPlan, log: Log, key: Scalar, place: Scalar, out: Ints, rows: Rows, turns: Turns) -> None:
    """Every accumulator of `key` just before `place`; only differences of two such mean something."""
    if len(plan.adds) == 0:
        return
    span = log.spans[key]
    start = np.int64(span[START])
    begin = np.int64(span[HEAD])
    out[:] = 0
    if CAPACITIES[span[CLASS]] >= BLOCK:
        # A full list ends at a block that was never begun.
        block = min(place, np.int64(span[END]) - 1) >> SHIFT
        begin = max(begin, block << SHIFT)
        for a in range(len(out)):
            out[a] = log.sums[(start >> SHIFT) + block, a]
    for at in range(begin, place):
        _add(plan, log.pool[start + at], out, rows, turns)


@inline
def before_first(log: Log, key: Scalar, a: Scalar) -> Scalar:
    """Accumulator `a` of `key` before its first live entry."""
    span = log.spans[key]
    if CAPACITIES[span[CLASS]] < BLOCK:
        return np.int64(0)
    return log.sums[(np.int64(span[START]) + span[HEAD]) >> SHIFT, a]


@part
def nth(
    plan: LogPlan,
    log: Log,
    key: Scalar,
    a: Scalar,
    count: Scalar,
    begin: Scalar,
    end: Scalar,
    rows: Rows,
    turns: Turns,
) -> Scalar:
    """Place in [begin, end) of the entry with which accumulator `a`, a count, reaches `count`."""
    span = log.spans[key]
    start = np.int64(span[START])
    at, reached = np.int64(span[HEAD]), np.int64(0)
    if CAPACITIES[span[CLASS]] >= BLOCK:
        low, high = begin >> SHIFT, (end - 1) >> SHIFT
        while low < high:
            middle = (low + high + 1) >> 1
            if log.sums[(start >> SHIFT) + middle, a] < count:
                low = middle
            else:
                high = middle - 1
        at, reached = max(at, low << SHIFT), log.sums[(start >> SHIFT) + low, a]
    while at < end:
        entry = log.pool[start + at]
        row = payment_of(plan.stream, entry, rows, turns)
        reached += sum_value(plan.adds[a], row, bits_of(plan.stream, entry, row, rows, turns), rows)
        if reached >= count:
            return at
        at += 1
    return end


@part
def highest(
    plan: LogPlan, log: Log, key: Scalar, m: Scalar, begin: Scalar, end: Scalar, rows: Rows, turns: Turns
) -> Scalar:
    """Maximum `m` of the entries in [begin, end), −inf when there is none."""
    span = log.spans[key]
    start = np.int64(span[START])
    blocks = CAPACITIES[span[CLASS]] >= BLOCK
    top = -np.inf
    at = begin
    while at < end:
        if blocks and at & (BLOCK - 1) == 0 and at + BLOCK <= end:
            top = max(top, log.tops[(start + at) >> SHIFT, m])
            at += BLOCK
            continue
        entry = log.pool[start + at]
        row = payment_of(plan.stream, entry, rows, turns)
        top = max(top, peak_value(plan.peaks[m], row, bits_of(plan.stream, entry, row, rows, turns), rows))
        at += 1
    return top


@inline
def _precedes(stream: Scalar, entry: Scalar, other: Scalar, rows: Rows, turns: Turns) -> Scalar:
    second, other_second = entry >> np.uint64(32), other >> np.uint64(32)
    if second != other_second:
        return bool(second < other_second)
    return comes_before(stream, entry, other, rows, turns)


@inline
def _add(plan: LogPlan, entry: Scalar, out: Ints, rows: Rows, turns: Turns) -> None:
    row = payment_of(plan.stream, entry, rows, turns)
    bits = bits_of(plan.stream, entry, row, rows, turns)
    for a in range(len(plan.adds)):
        out[a] += sum_value(plan.adds[a], row, bits, rows)


@part
def _accumulate(plan: LogPlan, log: Log, key: Scalar, place: Scalar, rows: Rows, turns: Turns) -> None:
    """Bring sums and maxima up to date after an insertion at `place`."""
    span = log.spans[key]
    base = np.int64(span[START]) >> SHIFT
    end = np.int64(span[END])
    for block in range(place >> SHIFT, ((end - 1) >> SHIFT) + 1):
        if block > place >> SHIFT or place == block << SHIFT:
            _begin_block(plan, log, key, block, rows, turns)
        if len(plan.peaks) == 0:
            continue
        appended = block << SHIFT <= place == end - 1
        first = place if appended else max(block << SHIFT, int(span[HEAD]))
        if first == block << SHIFT or first == span[HEAD]:
            log.tops[base + block, :] = -np.inf
        for at in range(first, min(int(end), (block + 1) << SHIFT)):
            entry = log.pool[span[START] + at]
            row = payment_of(plan.stream, entry, rows, turns)
            bits = bits_of(plan.stream, entry, row, rows, turns)
            for m in range(len(plan.peaks)):
                value = peak_value(plan.peaks[m], row, bits, rows)
                log.tops[base + block, m] = max(log.tops[base + block, m], value)


@part
def _begin_block(plan: LogPlan, log: Log, key: Scalar, block: Scalar, rows: Rows, turns: Turns) -> None:
    """Carry the sums over from the block before; the first live block keeps its own."""
    span = log.spans[key]
    if len(plan.adds) == 0 or block == span[HEAD] >> SHIFT:
        return
    base = (np.int64(span[START]) >> SHIFT) + block
    for a in range(len(plan.adds)):
        log.sums[base, a] = log.sums[base - 1, a]
    begin = int(span[HEAD]) if block - 1 == span[HEAD] >> SHIFT else (block - 1) << SHIFT
    for at in range(begin, block << SHIFT):
        _add(plan, log.pool[span[START] + at], log.sums[base], rows, turns)
