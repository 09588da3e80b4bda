"""A hash table from 64-bit keys to dense codes that are handed out again once removed."""

from typing import NamedTuple

import numpy as np

from risk_platform.features.online.kernel import Codes, Ints, Scalar, Words, grown, inline, kernel, part

USED, FREED = 0, 1


class Table(NamedTuple):
    """Open addressing with linear probing: `slots` hold codes (-1: none), `keys` the key of each code.

    `freed` is a stack of codes to hand out again; `counts` are the codes ever handed out and the freed ones.
    """

    slots: Codes
    keys: Words
    freed: Codes
    counts: Ints


def new_table(room: int = 64) -> Table:
    """An empty table for `room` keys (a power of two)."""
    return Table(
        np.full(2 * room, -1, np.int32),
        np.zeros(room, np.uint64),
        np.zeros(room, np.int32),
        np.zeros(2, np.int64),
    )


def with_room(table: Table, more: int) -> Table:
    """`table`, or a larger copy of it, that can take `more` further keys."""
    room = len(table.keys)
    while int(table.counts[USED]) + more > room:
        room *= 2
    if room == len(table.keys):
        return table
    larger = Table(
        np.full(2 * room, -1, np.int32), grown(table.keys, room), grown(table.freed, room), table.counts
    )
    fill_slots(larger)
    return larger


def fill_slots(table: Table) -> None:
    """Enter every live code of `table` into its empty slots."""
    used, freed = int(table.counts[USED]), int(table.counts[FREED])
    live = np.ones(used, np.bool_)
    live[table.freed[:freed]] = False
    _enter_all(table, np.flatnonzero(live))


@inline
def mixed(key: Scalar) -> Scalar:
    """`key` with every bit of it in every bit."""
    word = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@inline
def home(table: Table, key: Scalar) -> Scalar:
    """The slot where the search for `key` begins."""
    return np.int64(mixed(key)) & (len(table.slots) - 1)


@inline
def find(table: Table, key: Scalar) -> Scalar:
    """Code of `key`, -1 when it is not there."""
    mask = len(table.slots) - 1
    slot = home(table, key)
    while table.slots[slot] >= 0:
        code = table.slots[slot]
        if table.keys[code] == key:
            return np.int64(code)
        slot = (slot + 1) & mask
    return np.int64(-1)


@part
def enter(table: Table, key: Scalar) -> Scalar:
    """A code for `key`, which is not there yet; the caller has seen to the room."""
    if table.counts[FREED] > 0:
        table.counts[FREED] -= 1
        code = np.int64(table.freed[table.counts[FREED]])
    else:
        code = table.counts[USED]
        table.counts[USED] += 1
    table.keys[code] = key
    _place(table, code)
    return code


@part
def remove(table: Table, code: Scalar) -> None:
    """Free `code`; what probing had pushed past its slot moves back."""
    mask = len(table.slots) - 1
    hole = home(table, table.keys[code])
    while table.slots[hole] != code:
        hole = (hole + 1) & mask
    slot = hole
    while True:
        slot = (slot + 1) & mask
        other = table.slots[slot]
        if other < 0:
            break
        if ((slot - home(table, table.keys[other])) & mask) >= ((slot - hole) & mask):
            table.slots[hole] = other
            hole = slot
    table.slots[hole] = -1
    table.freed[table.counts[FREED]] = code
    table.counts[FREED] += 1


@part
def _place(table: Table, code: Scalar) -> None:
    mask = len(table.slots) - 1
    slot = home(table, table.keys[code])
    while table.slots[slot] >= 0:
        slot = (slot + 1) & mask
    table.slots[slot] = code


@kernel
def _enter_all(table: Table, codes: Ints) -> None:
    for code in codes:
        _place(table, code)
