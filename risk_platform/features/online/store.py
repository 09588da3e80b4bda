"""Memory of the rows: chunks that are taken, given back, and never copied when there are more of them."""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from risk_platform.features.online.kernel import Codes, Floats, Ints, Scalar, kernel
from risk_platform.features.online.rows import (
    BITS,
    CHUNK,
    CHUNK_BITS,
    FIRST,
    FIXED_INTS,
    FIXED_SHORT,
    NEXT,
    SAME,
    TIME,
    Rows,
    row_of,
    short_of,
)

_Array = TypeVar("_Array", bound=npt.NDArray[Any])


def new_rows(ints: int, floats: int, codes: int) -> Rows:
    """No payments yet, with so many measures and identifiers."""
    wide = np.zeros((0, FIXED_INTS + ints + (codes + 1) // 2), np.int64)
    short = FIXED_SHORT + floats
    return Rows(
        wide,
        wide.view(np.int32),
        np.full(8, -1, np.int32),
        np.zeros(0, np.float64),
        np.full((short, 8), -1, np.int32),
        np.zeros(short, np.int64),
        np.zeros(2, np.int64),
    )


def lengthened(array: _Array, length: int) -> _Array:
    """`array` with `length` rows, in the same place where the system can, else moved by it; new rows are undefined."""
    longer: _Array = array if array.flags.owndata else array.copy()
    longer.resize((length, *array.shape[1:]), refcheck=False)
    return longer


def rows_with_room(rows: Rows, more: int) -> Rows:
    """`rows` with chunks for `more` further payments."""
    first, following = int(rows.span[FIRST]) >> CHUNK_BITS, int(rows.span[NEXT])
    last = (following + more - 1) >> CHUNK_BITS
    within = last == following >> CHUNK_BITS and last - first < len(rows.places)
    # Nearly always: all of them belong to one chunk, and it is there.
    if within and rows.places[last & (len(rows.places) - 1)] >= 0:
        return rows
    rows = _with_places(rows, last + 1 - first)
    at = np.arange(following >> CHUNK_BITS, last + 1) & (len(rows.places) - 1)
    at = at[rows.places[at] < 0]
    if len(at) == 0:
        return rows
    chunks = _free_chunks(rows.places, len(rows.wide) >> CHUNK_BITS, len(at))
    if (int(chunks.max()) + 1) << CHUNK_BITS > len(rows.wide):
        wide = lengthened(rows.wide, _chunk_room(len(rows.wide) >> CHUNK_BITS, int(chunks.max()) + 1))
        rows = rows._replace(wide=wide, cells=wide.view(np.int32))
    rows.places[at] = chunks
    columns = len(rows.short_places)
    chunks = _free_chunks(rows.short_places, len(rows.short) >> CHUNK_BITS, columns * len(at))
    if (int(chunks.max()) + 1) << CHUNK_BITS > len(rows.short):
        short = lengthened(rows.short, _chunk_room(len(rows.short) >> CHUNK_BITS, int(chunks.max()) + 1))
        rows = rows._replace(short=short)
    rows.short_places[:, at] = chunks.reshape(columns, len(at))
    return rows


def _chunk_room(there: int, wanted: int) -> int:
    """Entries of so many chunks, with a little to spare so that growing stays rare."""
    return max(wanted, there + (there >> 5)) << CHUNK_BITS


def _free_chunks(places: Codes, there: int, wanted: int) -> npt.NDArray[np.int64]:
    """Numbers of `wanted` chunks that no place names, of the `there` and of those to be made."""
    free = np.ones(there + wanted, np.bool_)
    free[places[places >= 0]] = False
    return np.flatnonzero(free)[:wanted]


def _with_places(rows: Rows, chunks: int) -> Rows:
    """`rows` whose places are enough for so many chunks."""
    length = len(rows.places)
    if chunks <= length:
        return rows
    longer = 1 << (chunks - 1).bit_length()
    numbers = np.arange(int(rows.span[FIRST]) >> CHUNK_BITS, (int(rows.span[NEXT]) - 1 >> CHUNK_BITS) + 1)
    places = np.full(longer, -1, np.int32)
    short_places = np.full((len(rows.short_places), longer), -1, np.int32)
    places[numbers & (longer - 1)] = rows.places[numbers & (length - 1)]
    short_places[:, numbers & (longer - 1)] = rows.short_places[:, numbers & (length - 1)]
    return rows._replace(places=places, short_places=short_places)


def give_back(rows: Rows, first: int, before: Ints) -> None:
    """Drop what comes before number `first`, and of each short column what `age` moved past since `before`."""
    for column in range(len(before)):
        _release(rows.short_places[column], int(before[column]), int(rows.short_first[column]))
    _release(rows.places, int(rows.span[FIRST]), first)
    rows.span[FIRST] = first


def _release(places: Codes, first: int, until: int) -> None:
    for chunk in range(first >> CHUNK_BITS, until >> CHUNK_BITS):
        places[chunk & (len(places) - 1)] = -1


@kernel
def keep(first: Scalar, flags: Ints, measures: Ints, values: Floats, rows: Rows) -> None:
    """Note what later payments see of `values` (payments × columns) of the payments from number `first` on.

    `flags` are the column of each bit, and whether it says that a value is there; `measures` are columns.
    """
    for i in range(len(values)):
        bits = np.int32(0)
        for bit in range(len(flags)):
            value = values[i, flags[bit, 0]]
            there = not np.isnan(value) if flags[bit, 1] else value == 1
            bits |= np.int32(there) << np.int32(bit)
        rows.cells[row_of(rows, first + i), BITS] |= bits
        for column in range(len(measures)):
            rows.short[short_of(rows, FIXED_SHORT + column, first + i)] = values[i, measures[column]]


@kernel
def age(rows: Rows, limits: Ints, first: Scalar, recent: Scalar) -> None:
    """Move on what each short column begins with, past payments older than its limit (µs)."""
    for column in range(len(rows.short_first)):
        number = max(rows.short_first[column], first)
        if column <= SAME:
            number = max(number, recent)
        else:
            while number < rows.span[NEXT] and rows.wide[row_of(rows, number), TIME] < limits[column]:
                number += 1
        rows.short_first[column] = number


def row_numbers(rows: Rows, first: int, until: int) -> Ints:
    """Rows of the payments from number `first` up to `until`."""
    numbers = np.arange(first, until)
    chunks = rows.places[(numbers >> CHUNK_BITS) & (len(rows.places) - 1)].astype(np.int64)
    found: Ints = chunks << CHUNK_BITS | numbers & (CHUNK - 1)
    return found


def short_places(rows: Rows, column: int, first: int, until: int) -> Ints:
    """Where the values of payments from number `first` up to `until` lie in a column of `short`."""
    numbers = np.arange(first, until)
    chunks = rows.short_places[column][(numbers >> CHUNK_BITS) & (len(rows.places) - 1)].astype(np.int64)
    found: Ints = chunks << CHUNK_BITS | numbers & (CHUNK - 1)
    return found
