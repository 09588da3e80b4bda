"""Batches written as messages of Arrow's IPC format: one reading makes all columns of one.

A column made by itself costs microseconds, whatever it holds. In a kernel, `open_page` begins a message, each
`put_…` writes the next column of the schema or a part of it, and `closed` is the message, for `Form.read`.
"""

from typing import Any

import numpy as np

from risk_platform.kernels import copy_bytes, kernel

# Behind the message, while it is written, a page has places of its next node, its next buffer and its body's length,
# and bytes up to its body and up to the end of what is written.
_STATE = 5
_NODE, _BUFFER, _LENGTH, _BODY, _END = range(-5, 0)


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
