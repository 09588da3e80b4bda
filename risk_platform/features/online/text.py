"""Identifiers as 64-bit words: what the state knows of a text is its hash."""

from functools import cache

import numpy as np

from risk_platform.features.online.arrow_memory import Column, byte_at, is_there, offset_at
from risk_platform.features.online.kernel import Bytes, Codes, Scalar, Words, kernel, part

NULL = np.uint64(0)
_SEED = np.uint64(0xCBF29CE484222325)


@cache
def word_of(text: str) -> np.uint64:
    """The hash of one text."""
    return np.uint64(_word_of(np.array(bytearray(text.encode()), np.uint8)))


@kernel
def _word_of(text: Bytes) -> Scalar:
    word = _SEED
    for byte in text:
        word = _mixed(word, byte)
    return _finished(word)


@part
def hash_texts(texts: Column, words: Words) -> None:
    """Write the 64-bit hash of every text, 0 for null: no text hashes to 0."""
    for i in range(len(words)):
        words[i] = 0
        if is_there(texts, i):
            word = _SEED
            for at in range(_begin(texts, i), _begin(texts, i + 1)):
                word = _mixed(word, byte_at(texts.content, at))
            words[i] = _finished(word)


@part
def joined_length(left: Column, right: Column, count: Scalar) -> Scalar:
    """How many bytes `join` writes of so many pairs."""
    lengths = _begin(left, count) - _begin(left, 0) + _begin(right, count) - _begin(right, 0)
    return count + lengths


@part
def join(left: Column, right: Column, offsets: Codes, data: Bytes, words: Words) -> None:
    """Write each text of `left`, a zero byte and the text of `right` beside it, which sort as the pairs do.

    `offsets` (n + 1) say where they begin in `data`, `words` (n) are their hashes.
    """
    end = np.int64(0)
    offsets[0] = 0
    for i in range(len(words)):
        word = _SEED
        for at in range(_begin(left, i), _begin(left, i + 1)):
            data[end] = byte_at(left.content, at)
            word = _mixed(word, data[end])
            end += 1
        data[end] = 0
        word = _mixed(word, data[end])
        end += 1
        for at in range(_begin(right, i), _begin(right, i + 1)):
            data[end] = byte_at(right.content, at)
            word = _mixed(word, data[end])
            end += 1
        offsets[i + 1] = end
        words[i] = _finished(word)


@part
def _begin(texts: Column, at: Scalar) -> Scalar:
    return np.int64(offset_at(texts.values, texts.begin + at))


@part
def _mixed(word: Scalar, byte: Scalar) -> Scalar:
    return (word ^ np.uint64(byte)) * np.uint64(0x100000001B3)


@part
def _finished(word: Scalar) -> Scalar:
    word = (word ^ (word >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    word ^= word >> np.uint64(32)
    return max(word, np.uint64(1))
