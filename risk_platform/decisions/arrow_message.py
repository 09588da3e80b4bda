"""Batches written as messages of Arrow's IPC format: one reading makes all columns of one.

A column made by itself costs microseconds, whatever it holds. In a kernel, `open_page` begins a message in a
new page, each `put_…` writes the next column of the schema or a part of it, and `close_page` ends it, for `Form.read`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from risk_platform.kernels import copy_bytes, uncounted

Page = tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8], npt.NDArray[np.int32], npt.NDArray[np.float64]]
# A page is one memory seen as words of 64 bits, as bytes, as halves of words and as numbers.
_WORDS, _BYTES, _HALVES, _NUMBERS = range(4)
# Behind the message, while it is written, a page has places of its next node, its next buffer and its body's length,
# and bytes up to its body and up to the end of what is written.
_STATE = 5
_NODE, _BUFFER, _LENGTH, _BODY, _END = range(-5, 0)


@uncounted
def open_page(page: Any, header: Any, places: Any, rows: Any) -> None:
    """Begin a message of so many rows."""
    words = page[_WORDS]
    copy_bytes(page[_BYTES], 0, header, 0, len(header))
    words[places[1]] = rows
    words[_NODE], words[_BUFFER], words[_LENGTH] = places[2], places[3], places[0]
    words[_BODY] = words[_END] = len(header)


@uncounted
def close_page(page: Any) -> Any:
    """End the message; how many words it has."""
    words = page[_WORDS]
    words[words[_LENGTH]] = words[_END] - words[_BODY]
    return words[_END] >> 3


def new_page(size: int) -> Page:
    """A page for a message of so many bytes at most."""
    words = np.empty((size + 7) // 8 + _STATE, dtype=np.int64)
    return words, words.view(np.uint8), words.view(np.int32), words.view(np.float64)


@uncounted
def put_node(page: Any, count: Any, nulls: Any) -> None:
    """Begin a column of `count` values, of which some are null."""
    words = page[_WORDS]
    at = words[_NODE]
    words[at], words[at + 1], words[_NODE] = count, nulls, at + 2


@uncounted
def put_buffer(page: Any, length: Any) -> Any:
    """Room for the next buffer of so many bytes; where it begins, a multiple of 8."""
    words = page[_WORDS]
    at, begin = words[_BUFFER], words[_END]
    end = begin + (length + 7) // 8 * 8
    if end > 8 * (len(words) - _STATE):
        raise IndexError("the message has no room for its columns")
    words[at], words[at + 1], words[_BUFFER] = begin - words[_BODY], length, at + 2
    words[_END] = end
    return begin


@uncounted
def put_bits(page: Any, values: Any) -> None:
    """A buffer with one bit for each value, which is true or not."""
    begin, content = put_buffer(page, (len(values) + 7) // 8), page[_BYTES]
    for first in range(0, len(values), 8):
        bits = np.int64(0)
        for row in range(first, min(first + 8, len(values))):
            bits |= np.int64(values[row]) << (row - first)
        content[begin + (first >> 3)] = bits


@uncounted
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


@uncounted
def put_all_valid(page: Any, count: Any) -> None:
    """Begin a column without null."""
    put_node(page, count, 0)
    put_buffer(page, 0)


@uncounted
def put_longs(page: Any, values: Any) -> None:
    """A buffer of int64."""
    begin, into = put_buffer(page, len(values) * 8) >> 3, page[_WORDS]
    for row in range(len(values)):
        into[begin + row] = values[row]


@uncounted
def put_ints(page: Any, values: Any, base: Any) -> None:
    """A buffer of int32, how far each is above `base`."""
    begin, into = put_buffer(page, len(values) * 4) >> 2, page[_HALVES]
    for row in range(len(values)):
        into[begin + row] = values[row] - base


@uncounted
def put_repeated(page: Any, value: Any, count: Any) -> None:
    """A column of the same int64 `count` times."""
    put_all_valid(page, count)
    begin, into = put_buffer(page, count * 8) >> 3, page[_WORDS]
    for row in range(count):
        into[begin + row] = value


@uncounted
def put_numbers(page: Any, values: Any) -> None:
    """A column of numbers, null for NaN."""
    unknown = 0
    for row in range(len(values)):
        unknown += values[row] != values[row]
    put_node(page, len(values), unknown)
    bits, content = put_buffer(page, (len(values) + 7) // 8 if unknown else 0), page[_BYTES]
    for first in range(0, len(values) if unknown else 0, 8):
        known = np.int64(0)
        for row in range(first, min(first + 8, len(values))):
            known |= np.int64(values[row] == values[row]) << (row - first)
        content[bits + (first >> 3)] = known
    begin, into = put_buffer(page, len(values) * 8) >> 3, page[_NUMBERS]
    for row in range(len(values)):
        into[begin + row] = values[row]


@uncounted
def put_texts(page: Any, texts: Any) -> None:
    """The buffers of a column of texts."""
    ends, content = texts
    put_ints(page, ends, ends[0])
    length = np.int64(ends[-1] - ends[0])
    copy_bytes(page[_BYTES], put_buffer(page, length), content, np.int64(ends[0]), length)


@uncounted
def put_words(page: Any, places: Any, words: Any) -> None:
    """A column of texts, those at `places` among `words`."""
    ends, content = words
    put_all_valid(page, len(places))
    first, offsets = put_buffer(page, 4 * (len(places) + 1)) >> 2, page[_HALVES]
    length = np.int64(0)
    offsets[first] = 0
    for row in range(len(places)):
        length += ends[places[row] + 1] - ends[places[row]]
        offsets[first + row + 1] = length
    begin, into = put_buffer(page, length), page[_BYTES]
    for row in range(len(places)):
        start, end = np.int64(ends[places[row]]), np.int64(ends[places[row] + 1])
        copy_bytes(into, begin, content, start, end - start)
        begin += end - start


@uncounted
def put_word(page: Any, place: Any, words: Any, count: Any) -> None:
    """A column of the same text `count` times, the one at `place` among `words`; null where that is negative."""
    ends, content = words
    start = np.int64(ends[max(place, 0)])
    length = np.int64(0) if place < 0 else np.int64(ends[place + 1]) - start
    put_node(page, count, count if place < 0 else 0)
    begin, into = put_buffer(page, (count + 7) // 8 if place < 0 else 0), page[_BYTES]
    for at in range((count + 7) // 8 if place < 0 else 0):
        into[begin + at] = 0
    first, offsets = put_buffer(page, 4 * (count + 1)) >> 2, page[_HALVES]
    for row in range(count + 1):
        offsets[first + row] = row * length
    begin = put_buffer(page, count * length)
    for row in range(count):
        copy_bytes(into, begin + row * length, content, start, length)


@uncounted
def put_number_lists(page: Any, values: Any, width: Any, present: Any) -> None:
    """A column of lists: the next `width` of `values` where one is present, null elsewhere; NaN is null in the list."""
    put_valid(page, present)
    begin, ends = put_buffer(page, 4 * (len(present) + 1)) >> 2, page[_HALVES]
    length = np.int64(0)
    ends[begin] = 0
    for row in range(len(present)):
        length += width if present[row] else 0
        ends[begin + row + 1] = length
    put_numbers(page, values)


@uncounted
def put_text_lists(page: Any, ends: Any, texts: Any) -> None:
    """A column of lists: each up to its end among `texts`."""
    put_all_valid(page, len(ends) - 1)
    put_ints(page, ends, 0)
    put_all_valid(page, len(texts[0]) - 1)
    put_texts(page, texts)
