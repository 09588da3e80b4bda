"""Refused events: which one, by which rule, for which value."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from risk_platform.transactions.refusals import LONGEST_VALUE

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Refusal:
    """Why the event at `position` of a submission is refused; `value` is cut to 200 characters."""

    position: int
    rule: str
    column: str
    value: str


class Refusals:
    """The refusals of one submission: an event is refused for the first rule that it breaks."""

    def __init__(self, events: int) -> None:
        self.refused: Bools = np.zeros(events, dtype=np.bool_)
        self.items: list[Refusal] = []

    def add(
        self, positions: Iterable[int], rule: str, column: str, value_at: Callable[[int], object]
    ) -> None:
        """Refuse the events at `positions` unless they are refused already."""
        for position in positions:
            if not self.refused[position]:
                self.refused[position] = True
                self.items.append(Refusal(int(position), rule, column, shown(value_at(position))))


def shown(value: object) -> str:
    """A value as a refusal shows it, however large it is."""
    text = value if isinstance(value, str) else repr(value)
    return text[:LONGEST_VALUE]
