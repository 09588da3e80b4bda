"""CSV bytes cut into records in bounded memory: well-formed ones go on, the others are named by number.

A record ends at a line break outside quotes. One that is too long, ragged, not UTF-8 or holds a NUL is
refused; when it spans several lines only its first line is, and reading goes on at the next, so that a stray
quote costs one line.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from risk_platform.errors import InputError
from risk_platform.transactions.csv_quotes import Positions, Quotes, find_quotes
from risk_platform.transactions.csv_stream import CHUNK_BYTES, utf8_chunks
from risk_platform.transactions.refusals import LONGEST_VALUE

RAGGED = "row_ragged"
OVERLONG = "row_overlong"
NOT_UTF8 = "row_not_utf8"
NUL = "row_has_nul"

LONGEST_RECORD = 1 << 20
# How far to look at once after a stray quote, until the next record is whole again.
_CAREFUL_BYTES = 64 << 10
_MOST_STRAY_QUOTES = 1000
_NEWLINE = 0x0A
# Bytes that hold the characters a refusal shows.
_BEGINNING = 4 * LONGEST_VALUE


@dataclass(frozen=True)
class RefusedRecord:
    """A record that is no row: its number, why, and how it begins."""

    line: int
    rule: str
    text: str


@dataclass(frozen=True)
class Block:
    """Well-formed records as UTF-8 bytes, where each ends, their numbers, and the refused ones among them."""

    records: bytes
    ends: Positions
    lines: Positions
    refused: list[RefusedRecord]

    def split(self) -> list[str]:
        """Each record alone, without its line break."""
        starts = [0, *self.ends.tolist()]
        return [
            self.records[start : end - 1].decode()
            for start, end in zip(starts, self.ends.tolist(), strict=False)
        ]


class CsvRecords:
    """The records of a CSV stream, header first.

    `quote` is empty when values are never quoted. Raises InputError when quotes are so unbalanced that the
    file cannot be read.
    """

    def __init__(self, stream: BinaryIO, name: str, *, delimiter: str, quote: str, encoding: str) -> None:
        self._chunks = utf8_chunks(stream, name, encoding)
        self._name = name
        self._delimiter = ord(delimiter)
        self._quote = ord(quote) if quote else None
        self._buffer = b""
        self._number = 0
        self._stray_quotes = 0
        self._width: int | None = None
        self._window = CHUNK_BYTES

    def first_line(self) -> bytes:
        """The first line that is not blank, without its break, taken off; empty at the end of the stream."""
        while True:
            end = self._buffer.find(b"\n")
            if end < 0 and (chunk := next(self._chunks, b"")):
                self._buffer += chunk
                if len(self._buffer) <= LONGEST_RECORD:
                    continue
                end = self._buffer.find(b"\n")
            line, self._buffer = (
                (self._buffer, b"") if end < 0 else (self._buffer[:end], self._buffer[end + 1 :])
            )
            if line.strip() or not (end >= 0 or self._buffer):
                return line

    def push_back(self, line: bytes) -> None:
        """Return a line taken by `first_line`: it was no header."""
        self._buffer = line + b"\n" + self._buffer

    def blocks(self, width: int) -> Iterator[Block]:
        """The records that follow, each of `width` values."""
        self._width = width
        for chunk in self._chunks:
            self._buffer += chunk
            yield from self._drain()
        self._buffer += b"\n"
        yield from self._drain()
        while self._buffer.strip(b"\n"):
            yield self._refuse_first_line()
            yield from self._drain()

    def _drain(self) -> Iterator[Block]:
        """Blocks of every record that has ended in the buffer; an endless one costs its first line."""
        while True:
            block = self._next_block()
            if block is not None:
                yield block
            elif len(self._buffer) > LONGEST_RECORD:
                yield self._refuse_first_line()
            else:
                return

    def _next_block(self) -> Block | None:
        """The records up to the first one that spans lines and is wrong; None when none has ended."""
        data = np.frombuffer(self._buffer, dtype=np.uint8)
        quotes = find_quotes(data[: self._window], self._quote, self._delimiter)
        ends = quotes.outside(np.flatnonzero(data[: self._window] == _NEWLINE))
        if not len(ends):
            return self._widened()
        starts = np.concatenate(([0], ends[:-1] + 1))
        rules = self._broken(starts, ends, data[: ends[-1]], quotes)
        stray = next((i for i in rules if b"\n" in self._buffer[starts[i] : ends[i]]), None)
        self._window = CHUNK_BYTES if stray is None else _CAREFUL_BYTES
        if stray == 0:
            return self._refuse_first_line()
        last = len(ends) if stray is None else stray
        block = self._block(starts[:last], ends[:last], {i: rule for i, rule in rules.items() if i < last})
        self._buffer = self._buffer[ends[last - 1] + 1 :]
        return block

    def _widened(self) -> Block | None:
        """The next block of the whole buffer, where a window on it did not show the end of a record."""
        if self._window >= len(self._buffer):
            return None
        self._window = len(self._buffer)
        return self._next_block()

    def _broken(
        self, starts: Positions, ends: Positions, data: npt.NDArray[np.uint8], quotes: Quotes
    ) -> dict[int, str]:
        """Position of each wrong record → the rule it breaks."""
        lengths = ends - starts
        delimiters = quotes.outside(np.flatnonzero(data == self._delimiter))
        widths = np.searchsorted(delimiters, ends) - np.searchsorted(delimiters, starts) + 1
        rules = dict.fromkeys(np.flatnonzero((widths != self._width) & (lengths > 0)).tolist(), RAGGED)
        flaws = quotes.flaws[quotes.flaws < ends[-1]]
        rules |= dict.fromkeys(np.searchsorted(ends, flaws).tolist(), RAGGED)
        rules |= dict.fromkeys(np.searchsorted(ends, np.flatnonzero(data == 0)).tolist(), NUL)
        stretch = self._buffer[: ends[-1]]
        if not stretch.isascii() and not _is_utf8(stretch):
            pairs = enumerate(zip(starts, ends, strict=True))
            rules |= {i: NOT_UTF8 for i, (start, end) in pairs if not _is_utf8(stretch[start:end])}
        rules |= dict.fromkeys(np.flatnonzero(lengths > LONGEST_RECORD).tolist(), OVERLONG)
        return dict(sorted(rules.items()))

    def _block(self, starts: Positions, ends: Positions, rules: dict[int, str]) -> Block:
        blank = ends == starts
        lines = self._number + np.cumsum(~blank)
        self._number = int(lines[-1])
        refused = [
            RefusedRecord(
                int(lines[i]), rule, _text(self._buffer[starts[i] : min(ends[i], starts[i] + _BEGINNING)])
            )
            for i, rule in rules.items()
        ]
        keep = ~blank
        keep[list(rules)] = False
        starts, ends = starts[keep], ends[keep]
        if keep.all():
            return Block(self._buffer[: ends[-1] + 1], ends + 1, lines, refused)
        kept = zip(starts.tolist(), ends.tolist(), strict=True)
        records = b"".join(self._buffer[start : end + 1] for start, end in kept)
        return Block(records, np.cumsum(ends - starts + 1), lines[keep], refused)

    def _refuse_first_line(self) -> Block:
        """Refuse the first line of the buffer, reading on until it ends when it is longer than the buffer."""
        end = self._buffer.find(b"\n")
        beginning = self._buffer[: _BEGINNING if end < 0 else min(end, _BEGINNING)]
        rule = RAGGED if 0 <= end <= LONGEST_RECORD else OVERLONG
        while end < 0:
            self._buffer = next(self._chunks, b"\n")
            end = self._buffer.find(b"\n")
        self._buffer = self._buffer[end + 1 :]
        self._number += 1
        self._count_stray_quote(rule)
        nothing = np.empty(0, np.int64)
        return Block(b"", nothing, nothing, [RefusedRecord(self._number, rule, _text(beginning))])

    def _count_stray_quote(self, rule: str) -> None:
        self._stray_quotes += rule == RAGGED
        if self._stray_quotes > _MOST_STRAY_QUOTES:
            raise InputError(
                f"{self._name} opens quotes that never close in more than {_MOST_STRAY_QUOTES} lines: "
                'set `quote` in the mapping to the character that quotes values, or to "" when none does.'
            )


def _text(beginning: bytes) -> str:
    return beginning.decode("utf-8", "replace")[:LONGEST_VALUE]


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
