"""Rows of bytes that lie one after the other in one buffer, for work on a thousand of them at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ByteRows(Sequence[bytes]):
    """n rows: row i is `data[offsets[i]:offsets[i + 1]]` without its last byte, which is a line feed.

    >>> rows = ByteRows.of([b"one", b"three"])
    >>> rows[1], rows.joined.tobytes()
    (b'three', b'one\\nthree')
    """

    data: Bytes
    offsets: Places

    @classmethod
    def of(cls, rows: Sequence[bytes]) -> "ByteRows":
        """The same rows in one buffer."""
        if isinstance(rows, ByteRows):
            return rows
        data = np.frombuffer(b"\n".join([*rows, b""]), dtype=np.uint8)
        return cls(data, np.fromiter(accumulate((len(row) + 1 for row in rows), initial=0), np.int64))

    @classmethod
    def concat(cls, parts: Sequence[Sequence[bytes]]) -> "ByteRows":
        """The rows of all parts, one after the other."""
        rows = [cls.of(part) for part in parts]
        begins = np.cumsum([0, *(len(part.data) for part in rows)])
        ends = [part.offsets[1:] + begin for part, begin in zip(rows, begins, strict=False)]
        zero = np.zeros(1, dtype=np.int64)
        return cls(np.concatenate([part.data for part in rows]), np.concatenate([zero, *ends]))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = range(len(self))[index]
        return self.data[self.offsets[at] : self.offsets[at + 1] - 1].tobytes()

    def __iter__(self) -> Iterator[bytes]:
        content, ends = self.data.tobytes(), self.offsets.tolist()
        return (content[start : end - 1] for start, end in pairwise(ends))

    @property
    def joined(self) -> memoryview:
        """All rows with a line feed between every two of them."""
        return self.data.data[:-1]


def string_rows(texts: pa.Array) -> tuple[Bytes, Places, Places]:
    """The bytes of a column of texts, and where each one starts in them and how long it is."""
    _, offsets, content = texts.buffers()
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    return np.frombuffer(content or b"", np.uint8), ends[:-1], np.diff(ends)
