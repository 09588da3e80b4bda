"""Distinct counts of long lists, kept up to date as entries come and windows move on.

A tally is only a shortcut: it is made when a long window is asked for, and a state without one gives the same answers.
"""

from typing import NamedTuple

import numpy as np

from risk_platform.features.online.kernel import Ints, Scalar, Words, inline, kernel, part
from risk_platform.features.online.log import position
from risk_platform.features.online.pool import END, HEAD, START, Log
from risk_platform.features.online.rows import BITS, PAYMENTS, TIME, Rows, Turns, code_of, row_of
from risk_platform.features.online.table import mixed

USED, WANTED = 0, 1
# Columns of a tally's description: its number (from 1 on), the code it counts, and the filter of what it counts.
NUMBER, COUNTED, MASK, WANT = range(4)
MOST = 7
# Entries at or after the payment that are taken out for one answer, at most.
_TRAILING = 64
_NUMBER_SHIFT, _LIST_SHIFT = np.uint64(29), np.uint64(32)


class Tally(NamedTuple):
    """A hash table from list, tally and code to how often the code is there (0: an empty slot).

    Without a code, it is how many different ones there are, from the time `begins` (µs) on. `counts` is 0 nowhere else.
    """

    words: Words
    counts: Ints
    begins: Ints
    used: Ints


def new_tally(room: int = 64) -> Tally:
    """An empty tally with `room` slots (a power of two)."""
    return Tally(
        np.zeros(room, np.uint64), np.zeros(room, np.int64), np.zeros(room, np.int64), np.zeros(2, np.int64)
    )


def tally_with_room(tally: Tally, more: int) -> Tally:
    """`tally`, or a larger copy of it, for `more` further words and those that were wanted."""
    room = len(tally.words)
    needed = int(tally.used[USED]) + int(tally.used[WANTED]) + more
    while 4 * needed > 3 * room:
        room *= 2
    tally.used[WANTED] = 0
    if room == len(tally.words):
        return tally
    larger = new_tally(room)
    _copy(tally, larger)
    return larger


@kernel
def _copy(tally: Tally, larger: Tally) -> None:
    for slot in range(len(tally.words)):
        if tally.words[slot]:
            at = _slot_for(larger, tally.words[slot])
            larger.words[at] = tally.words[slot]
            larger.counts[at] = tally.counts[slot]
            larger.begins[at] = tally.begins[slot]
            larger.used[USED] += 1


@inline
def _word(key: Scalar, number: Scalar, code: Scalar) -> Scalar:
    """The word of a code (-1: of the count of different ones) in a tally of a list."""
    return np.uint64(key) << _LIST_SHIFT | np.uint64(number) << _NUMBER_SHIFT | np.uint64(code + 1)


@inline
def _slot_for(tally: Tally, word: Scalar) -> Scalar:
    """The slot of `word`, or the empty one where it belongs."""
    mask = len(tally.words) - 1
    slot = np.int64(mixed(word)) & mask
    while tally.words[slot] != 0 and tally.words[slot] != word:
        slot = (slot + 1) & mask
    return slot


@part
def _remove(tally: Tally, hole: Scalar) -> None:
    """Empty a slot; what probing had pushed past it moves back."""
    mask = len(tally.words) - 1
    slot = hole
    while True:
        slot = (slot + 1) & mask
        if tally.words[slot] == 0:
            break
        home = np.int64(mixed(tally.words[slot])) & mask
        if ((slot - home) & mask) >= ((slot - hole) & mask):
            tally.words[hole], tally.counts[hole] = tally.words[slot], tally.counts[slot]
            tally.begins[hole] = tally.begins[slot]
            hole = slot
    tally.words[hole] = 0
    tally.used[USED] -= 1


@part
def _change(
    what: Ints, key: Scalar, low: Scalar, high: Scalar, by: Scalar, tally: Tally, log: Log, rows: Rows
) -> Scalar:
    """Count the entries of a list in [low, high) once more (1) or less (-1); how the different ones change."""
    change = np.int64(0)
    for at in range(low, high):
        row = row_of(rows, np.int64(log.pool[log.spans[key, START] + at]))
        change += _count(what, key, row, by, tally, rows)
    return change


@part
def _count(what: Ints, key: Scalar, row: Scalar, by: Scalar, tally: Tally, rows: Rows) -> Scalar:
    code = code_of(rows, row, what[COUNTED])
    if code < 0 or np.int64(rows.cells[row, BITS]) & what[MASK] != what[WANT]:
        return np.int64(0)
    word = _word(key, what[NUMBER], code)
    slot = _slot_for(tally, word)
    if tally.words[slot] == 0:
        tally.words[slot] = word
        tally.counts[slot] = by
        tally.used[USED] += 1
        return by
    tally.counts[slot] += by
    if tally.counts[slot] == 0:
        _remove(tally, slot)
        return by
    return np.int64(0)


@part
def tallied(
    what: Ints,
    key: Scalar,
    begin: Scalar,
    low: Scalar,
    high: Scalar,
    tally: Tally,
    log: Log,
    rows: Rows,
    turns: Turns,
) -> Scalar:
    """How many different codes the entries in [low, high) have, which is where the window from `begin` on is.

    -1 when the tally lacks room, or too many entries stand behind the window.
    """
    end = np.int64(log.spans[key, END])
    if end - high > _TRAILING:
        return np.int64(-1)
    header = _word(key, what[NUMBER], -1)
    slot = _slot_for(tally, header)
    before = end
    if tally.words[slot] == header:
        start, head = np.int64(log.spans[key, START]), np.int64(log.spans[key, HEAD])
        before = position(PAYMENTS, tally.begins[slot], start, head, end, log, rows, turns)
    if 4 * (tally.used[USED] + before - low + 1) > 3 * len(tally.words):
        tally.used[WANTED] = max(tally.used[WANTED], before - low + 1)
        return np.int64(-1)
    if tally.words[slot] == 0:
        tally.words[slot], tally.counts[slot] = header, 0
        tally.used[USED] += 1
    tally.begins[slot] = begin
    change = _change(what, key, low, before, 1, tally, log, rows)
    change += _change(what, key, before, low, -1, tally, log, rows)
    slot = _slot_for(tally, header)
    tally.counts[slot] += change
    different = tally.counts[slot] + _change(what, key, high, end, -1, tally, log, rows)
    _change(what, key, high, end, 1, tally, log, rows)
    return different


@part
def count_in(tallies: Ints, key: Scalar, row: Scalar, tally: Tally, rows: Rows) -> None:
    """Count a payment that was entered into a list; the caller has seen to the room."""
    for t in range(len(tallies)):
        header = _word(key, tallies[t, NUMBER], -1)
        slot = _slot_for(tally, header)
        if tally.words[slot] == header and rows.wide[row, TIME] >= tally.begins[slot]:
            change = _count(tallies[t], key, row, 1, tally, rows)
            tally.counts[_slot_for(tally, header)] += change


@part
def count_out(
    tallies: Ints, key: Scalar, limit: Scalar, tally: Tally, log: Log, rows: Rows, turns: Turns
) -> None:
    """Take what counted before `limit` (µs) out of a list's tallies; one that nothing is left of goes."""
    for t in range(len(tallies)):
        header = _word(key, tallies[t, NUMBER], -1)
        slot = _slot_for(tally, header)
        if tally.words[slot] != header or tally.begins[slot] >= limit:
            continue
        start, head, end = (
            log.spans[key, START],
            np.int64(log.spans[key, HEAD]),
            np.int64(log.spans[key, END]),
        )
        low = position(PAYMENTS, tally.begins[slot], np.int64(start), head, end, log, rows, turns)
        high = position(PAYMENTS, limit, np.int64(start), head, end, log, rows, turns)
        change = _change(tallies[t], key, low, high, -1, tally, log, rows)
        slot = _slot_for(tally, header)
        tally.counts[slot] += change
        tally.begins[slot] = limit
        if high == end:
            _remove(tally, slot)
