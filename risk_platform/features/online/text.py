"""Identifiers as 64-bit words: what the state knows of a text is its hash."""

import numpy as np
import pyarrow as pa

from risk_platform.features.online.kernel import Bytes, Codes, Words, kernel

NULL = np.uint64(0)


def text_words(column: pa.ChunkedArray | pa.Array) -> Words:
    """The 64-bit hash of every text of `column`, 0 for null (no text hashes to 0)."""
    offsets, data, column = text_buffers(column)
    words = np.empty(len(offsets) - 1, np.uint64)
    _hash_all(offsets, data, words)
    if column.null_count:
        words[column.is_null().to_numpy(zero_copy_only=False)] = NULL
    return words


def text_buffers(column: pa.ChunkedArray | pa.Array) -> tuple[Codes, Bytes, pa.Array]:
    """Offsets (n + 1) and bytes of the texts, and the column as one array."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if column.type != pa.string():
        column = column.cast(pa.string())
    _, offsets, data = column.buffers()
    if len(column) == 0:
        return np.zeros(1, np.int32), np.zeros(0, np.uint8), column
    begin = column.offset
    positions = np.frombuffer(offsets, np.int32)[begin : begin + len(column) + 1]
    content = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return positions, content, column


@kernel
def _hash_all(offsets: Codes, data: Bytes, words: Words) -> None:
    for i in range(len(words)):
        word = np.uint64(0xCBF29CE484222325)
        for at in range(offsets[i], offsets[i + 1]):
            word = (word ^ np.uint64(data[at])) * np.uint64(0x100000001B3)
        word = (word ^ (word >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
        word ^= word >> np.uint64(32)
        words[i] = max(word, np.uint64(1))
