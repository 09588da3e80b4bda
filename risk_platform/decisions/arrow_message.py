"""Batches written as messages of Arrow's IPC format: one reading makes all columns of one.

A column made by itself costs microseconds, whatever it holds. In a kernel, `open_page` begins a message, each
`put_…` writes the next column of the schema (or, for a list, its child), and `closed` is the message.
"""

import struct
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from risk_platform.kernels import copy_bytes, kernel

Bytes = npt.NDArray[np.uint8]
Ends = npt.NDArray[np.int32]
Texts = tuple[Ends, Bytes]
"""Where the texts begin and end in the bytes, one number more than there are texts."""
_PREFIX = 8
# Slots of the tables Message and RecordBatch in Arrow's Message.fbs.
_BATCH, _BODY_LENGTH = 2, 3
_ROWS, _NODES, _BUFFERS = 0, 1, 2
# What a message gets beyond the contents of its buffers, at most: each is padded.
_ALIGNMENT = 8
# Behind the message, while it is written, a page has places of its next node, its next buffer and its body's length,
# and bytes up to its body and up to the end of what is written.
_STATE = 5
_NODE, _BUFFER, _LENGTH, _BODY, _END = range(-5, 0)


class Form:
    """What the messages of one schema have in common."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        nothing = [pa.nulls(1, kind) for kind in schema.types]
        self._sample = pa.RecordBatch.from_arrays(nothing, schema=schema).serialize().to_pybytes()

    @cached_property
    def header(self) -> Bytes:
        """The message up to its body, of a batch of the schema."""
        (length,) = struct.unpack_from("<i", self._sample, 4)
        return np.frombuffer(self._sample, np.uint8)[: _PREFIX + length].copy()

    @cached_property
    def places(self) -> npt.NDArray[np.int64]:
        """Places in the header of the lengths of body and batch, the first node and the first buffer, in int64s."""
        (root,) = struct.unpack_from("<I", self._sample, _PREFIX)
        message = _PREFIX + root
        batch = self._target(self._slot(message, _BATCH))
        nodes, buffers = (self._target(self._slot(batch, vector)) + 4 for vector in (_NODES, _BUFFERS))
        found = (self._slot(message, _BODY_LENGTH), self._slot(batch, _ROWS), nodes, buffers)
        return np.array(found, dtype=np.int64) // 8

    @cached_property
    def padding(self) -> int:
        """The most bytes by which a message is longer than its header and what its buffers hold."""
        buffers = int.from_bytes(self._sample[self.places[3] * 8 - 4 : self.places[3] * 8], "little")
        return _ALIGNMENT * buffers

    def read(self, message: npt.NDArray[np.int64]) -> pa.RecordBatch:
        """The batch that is written in `message`, which it keeps."""
        return pa.ipc.read_record_batch(pa.py_buffer(message), self.schema)

    def _slot(self, table: int, slot: int) -> int:
        (back,) = struct.unpack_from("<i", self._sample, table)
        (offset,) = struct.unpack_from("<H", self._sample, table - back + 4 + 2 * slot)
        return table + int(offset)

    def _target(self, place: int) -> int:
        (forward,) = struct.unpack_from("<I", self._sample, place)
        return place + int(forward)


def joined(texts: list[str]) -> Texts:
    """Texts one behind the other."""
    parts = [text.encode() for text in texts]
    ends = np.zeros(len(parts) + 1, dtype=np.int32)
    np.cumsum([len(part) for part in parts], out=ends[1:])
    return ends, np.frombuffer(b"".join(parts), np.uint8)


def texts_of(column: pa.Array) -> Texts:
    """The texts of a column of strings as they lie in memory."""
    _, ends, content = column.buffers()
    offsets = np.frombuffer(ends, np.int32, len(column) + 1, 4 * column.offset)
    return offsets, np.frombuffer(content or b"", np.uint8)


@kernel
def open_page(header: Any, places: Any, rows: Any, room: Any) -> Any:
    """A message of so many rows, with `room` bytes for what its buffers hold and their padding."""
    page = np.empty((len(header) + room + 7) // 8 + _STATE, dtype=np.int64)
    copy_bytes(page.view(np.uint8), 0, header, 0, len(header))
    page[places[1]] = rows
    page[_NODE], page[_BUFFER], page[_LENGTH] = places[2], places[3], places[0]
    page[_BODY] = page[_END] = len(header)
    return page


@kernel
def closed(page: Any) -> Any:
    """The message."""
    page[page[_LENGTH]] = page[_END] - page[_BODY]
    return page[: page[_END] >> 3]


@kernel
def put_node(page: Any, count: Any, nulls: Any) -> None:
    """Begin a column of `count` values, of which some are null."""
    at = page[_NODE]
    page[at], page[at + 1], page[_NODE] = count, nulls, at + 2


@kernel
def put_buffer(page: Any, length: Any) -> Any:
    """Room for the next buffer of so many bytes; where it begins, a multiple of 8."""
    at, begin = page[_BUFFER], page[_END]
    end = begin + (length + 7) // 8 * 8
    if end > 8 * (len(page) - _STATE):
        raise IndexError("the message has no room for its columns")
    page[at], page[at + 1], page[_BUFFER] = begin - page[_BODY], length, at + 2
    page[_END] = end
    return begin


@kernel
def put_bits(page: Any, values: Any) -> None:
    """A buffer with one bit for each value, which is true or not."""
    begin, content = put_buffer(page, (len(values) + 7) // 8), page.view(np.uint8)
    for first in range(0, len(values), 8):
        bits = np.int64(0)
        for row in range(first, min(first + 8, len(values))):
            bits |= np.int64(values[row]) << (row - first)
        content[begin + (first >> 3)] = bits


@kernel
def put_valid(page: Any, valid: Any) -> None:
    """Begin a column: which of its values are not null."""
    known = 0
    for row in range(len(valid)):
        known += valid[row]
    put_node(page, len(valid), len(valid) - known)
    if known < len(valid):
        put_bits(page, valid)
    else:
        put_buffer(page, 0)


@kernel
def put_all_valid(page: Any, count: Any) -> None:
    """Begin a column without null."""
    put_node(page, count, 0)
    put_buffer(page, 0)


@kernel
def put_longs(page: Any, values: Any) -> None:
    """A buffer of int64."""
    begin = put_buffer(page, len(values) * 8) >> 3
    for row in range(len(values)):
        page[begin + row] = values[row]


@kernel
def put_ints(page: Any, values: Any, base: Any) -> None:
    """A buffer of int32, how far each is above `base`."""
    begin, into = put_buffer(page, len(values) * 4) >> 2, page.view(np.int32)
    for row in range(len(values)):
        into[begin + row] = values[row] - base


@kernel
def put_repeated(page: Any, value: Any, count: Any) -> None:
    """A column of the same int64 `count` times."""
    put_all_valid(page, count)
    begin = put_buffer(page, count * 8) >> 3
    for row in range(count):
        page[begin + row] = value


@kernel
def put_numbers(page: Any, values: Any) -> None:
    """A column of numbers, null for NaN."""
    unknown = 0
    for row in range(len(values)):
        unknown += values[row] != values[row]
    if unknown:
        put_node(page, len(values), unknown)
        put_bits(page, values == values)
    else:
        put_all_valid(page, len(values))
    begin, into = put_buffer(page, len(values) * 8) >> 3, page.view(np.float64)
    for row in range(len(values)):
        into[begin + row] = values[row]


@kernel
def put_texts(page: Any, texts: Any) -> None:
    """The buffers of a column of texts."""
    ends, content = texts
    put_ints(page, ends, ends[0])
    length = np.int64(ends[-1] - ends[0])
    copy_bytes(page.view(np.uint8), put_buffer(page, length), content, np.int64(ends[0]), length)


@kernel
def put_words(page: Any, places: Any, words: Any) -> None:
    """A column of texts, those at `places` among `words`."""
    ends, content = words
    put_all_valid(page, len(places))
    first, offsets = put_buffer(page, 4 * (len(places) + 1)) >> 2, page.view(np.int32)
    length = 0
    offsets[first] = 0
    for row in range(len(places)):
        length += ends[places[row] + 1] - ends[places[row]]
        offsets[first + row + 1] = length
    begin, into = put_buffer(page, length), page.view(np.uint8)
    for row in range(len(places)):
        word = ends[places[row]], ends[places[row] + 1]
        copy_bytes(into, begin, content, np.int64(word[0]), np.int64(word[1] - word[0]))
        begin += word[1] - word[0]


@kernel
def put_word(page: Any, place: Any, words: Any, count: Any) -> None:
    """A column of the same text `count` times, the one at `place` among `words`; null where that is negative."""
    if place >= 0:
        put_words(page, np.full(count, place), words)
        return
    put_valid(page, np.zeros(count, dtype=np.bool_))
    put_texts(page, (np.zeros(count + 1, dtype=np.int32), words[1]))


@kernel
def put_number_lists(page: Any, rows: Any, present: Any) -> None:
    """A column of lists: the next of `rows` where one is present, null elsewhere; NaN is null in the list."""
    put_valid(page, present)
    begin, ends = put_buffer(page, 4 * (len(present) + 1)) >> 2, page.view(np.int32)
    length = 0
    ends[begin] = 0
    for row in range(len(present)):
        length += rows.shape[1] if present[row] else 0
        ends[begin + row + 1] = length
    put_numbers(page, rows.reshape(rows.size))


@kernel
def put_text_lists(page: Any, ends: Any, texts: Any) -> None:
    """A column of lists: each up to its end among `texts`."""
    put_all_valid(page, len(ends) - 1)
    put_ints(page, ends, 0)
    put_all_valid(page, len(texts[0]) - 1)
    put_texts(page, texts)
