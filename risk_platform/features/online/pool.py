"""Room for lists: one pool, lists of a few lengths, given back and taken again."""

from typing import NamedTuple

import numpy as np

from risk_platform.features.online.kernel import Codes, Floats, Ints, Scalar, inline, kernel, part
from risk_platform.features.online.store import lengthened

BLOCK, SHIFT = 32, 5
# Lengths that a list can have: two to the octave from two blocks on.
CAPACITIES = np.array([0, 2, 4, 8, 16, 32, *(32 * m << e for e in range(22) for m in (2, 3))], np.int64)
START, HEAD, END, CLASS = 0, 1, 2, 3
BUMP, LONGEST = 0, 1


class Log(NamedTuple):
    """Lists of the lower bits of payments' and turns' numbers.

    `spans` are start, first, end and capacity class of each list. `sums` are the accumulators before the block's first
    live entry, `tops` the block's maxima; lists shorter than a block have neither. `free` are the first free lists of
    each class, `meta` how much of the pool was ever taken and how long a list ever was.
    """

    pool: Codes
    sums: Ints
    tops: Floats
    spans: Codes
    free: Ints
    meta: Ints


def new_log(adds: int, peaks: int) -> Log:
    """An empty log that carries so many accumulators and maxima."""
    return Log(
        np.zeros(BLOCK, np.int32),
        np.zeros((1, adds), np.int64),
        np.zeros((1, peaks), np.float64),
        np.zeros((0, 4), np.int32),
        np.full(len(CAPACITIES), -1, np.int64),
        np.zeros(2, np.int64),
    )


def log_with_entries(log: Log, more: int) -> Log:
    """`log` whose pool holds at least `more` further entries."""
    blocks = len(log.sums) + max((more + BLOCK - 1) >> SHIFT, len(log.sums) >> 4)
    return log._replace(
        pool=lengthened(log.pool, blocks << SHIFT),
        sums=lengthened(log.sums, blocks),
        tops=lengthened(log.tops, blocks),
    )


def log_with_lists(log: Log, lists: int) -> Log:
    """`log` with room for so many lists."""
    return log if lists <= len(log.spans) else log._replace(spans=lengthened(log.spans, lists))


@inline
def in_blocks(log: Log, key: Scalar) -> Scalar:
    """Whether the list of `key` is long enough to carry sums along."""
    return CAPACITIES[log.spans[key, CLASS]] >= BLOCK


@part
def room_needed(log: Log, key: Scalar) -> Scalar:
    """Entries that the pool lacks for one more entry of `key`."""
    if log.spans[key, END] < CAPACITIES[log.spans[key, CLASS]]:
        return np.int64(0)
    size = _class_for(log, key)
    if log.free[size] >= 0 or size == log.spans[key, CLASS]:
        return np.int64(0)
    return max(np.int64(0), log.meta[BUMP] + max(CAPACITIES[size], np.int64(BLOCK)) - len(log.pool))


@part
def release(log: Log, key: Scalar) -> None:
    """Give the emptied list of `key` back to the pool."""
    if log.spans[key, CLASS] > 0:
        _give_back(log, np.int64(log.spans[key, START]), np.int64(log.spans[key, CLASS]))
    log.spans[key, :] = 0


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
    size = _class_for(log, key)
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
def _class_for(log: Log, key: Scalar) -> Scalar:
    """Class of the list that holds the live entries of `key`, a further one and an eighth."""
    span = log.spans[key]
    live = np.int64(span[END]) - span[HEAD]
    if CAPACITIES[span[CLASS]] >= BLOCK:
        live = np.int64(span[END]) - (span[HEAD] & ~np.int64(BLOCK - 1))
    wanted = live + 1 + (live >> 3)
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
    log.pool[start] = log.free[size] + 1
    log.free[size] = start


def contents(log: Log) -> tuple[Ints, Ints]:
    """Every list that is not empty, as (key, length), and their entries one list after the other."""
    lengths = (log.spans[:, END] - log.spans[:, HEAD]).astype(np.int64)
    keys = np.flatnonzero(lengths)
    lists = np.stack([keys, lengths[keys]], axis=1)
    entries = np.empty(int(lengths.sum()), np.int64)
    _copy_out(log, keys, entries)
    return lists, entries


@kernel
def _copy_out(log: Log, keys: Ints, entries: Ints) -> None:
    at = 0
    for key in keys:
        start = np.int64(log.spans[key, START])
        for place in range(log.spans[key, HEAD], log.spans[key, END]):
            entries[at] = log.pool[start + place]
            at += 1
