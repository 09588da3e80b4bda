"""Which quotes of CSV bytes open and close values, and where that goes wrong."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.int64]

_NEWLINE = 0x0A


@dataclass(frozen=True)
class Quotes:
    """Quotes that open and close values in turn; `flaws` are closing ones after which a value runs on."""

    structural: Positions
    flaws: Positions

    def outside(self, positions: Positions) -> Positions:
        """Those of the positions that lie in no quoted value."""
        if not len(self.structural):
            return positions
        outside: Positions = positions[np.searchsorted(self.structural, positions) % 2 == 0]
        return outside


def find_quotes(data: npt.NDArray[np.uint8], quote: int | None, delimiter: int) -> Quotes:
    """The quotes of `data`, which begins where a record begins.

    A quote opens a value only at its very beginning; elsewhere in an unquoted value it is a mere character.
    """
    nothing = np.empty(0, np.int64)
    if quote is None:
        return Quotes(nothing, nothing)
    quotes = np.flatnonzero(data == quote)
    if not len(quotes):
        return Quotes(nothing, nothing)
    padded = np.concatenate(([_NEWLINE], data, [_NEWLINE]))
    borders = np.isin(padded, (delimiter, _NEWLINE, quote))
    if borders[quotes[0::2]].all() and borders[quotes[1::2] + 2].all():
        return Quotes(quotes, nothing)
    return _walk(data, quotes, delimiter)


def _walk(data: npt.NDArray[np.uint8], quotes: Positions, delimiter: int) -> Quotes:
    """The same, quote by quote, for bytes in which some quotes are out of place."""
    borders = (delimiter, _NEWLINE)
    structural: list[int] = []
    flaws: list[int] = []
    escaped = -1
    for position in quotes.tolist():
        opened = len(structural) % 2 == 1
        following = int(data[position + 1]) if position + 1 < len(data) else _NEWLINE
        if position == escaped:
            continue
        if not opened:
            if position == 0 or int(data[position - 1]) in borders:
                structural.append(position)
        elif following == data[position]:
            escaped = position + 1
        else:
            structural.append(position)
            if following not in borders:
                flaws.append(position)
    return Quotes(np.array(structural, np.int64), np.array(flaws, np.int64))
