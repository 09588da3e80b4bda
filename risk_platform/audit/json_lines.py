"""Columns of Arrow as lines of JSON, one a row: the bytes that evidence is made of.

They are the very bytes that `orjson` writes row by row, of which a thousand cost it ten times as long.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from risk_platform.audit.byte_rows import ByteRows, Bytes, Places, string_rows
from risk_platform.kernels import copy_bytes, kernel

_NUMBERS = pa.list_(pa.float64())
_DOUBLE = 8
_COMMA, _QUOTE, _BACKSLASH = 44, 34, 92
_NULL = np.frombuffer(b"null", np.uint8)
_ONE, _TWO, _THREE = np.uint64(1), np.uint64(2), np.uint64(3)
_ALPHABET = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", np.uint8)
# The two characters of every twelve bits.
_PAIRS = np.stack([_ALPHABET[np.arange(4096) >> 6], _ALPHABET[np.arange(4096) & 63]], 1).view("<u2").ravel()


@dataclass(frozen=True)
class _Cells:
    """A column as it stands in lines: cell i is `data[starts[i]:starts[i] + widths[i]]`, or null.

    With `quoted` it stands between quotes.
    """

    data: Bytes
    starts: Places
    widths: Places
    there: npt.NDArray[np.bool_]
    quoted: bool = False

    @property
    def room(self) -> Places:
        """Bytes that each cell takes in its line."""
        return np.where(self.there, self.widths + 2 * self.quoted, len(_NULL))


def object_lines(columns: Mapping[str, pa.Array]) -> ByteRows:
    """Each row as a JSON object with those names, in their order; times are µs since 1970."""
    cells = [_cells(column) for column in columns.values()]
    names = [orjson.dumps(name) + b":" for name in columns]
    return _lines(cells, [b"{" + names[0], *(b"," + name for name in names[1:])], b"}\n")


def array_lines(columns: Sequence[pa.Array]) -> ByteRows:
    """Each row as a JSON array; times are µs since 1970, dates days since then.

    A list of doubles is the base64 of its bytes, little-endian, null in it being NaN.
    """
    cells = [_cells(column) for column in columns]
    return _lines(cells, [b"[", *[b","] * (len(cells) - 1)], b"]\n")


def _lines(cells: Sequence[_Cells], before: Sequence[bytes], end: bytes) -> ByteRows:
    """The cells of every row, each behind its own bytes, and the same end for every line."""
    widths = [cell.room for cell in cells]
    lengths = np.add.reduce(widths) + (sum(map(len, before)) + len(end))
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    lines, cursor = np.empty(int(offsets[-1]), dtype=np.uint8), offsets[:-1].copy()
    for cell, front in zip(cells, before, strict=True):
        beginning = np.frombuffer(front, np.uint8)
        _write(lines, cursor, beginning, cell.data, cell.starts, cell.widths, cell.there, cell.quoted)
    for place, byte in enumerate(end):
        lines[cursor + place] = byte
    return ByteRows(lines, offsets)


def _cells(column: pa.Array) -> _Cells:
    kind = column.type
    if pa.types.is_string(kind):
        return _texts(column)
    if kind == _NUMBERS:
        return _number_lists(column)
    if pa.types.is_timestamp(kind):
        return _numbers(column.cast(pa.timestamp("us", tz=kind.tz)).cast(pa.int64()))
    if pa.types.is_date32(kind):
        return _numbers(column.cast(pa.int32()))
    if pa.types.is_list(kind):
        return _lists(column)
    return _numbers(column)


def _numbers(column: pa.Array) -> _Cells:
    """Whole numbers, doubles and flags, null for what is no number."""
    there = _there(column)
    if column.null_count:
        column = column.fill_null(False if pa.types.is_boolean(column.type) else 0)
    values = np.ascontiguousarray(column.to_numpy(zero_copy_only=False))
    data = np.frombuffer(orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY), np.uint8)
    bounds = np.empty(len(values) + 1, dtype=np.int64)
    bounds[0], bounds[1:-1], bounds[-1] = 0, np.flatnonzero(data == _COMMA), len(data) - 1
    return _Cells(data, bounds[:-1] + 1, np.diff(bounds) - 1, there)


def _texts(column: pa.Array) -> _Cells:
    data, starts, widths = string_rows(column)
    if _needs_escapes(data[starts[0] : starts[-1] + widths[-1]]):
        return _each([None if text is None else orjson.dumps(text) for text in column.to_pylist()])
    return _Cells(data, starts, widths, _there(column), quoted=True)


def _needs_escapes(data: Bytes) -> bool:
    """JSON escapes control characters, quote and backslash."""
    return bool(((data < 32) | (data == _QUOTE) | (data == _BACKSLASH)).any())


def _lists(column: pa.Array) -> _Cells:
    """Lists of texts, most of which are empty: those share the one cell in front."""
    lengths = column.value_lengths()
    rows = np.flatnonzero(lengths.fill_null(0).to_numpy())
    written = ByteRows.of([b"[]", *(orjson.dumps(column[row].as_py()) for row in rows.tolist())])
    starts, widths = np.zeros(len(column), dtype=np.int64), np.full(len(column), 2)
    starts[rows], widths[rows] = written.offsets[1:-1], np.diff(written.offsets[1:]) - 1
    return _Cells(written.data, starts, widths, _there(column))


def _number_lists(column: pa.Array) -> _Cells:
    """Base64 of the bytes of each list."""
    content = column.values.to_numpy(zero_copy_only=False).astype("<f8", copy=False)
    begins = column.offsets.to_numpy().astype(np.int64) * _DOUBLE
    ends = np.zeros(len(begins), dtype=np.int64)
    np.cumsum((np.diff(begins) + 2) // 3 * 4, out=ends[1:])
    data = np.empty(int(ends[-1]) // 2, dtype=np.uint16)
    _base64(np.ascontiguousarray(content).view(np.uint8), begins, data, ends)
    return _Cells(data.view(np.uint8), ends[:-1], np.diff(ends), _there(column), quoted=True)


def _each(written: Sequence[bytes | None]) -> _Cells:
    there = np.array([cell is not None for cell in written], dtype=np.bool_)
    rows = ByteRows.of([cell or b"" for cell in written])
    return _Cells(rows.data, rows.offsets[:-1], np.diff(rows.offsets) - 1, there)


def _there(column: pa.Array) -> npt.NDArray[np.bool_]:
    if not column.null_count:
        return np.ones(len(column), dtype=np.bool_)
    return np.asarray(column.is_valid().to_numpy(zero_copy_only=False))


@kernel
def _write(
    lines: Any, cursor: Any, front: Any, data: Any, starts: Any, widths: Any, there: Any, quoted: Any
) -> None:
    """Write `front` and the cell of each line at its cursor, and move that behind them."""
    for row in range(len(cursor)):
        at = cursor[row]
        copy_bytes(lines, at, front, 0, len(front))
        at += len(front)
        if not there[row]:
            copy_bytes(lines, at, _NULL, 0, 4)
            cursor[row] = at + 4
            continue
        if quoted:
            lines[at] = _QUOTE
            at += 1
        copy_bytes(lines, at, data, starts[row], widths[row])
        at += widths[row]
        if quoted:
            lines[at] = _QUOTE
            at += 1
        cursor[row] = at


@kernel
def _base64(content: Any, begins: Any, data: Any, ends: Any) -> None:
    """Base64 (RFC 4648) of `content[begins[i]:begins[i + 1]]` for every i, two characters at a time."""
    for row in range(len(begins) - 1):
        at, out = np.uint64(begins[row]), np.uint64(ends[row] >> 1)
        for _ in range((begins[row + 1] - begins[row]) // 3):
            high = np.uint64(content[at]) << np.uint64(4) | np.uint64(content[at + _ONE]) >> np.uint64(4)
            low = (np.uint64(content[at + _ONE]) & np.uint64(15)) << np.uint64(8) | np.uint64(
                content[at + _TWO]
            )
            data[out], data[out + _ONE] = _PAIRS[high], _PAIRS[low]
            at, out = at + _THREE, out + _TWO
        left = begins[row + 1] - np.int64(at)
        if left:
            last = np.uint64(content[at + _ONE]) if left > 1 else np.uint64(0)
            data[out] = _PAIRS[np.uint64(content[at]) << np.uint64(4) | last >> np.uint64(4)]
            ending = _PAIRS[(last & np.uint64(15)) << np.uint64(8)]
            data[out + _ONE] = ending & 0x00FF | 0x3D00 if left > 1 else 0x3D3D
