"""A thousand events seen at once: whether a row rule is kept by all of them, told from a few figures a column.

A glance is sure or it is not: what it does not clear, the door looks at value by value.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from risk_platform.audit.byte_rows import string_rows
from risk_platform.intake.events import micros
from risk_platform.kernels import kernel
from risk_platform.transactions.rules import Between, Matches, MaxLength, NotNull, OneOf, RowRule

_CLASS = re.compile(r"(\[\^?(?:\\.|[^\]\\])+\])(?:(\+)|\{(\d+),(\d+)\})")
_ASCII = 128


@dataclass(frozen=True)
class _Texts:
    """Of the texts that are there: bytes of the shortest and the longest, and which bytes are in them."""

    shortest: int
    longest: int
    seen: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Alphabet:
    """A pattern that asks for `least` to `most` characters of some: which ones, of the 128 of ASCII."""

    allowed: npt.NDArray[np.bool_]
    least: int
    most: float

    def holds(self, texts: _Texts) -> bool:
        """Whether every text fits for sure; texts beyond ASCII never do."""
        return bool(
            self.least <= texts.shortest
            and texts.longest <= self.most
            and not texts.seen[_ASCII:].any()
            and not (texts.seen[:_ASCII] & ~self.allowed).any()
        )


class Glance:
    """Events in the columns of `as_table`; each column is looked at once."""

    def __init__(self, events: pa.Table) -> None:
        self._events = events
        self._texts: dict[str, _Texts] = {}

    def clears(self, rule: RowRule) -> bool:
        """Whether no event breaks the rule for sure."""
        match rule:
            case NotNull():
                return bool(self._events.column(rule.column).null_count == 0)
            case MaxLength():
                return self._of_text(rule.column).longest <= rule.max
            case Matches():
                alphabet = _alphabet(rule.pattern)
                return alphabet is not None and alphabet.holds(self._of_text(rule.column))
            case Between():
                return self._lies_between(rule)
            case OneOf():
                found = pc.unique(self._whole(rule.column)).drop_null().to_pylist()
                return set(rule.values).issuperset(found)
            case _:
                return False

    def latest(self, column: str) -> int | None:
        """The last time in a column in µs since 1970, None when there is none."""
        last: int | None = pc.max(self._whole(column).view(pa.int64())).as_py()
        return last

    def _lies_between(self, rule: Between) -> bool:
        low, high = (micros(bound) if isinstance(bound, datetime) else bound for bound in rule.bounds)
        column = self._whole(rule.column)
        ends = pc.min_max(column.view(pa.int64()) if pa.types.is_timestamp(column.type) else column).as_py()
        return ends["min"] is None or bool(low <= ends["min"] and ends["max"] <= high)

    def _of_text(self, name: str) -> _Texts:
        if name not in self._texts:
            self._texts[name] = _figures(self._whole(name))
        return self._texts[name]

    def _whole(self, name: str) -> pa.Array:
        column = self._events.column(name)
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


@cache
def _alphabet(pattern: str) -> _Alphabet | None:
    """What a pattern asks of characters, None where it is not one class of them repeated."""
    found = _CLASS.fullmatch(pattern)
    if found is None:
        return None
    fits = re.compile(found[1]).fullmatch
    allowed = np.array([fits(chr(code)) is not None for code in range(_ASCII)])
    return _Alphabet(allowed, 1 if found[2] else int(found[3]), np.inf if found[2] else int(found[4]))


def _figures(texts: pa.Array) -> _Texts:
    data, starts, lengths = string_rows(texts)
    if texts.null_count:
        there: npt.NDArray[np.bool_] = texts.is_valid().to_numpy(zero_copy_only=False)
        starts, lengths = starts[there], lengths[there]
    seen = np.zeros(256, dtype=np.bool_)
    if not len(lengths):
        return _Texts(2**31, 0, seen)
    _look(data[starts[0] : starts[-1] + lengths[-1]], seen)
    return _Texts(int(lengths.min()), int(lengths.max()), seen)


@kernel
def _look(data: Any, seen: Any) -> None:
    for byte in data:
        seen[byte] = True
