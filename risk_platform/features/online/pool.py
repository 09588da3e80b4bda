"""Room for the lists of a log: one pool, lists of a few lengths, given back and taken again."""

from typing import NamedTuple

import numpy as np

from risk_platform.features.online.kernel import Codes, Floats, Ints, Scalar, Words, grown, part

BLOCK, SHIFT = 16, 4
# Lengths that a key's list can have: two to the octave from two blocks on.
CAPACITIES = np.array([0, 2, 4, 8, 16, *(16 * m << e for e in range(22) for m in (2, 3))], np.int64)
START, HEAD, END, CLASS = 0, 1, 2, 3
BUMP = 0


class Log(NamedTuple):
    """Lists of one stream of one entity.

    An entry is the second it counts in, then the lower half of a payment's or turn's number. `spans` are start, first,
    end and capacity class of each key's list. `sums` are the accumulators before the block's first live entry,
    `tops` the block's maxima; lists shorter than a block have neither. `free` are the first free lists of each class.
    """

    pool: Words
    sums: Ints
    tops: Floats
    spans: Codes
    free: Ints
    meta: Ints


class LogPlan(NamedTuple):
    """What a log accumulates (`adds`, `peaks`), where windows begin (`edges`) and what is asked of it (`ops`)."""

    stream: int
    adds: Ints
    peaks: Ints
    edges: Ints
    ops: Ints


def new_log(plan: LogPlan, keys: int, room: int = 64) -> Log:
    """An empty log for `keys` keys and `room` entries."""
    return Log(
        np.zeros(room, np.uint64),
        np.zeros((room // BLOCK, len(plan.adds)), np.int64),
        np.zeros((room // BLOCK, len(plan.peaks)), np.float64),
        np.zeros((keys, 4), np.int32),
        np.full(len(CAPACITIES), -1, np.int64),
        np.zeros(1, np.int64),
    )


def with_entries(log: Log, room: int) -> Log:
    """A copy of `log` whose pool holds `room` entries."""
    blocks = room // BLOCK
    return log._replace(
        pool=grown(log.pool, room), sums=grown(log.sums, blocks), tops=grown(log.tops, blocks)
    )


@part
def room_needed(log: Log, key: Scalar, more: Scalar) -> Scalar:
    """Entries of the pool that `more` further entries of `key` may take."""
    span = log.spans[key]
    if span[END] + more <= CAPACITIES[span[CLASS]]:
        return np.int64(0)
    return max(CAPACITIES[_class_for(span, more)], np.int64(BLOCK))


@part
def release(log: Log, key: Scalar) -> None:
    """Give the emptied list of `key` back to the pool."""
    span = log.spans[key]
    if span[CLASS] > 0:
        _give_back(log, np.int64(span[START]), np.int64(span[CLASS]))
    span[:] = 0


@part
def make_room(log: Log, key: Scalar) -> None:
    """Give the full list of `key` a longer place, or move it down over what was dropped of it."""
    span = log.spans[key]
    old_start, old_class = np.int64(span[START]), np.int64(span[CLASS])
    large = CAPACITIES[old_class] >= BLOCK
    dropped = np.int64(span[HEAD])
    if large:
        dropped &= ~np.int64(BLOCK - 1)
    head, end = span[HEAD] - dropped, span[END] - dropped
    size = _class_for(span, 1)
    if size != old_class:
        span[START] = _taken(log, size)
    start = np.int64(span[START])
    for at in range(end):
        log.pool[start + at] = log.pool[old_start + dropped + at]
    if large and CAPACITIES[size] >= BLOCK:
        source = (old_start + dropped) >> SHIFT
        for block in range((end + BLOCK - 1) >> SHIFT):
            for a in range(log.sums.shape[1]):
                log.sums[(start >> SHIFT) + block, a] = log.sums[source + block, a]
            for m in range(log.tops.shape[1]):
                log.tops[(start >> SHIFT) + block, m] = log.tops[source + block, m]
    elif CAPACITIES[size] >= BLOCK:
        log.sums[start >> SHIFT] = 0
    if size != old_class and old_class > 0:
        _give_back(log, old_start, old_class)
    span[HEAD], span[END], span[CLASS] = head, end, size


@part
def _class_for(span: Codes, more: Scalar) -> Scalar:
    """Class of the list that holds the live entries, `more` further ones and an eighth."""
    live = np.int64(span[END]) - span[HEAD]
    if CAPACITIES[span[CLASS]] >= BLOCK:
        live = np.int64(span[END]) - (span[HEAD] & ~np.int64(BLOCK - 1))
    wanted = live + more + (live >> 3)
    size = 1
    while CAPACITIES[size] < wanted:
        size += 1
    return size


@part
def _taken(log: Log, size: Scalar) -> Scalar:
    """Start of a list of class `size`; the caller has seen to the room."""
    if log.free[size] >= 0:
        start = log.free[size]
        log.free[size] = np.int64(log.pool[start]) - 1
        return start
    start = log.meta[BUMP]
    length = CAPACITIES[size]
    log.meta[BUMP] += max(length, np.int64(BLOCK))
    for rest in range(start + length, log.meta[BUMP], length):
        _give_back(log, rest, size)
    return start


@part
def _give_back(log: Log, start: Scalar, size: Scalar) -> None:
    log.pool[start] = np.uint64(log.free[size] + 1)
    log.free[size] = start
