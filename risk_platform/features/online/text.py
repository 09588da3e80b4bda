"""Identifiers as 64-bit words: what the state knows of a text is its hash."""

from functools import cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from risk_platform.features.online.kernel import Bytes, Codes, Scalar, Words, kernel, part
from risk_platform.kernels import settling

NULL = np.uint64(0)
_Array = TypeVar("_Array", bound=npt.NDArray[Any])


class Texts(NamedTuple):
    """Texts as offsets (n + 1) into bytes; bit `begin` + i of `valid` says that text i is there, all without bits."""

    offsets: Codes
    data: Bytes
    valid: Bytes
    begin: int


class Joined(NamedTuple):
    """Pairs of texts, each as one text and its hash."""

    offsets: Codes
    data: Bytes
    words: Words


def text_words(column: pa.ChunkedArray | pa.Array) -> Words:
    """The 64-bit hash of every text of `column`, 0 for null (no text hashes to 0)."""
    texts = texts_of(column)
    words = np.empty(len(texts.offsets) - 1, np.uint64)
    _hash_texts(texts, words)
    return words


def texts_of(column: pa.ChunkedArray | pa.Array) -> Texts:
    """The texts of `column`, in its own memory where it has 32-bit offsets."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if column.type != pa.string():
        column = column.cast(pa.string())
    if len(column) == 0:
        return Texts(np.zeros(1, np.int32), _NOTHING, _NOTHING, 0)
    valid, offsets, data = column.buffers()
    begin = column.offset
    positions = _read_only(np.frombuffer(offsets, np.int32)[begin : begin + len(column) + 1])
    return Texts(positions, _bytes_of(data), _bytes_of(valid), begin)


def joined(left: Texts, right: Texts) -> Joined:
    """Each text of `left`, a zero byte and the text of `right` beside it: they sort as the pairs do."""
    count = len(left.offsets) - 1
    length = int(left.offsets[-1] - left.offsets[0]) + int(right.offsets[-1] - right.offsets[0]) + count
    pairs = Joined(np.zeros(count + 1, np.int32), np.zeros(length, np.uint8), np.zeros(count, np.uint64))
    _join_texts(left, right, pairs)
    return pairs


@cache
def word_of(text: str) -> np.uint64:
    """The hash of one text."""
    return np.uint64(text_words(pa.array([text], pa.string()))[0])


def _bytes_of(buffer: pa.Buffer | None) -> Bytes:
    return _NOTHING if buffer is None or not buffer.size else _read_only(np.frombuffer(buffer, np.uint8))


def _read_only(array: _Array) -> _Array:
    """`array`, never to be written: what can be written and what cannot are types of their own to a kernel."""
    array.flags.writeable = False
    return array


_NOTHING = _read_only(np.zeros(0, np.uint8))


@kernel
def _hash_all(texts: Texts, words: Words) -> None:
    for i in range(len(words)):
        bit = texts.begin + i
        if len(texts.valid) and not (texts.valid[bit >> 3] >> (bit & 7)) & 1:
            words[i] = 0
        else:
            words[i] = _hash(texts.data, texts.offsets[i], texts.offsets[i + 1])


@kernel
def _join(left: Texts, right: Texts, pairs: Joined) -> None:
    end = 0
    for i in range(len(pairs.words)):
        begin = end
        for at in range(left.offsets[i], left.offsets[i + 1]):
            pairs.data[end] = left.data[at]
            end += 1
        pairs.data[end] = 0
        end += 1
        for at in range(right.offsets[i], right.offsets[i + 1]):
            pairs.data[end] = right.data[at]
            end += 1
        pairs.offsets[i + 1] = end
        pairs.words[i] = _hash(pairs.data, begin, end)


@part
def _hash(data: Bytes, begin: Scalar, end: Scalar) -> Scalar:
    word = np.uint64(0xCBF29CE484222325)
    for at in range(begin, end):
        word = (word ^ np.uint64(data[at])) * np.uint64(0x100000001B3)
    word = (word ^ (word >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    word ^= word >> np.uint64(32)
    return max(word, np.uint64(1))


_hash_texts, _join_texts = settling(_hash_all), settling(_join)
