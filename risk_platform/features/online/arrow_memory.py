"""Columns of an Arrow batch read where they lie, through Arrow's C data interface.

A batch hands out one address, from which all its columns can be found; to ask Arrow for each of them takes longer than
all that is done with one payment. The layout is that of `ArrowArray` in Arrow's specification of the interface.
"""

import ctypes
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numba import types
from numba.extending import intrinsic

from risk_platform.features.online.kernel import Floats, Ints, Scalar, part

# Places in an ArrowArray, in words of 64 bits.
_OFFSET, _BUFFERS, _CHILDREN = 2, 5, 6
_api: Any = ctypes.pythonapi
_address_in = _api.PyCapsule_GetPointer
_address_in.restype, _address_in.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]


class Exported:
    """A batch as kernels see it: `address` of its ArrowArray, good for as long as this object lives."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        _, self._capsule = batch.__arrow_c_array__()
        self.address: int = _address_in(self._capsule, b"arrow_array")


def _reader(kind: Any) -> Callable[[Scalar, Scalar], Scalar]:
    """In a kernel, what reads value number `index` of that kind from `address` on; nothing is checked."""

    @intrinsic
    def read(_: Any, address: Any, index: Any) -> Any:
        def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            first = builder.inttoptr(arguments[0], context.get_value_type(kind).as_pointer())
            return builder.load(builder.gep(first, [arguments[1]]))

        return kind(address, index), code

    found: Any = read
    return found  # type: ignore[no-any-return]


word_at, offset_at, byte_at, number_at = map(_reader, (types.int64, types.int32, types.uint8, types.float64))


class Column(NamedTuple):
    """Where a column lies: the addresses of its bits (0: all values are there), and of what each kind has beside them.

    Its first value is number `begin` there. Texts have offsets in `values` and their bytes in `content`.
    """

    valid: int
    values: int
    content: int
    begin: int


@part
def column_at(batch: Scalar, place: Scalar) -> Column:
    """The column of numbers or times at `place` among the columns of the batch."""
    column = word_at(word_at(batch, _CHILDREN), place)
    buffers = word_at(column, _BUFFERS)
    return Column(word_at(buffers, 0), word_at(buffers, 1), 0, word_at(column, _OFFSET))


@part
def texts_at(batch: Scalar, place: Scalar) -> Column:
    """The column of texts at `place` among the columns of the batch."""
    column = word_at(word_at(batch, _CHILDREN), place)
    buffers = word_at(column, _BUFFERS)
    return Column(word_at(buffers, 0), word_at(buffers, 1), word_at(buffers, 2), word_at(column, _OFFSET))


@part
def is_there(column: Column, at: Scalar) -> Scalar:
    """Whether value `at` is not null."""
    bit = column.begin + at
    return column.valid == 0 or (byte_at(column.valid, bit >> 3) >> (bit & 7)) & 1 == 1


@part
def read_whole_numbers(column: Column, missing: Scalar, values: Ints) -> None:
    """Read 64-bit integers, or times as their ticks; null is `missing`."""
    for i in range(len(values)):
        values[i] = word_at(column.values, column.begin + i) if is_there(column, i) else missing


@part
def read_numbers(column: Column, values: Floats) -> None:
    """Read 64-bit floating-point numbers; null is NaN."""
    for i in range(len(values)):
        values[i] = number_at(column.values, column.begin + i) if is_there(column, i) else np.nan
