"""Columns of Arrow made of arrays as they lie in memory: a column alone costs microseconds, a cast more of them."""

from binascii import b2a_hex
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.float64]
_DOUBLES = pa.list_(pa.float64())
_NO_CODES = pa.array([], pa.string())
_COLUMNS_KEPT = 64


def doubles(values: Floats) -> pa.Array:
    """The numbers, null for NaN."""
    if np.isnan(values).any():
        return pa.array(values, from_pandas=True)
    return _plain(pa.float64(), values)


def whole_numbers(values: npt.NDArray[np.int64], kind: pa.DataType) -> pa.Array:
    """The numbers as a column of `kind`, which holds 64 bits: integers, or times as their ticks."""
    return _plain(kind, values)


@lru_cache(_COLUMNS_KEPT)
def repeated(value: str | int | None, kind: pa.DataType, count: int) -> pa.Array:
    """The same value `count` times."""
    return pa.repeat(pa.scalar(value, kind), count)


def named(names: Sequence[StrEnum], places: npt.NDArray[np.intp]) -> pa.Array:
    """The names at `places`."""
    first = int(places[0]) if len(places) else 0
    if (places == first).all():
        return repeated(str(names[first]), pa.string(), len(places))
    return pa.array([names[place] for place in places.tolist()], pa.string())


def hexadecimal(rows: npt.NDArray[np.uint8]) -> pa.Array:
    """Each row of bytes (n × width) in hex."""
    count, width = rows.shape
    ends = np.arange(0, 2 * width * count + 1, 2 * width, dtype=np.int32)
    written = b2a_hex(np.ascontiguousarray(rows).tobytes())
    return pa.Array.from_buffers(pa.string(), count, [None, pa.py_buffer(ends), pa.py_buffer(written)])


def lists(rows: Floats, present: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """A list column: the next row of `rows` where `present`, null elsewhere; NaN becomes null in the list."""
    if present is not None and not len(rows):
        return pa.nulls(len(present), _DOUBLES)
    values, width = doubles(rows.ravel()), rows.shape[1]
    if present is not None:
        offsets = pa.array(_ends(np.where(present, width, 0)))
        return pa.ListArray.from_arrays(offsets, values, mask=pa.array(~present))
    ends = np.arange(len(rows) + 1, dtype=np.int32) * np.int32(width)
    return pa.Array.from_buffers(_DOUBLES, len(rows), [None, pa.py_buffer(ends)], children=[values])


def text_lists(rows: Sequence[Sequence[str] | None]) -> pa.Array:
    """A list column of texts, an empty list for None."""
    if not any(rows):
        return _no_texts(len(rows))
    ends = _ends(np.array([len(row) if row else 0 for row in rows], dtype=np.int64))
    values = pa.array([text for row in rows if row for text in row], pa.string())
    return pa.ListArray.from_arrays(pa.array(ends), values)


@lru_cache(_COLUMNS_KEPT)
def _no_texts(count: int) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(np.zeros(count + 1, np.int32)), _NO_CODES)


def _plain(kind: pa.DataType, values: npt.NDArray[np.generic]) -> pa.Array:
    content = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(kind, len(values), [None, content])


def _ends(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    ends = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=ends[1:])
    return ends
