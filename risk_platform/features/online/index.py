"""Where a payment is: a hash table from the hash of its identifiers to its number."""

from typing import NamedTuple

import numpy as np

from risk_platform.features.online.kernel import Codes, Ints, Scalar, Words, inline, kernel, part
from risk_platform.features.online.rows import IDENTITY, REF, Rows, row_of
from risk_platform.features.online.table import mixed


class Index(NamedTuple):
    """Open addressing with linear probing: the lower bits of payments' numbers, -1 for none, and how many there are."""

    slots: Codes
    used: Ints


def new_index(room: int = 128) -> Index:
    """An empty index with `room` slots (a power of two)."""
    return Index(np.full(room, -1, np.int32), np.zeros(1, np.int64))


def index_with_room(index: Index, more: int, rows: Rows, first: int, until: int) -> Index:
    """`index`, or a larger one of the payments from number `first` up to `until`, for `more` further payments."""
    room = len(index.slots)
    while 4 * (int(index.used[0]) + more) > 3 * room:
        room *= 2
    return index if room == len(index.slots) else filled(room, rows, first, until)


def filled(room: int, rows: Rows, first: int, until: int) -> Index:
    """The index of the payments from number `first` up to `until`."""
    index = new_index(room)
    _enter_all(index, rows, first, until)
    return index


@inline
def _home(index: Index, number: Scalar, rows: Rows) -> Scalar:
    return np.int64(mixed(np.uint64(rows.wide[row_of(rows, number), IDENTITY]))) & (len(index.slots) - 1)


@part
def number_of(index: Index, word: Scalar, rows: Rows) -> Scalar:
    """Lower bits of the number of the payment whose identifiers hash to `word`, -1 when it is not there."""
    mask = len(index.slots) - 1
    slot = np.int64(mixed(word)) & mask
    while index.slots[slot] >= 0:
        number = np.int64(index.slots[slot])
        if np.uint64(rows.wide[row_of(rows, number), IDENTITY]) == word:
            return number
        slot = (slot + 1) & mask
    return np.int64(-1)


@part
def enlist(index: Index, number: Scalar, rows: Rows) -> None:
    """Enter a payment; the caller has seen to the room."""
    mask = len(index.slots) - 1
    slot = _home(index, number, rows)
    while index.slots[slot] >= 0:
        slot = (slot + 1) & mask
    index.slots[slot] = number & REF
    index.used[0] += 1


@part
def strike(index: Index, number: Scalar, rows: Rows) -> None:
    """Remove a payment; what probing had pushed past its slot moves back."""
    mask = len(index.slots) - 1
    hole = _home(index, number, rows)
    while index.slots[hole] != number & REF:
        hole = (hole + 1) & mask
    slot = hole
    while True:
        slot = (slot + 1) & mask
        other = np.int64(index.slots[slot])
        if other < 0:
            break
        if ((slot - _home(index, other, rows)) & mask) >= ((slot - hole) & mask):
            index.slots[hole] = other
            hole = slot
    index.slots[hole] = -1
    index.used[0] -= 1


@kernel
def _enter_all(index: Index, rows: Rows, first: Scalar, until: Scalar) -> None:
    for number in range(first, until):
        enlist(index, number, rows)


@kernel
def find_numbers(index: Index, words: Words, first: Scalar, rows: Rows, numbers: Ints) -> None:
    """Write the number of each payment to `numbers`, -1 where it is not there."""
    for i in range(len(words)):
        number = number_of(index, words[i], rows)
        numbers[i] = number if number < 0 else first + ((number - first) & REF)
