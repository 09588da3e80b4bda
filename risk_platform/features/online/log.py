"""What happened to each key, in order: sorted lists with cumulative sums every block of entries."""

import numpy as np

from risk_platform.features.online.kernel import Ints, Scalar, inline, part
from risk_platform.features.online.measure import peak_value, sum_value
from risk_platform.features.online.pool import (
    BLOCK,
    CAPACITIES,
    CLASS,
    END,
    HEAD,
    LONGEST,
    SHIFT,
    START,
    Log,
    in_blocks,
    make_room,
    release,
)
from risk_platform.features.online.rows import (
    BITS,
    EARLY_BIT,
    EXPLICIT,
    PAYMENTS,
    REF,
    TIME,
    Rows,
    Turns,
    bits_of,
    comes_before,
    moment_of,
    payment_of,
    row_of,
    turn_of,
)


@part
def insert(
    stream: Scalar, adds: Ints, peaks: Ints, log: Log, key: Scalar, number: Scalar, rows: Rows, turns: Turns
) -> None:
    """Put `number` where it belongs in the list of `key`; nearly always that is the end."""
    span = log.spans[key]
    ref = number & REF
    was_short = CAPACITIES[span[CLASS]] < BLOCK
    if span[END] >= CAPACITIES[span[CLASS]]:
        make_room(log, key)
    start, end = np.int64(span[START]), np.int64(span[END])
    place = end
    while place > span[HEAD]:
        other = np.int64(log.pool[start + place - 1])
        if not comes_before(stream, ref, stream, other, 0, rows, turns):
            break
        log.pool[start + place] = other
        place -= 1
    log.pool[start + place] = ref
    span[END] = end + 1
    log.meta[LONGEST] = max(log.meta[LONGEST], end + 1 - span[HEAD])
    if CAPACITIES[span[CLASS]] >= BLOCK:
        _accumulate(stream, adds, peaks, log, key, 0 if was_short else place, rows, turns)


@part
def trim(stream: Scalar, adds: Ints, log: Log, key: Scalar, limit: Scalar, rows: Rows, turns: Turns) -> None:
    """Drop the entries of `key` that counted before `limit` (µs)."""
    span = log.spans[key]
    start = np.int64(span[START])
    while span[HEAD] < span[END]:
        ref = np.int64(log.pool[start + span[HEAD]])
        if moment_of(stream, 0, ref, rows, turns) >= limit:
            return
        if CAPACITIES[span[CLASS]] >= BLOCK:
            block = (start + span[HEAD]) >> SHIFT
            row = payment_of(stream, ref, rows, turns)
            bits = bits_of(stream, ref, row, rows, turns)
            for a in range(len(adds)):
                log.sums[block, a] += sum_value(adds[a], row, bits, rows)
        span[HEAD] += 1
    release(log, key)


@part
def amend(adds: Ints, peaks: Ints, log: Log, key: Scalar, number: Scalar, rows: Rows, turns: Turns) -> None:
    """Take a payment of `key` out of what counts as known good by age: its bit EARLY was set."""
    if log.spans[key, END] == log.spans[key, HEAD] or not in_blocks(log, key):
        return
    span, row = log.spans[key], row_of(rows, number)
    start = np.int64(span[START])
    low, high = np.int64(span[HEAD]), np.int64(span[END])
    place = position(PAYMENTS, rows.wide[row, TIME], start, low, high, log, rows, turns)
    while place < span[END] and log.pool[start + place] != number & REF:
        place += 1
    if place == span[END]:
        return
    bits = np.int64(rows.cells[row, BITS])
    before = bits & ~(1 << EARLY_BIT)
    for a in range(len(adds)):
        change = sum_value(adds[a], row, bits, rows) - sum_value(adds[a], row, before, rows)
        for block in range((place >> SHIFT) + 1, ((span[END] - 1) >> SHIFT) + 1):
            log.sums[(start >> SHIFT) + block, a] += change
    _raise_tops(PAYMENTS, peaks, log, key, place >> SHIFT, place & ~(BLOCK - 1), rows, turns)


@inline
def position(
    stream: Scalar,
    moment: Scalar,
    start: Scalar,
    low: Scalar,
    high: Scalar,
    log: Log,
    rows: Rows,
    turns: Turns,
) -> Scalar:
    """Where between `low` and `high` the first entry stands that counts at `moment` or later.

    That is near `high` as a rule, so steps from there double before the rest is halved.
    """
    step = np.int64(1)
    while high - step >= low:
        if moment_of(stream, 0, np.int64(log.pool[start + high - step]), rows, turns) < moment:
            low = high - step + 1
            break
        high -= step
        step *= 2
    while low < high:
        middle = (low + high) >> 1
        if moment_of(stream, 0, np.int64(log.pool[start + middle]), rows, turns) < moment:
            low = middle + 1
        else:
            high = middle
    return low


@part
def prefix(
    stream: Scalar, add: Ints, a: Scalar, log: Log, key: Scalar, place: Scalar, rows: Rows, turns: Turns
) -> Scalar:
    """Accumulator `a` of a list in blocks just before `place`; only differences of two such mean something."""
    span = log.spans[key]
    start = np.int64(span[START])
    # A full list ends at a block that was never begun.
    block = min(place, np.int64(span[END]) - 1) >> SHIFT
    total = log.sums[(start >> SHIFT) + block, a]
    for at in range(max(np.int64(span[HEAD]), block << SHIFT), place):
        ref = np.int64(log.pool[start + at])
        row = payment_of(stream, ref, rows, turns)
        total += sum_value(add, row, bits_of(stream, ref, row, rows, turns), rows)
    return total


@inline
def number_of_ref(stream: Scalar, ref: Scalar, turns: Turns) -> Scalar:
    """Number, or its lower bits, of the payment that an entry speaks of."""
    return turns.ints[turn_of(turns, ref), 1] >> 2 if stream == EXPLICIT else ref


@part
def _accumulate(
    stream: Scalar, adds: Ints, peaks: Ints, log: Log, key: Scalar, place: Scalar, rows: Rows, turns: Turns
) -> None:
    """Bring sums and maxima up to date after an insertion at `place`."""
    end = np.int64(log.spans[key, END])
    for block in range(place >> SHIFT, ((end - 1) >> SHIFT) + 1):
        if block > place >> SHIFT or place == block << SHIFT:
            _begin_block(stream, adds, log, key, block, rows, turns)
        appended = block << SHIFT <= place == end - 1
        _raise_tops(stream, peaks, log, key, block, place if appended else block << SHIFT, rows, turns)


@part
def _raise_tops(
    stream: Scalar,
    peaks: Ints,
    log: Log,
    key: Scalar,
    block: Scalar,
    first: Scalar,
    rows: Rows,
    turns: Turns,
) -> None:
    """Bring the maxima of a block up to date with its entries from `first` on."""
    span = log.spans[key]
    start, head = np.int64(span[START]), np.int64(span[HEAD])
    row_of_block = (start >> SHIFT) + block
    first = max(first, head)
    if first == max(block << SHIFT, head):
        for m in range(len(peaks)):
            log.tops[row_of_block, m] = -np.inf
    if len(peaks) == 0:
        return
    for at in range(first, min(np.int64(span[END]), (block + 1) << SHIFT)):
        ref = np.int64(log.pool[start + at])
        row = payment_of(stream, ref, rows, turns)
        bits = bits_of(stream, ref, row, rows, turns)
        number = number_of_ref(stream, ref, turns)
        for m in range(len(peaks)):
            value = peak_value(peaks[m], row, number, bits, rows)
            log.tops[row_of_block, m] = max(log.tops[row_of_block, m], value)


@part
def _begin_block(
    stream: Scalar, adds: Ints, log: Log, key: Scalar, block: Scalar, rows: Rows, turns: Turns
) -> None:
    """Carry the sums over from the block before; the first live block keeps its own."""
    span = log.spans[key]
    head = np.int64(span[HEAD])
    if block == head >> SHIFT:
        return
    start = np.int64(span[START])
    base = (start >> SHIFT) + block
    for a in range(len(adds)):
        log.sums[base, a] = log.sums[base - 1, a]
    for at in range(max(head, (block - 1) << SHIFT), block << SHIFT):
        ref = np.int64(log.pool[start + at])
        row = payment_of(stream, ref, rows, turns)
        bits = bits_of(stream, ref, row, rows, turns)
        for a in range(len(adds)):
            log.sums[base, a] += sum_value(adds[a], row, bits, rows)
