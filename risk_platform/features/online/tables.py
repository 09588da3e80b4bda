"""The tables of one host: what its lists carry along, and its operations, filled view by view."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from risk_platform.features.online.host import HostPlan
from risk_platform.features.online.kernel import Ints
from risk_platform.features.online.operators import DISTINCT, MAX
from risk_platform.features.online.rows import COLUMN_MASK, NO_CODE, SMALL
from risk_platform.features.online.tally import MOST

Row = tuple[int, ...]
# Whether a row is one that lists carry along, and its place among those or the others.
Place = tuple[bool, int]
# What can never pass, as a fraud among what is known good by age.
NEVER = (0, 1)
_EVER = 1 << 60


@dataclass(frozen=True)
class Reach:
    """How long (µs) entries are kept: beyond their windows, for runs, and until a payment is known good."""

    keep: int
    runs: int
    maturity: int


@dataclass
class Ordered:
    """Rows of a table: first those that lists carry along, then the others."""

    kept: list[Row] = field(default_factory=list)
    others: list[Row] = field(default_factory=list)

    def place(self, row: Row, *, kept: bool) -> Place:
        """Enter a row once, and tell where it is until all are there."""
        rows = self.kept if kept else self.others
        if row not in rows:
            rows.append(row)
        return kept, rows.index(row)

    def index(self, place: Place) -> int:
        """Where a row is in the whole table."""
        kept, at = place
        return at if kept else len(self.kept) + at

    def table(self, width: int) -> Ints:
        return table([*self.kept, *self.others], width)


@dataclass
class View:
    """One view, ready to be laid down: operations name windows and accumulators by their place in its lists."""

    key: Row
    edges: tuple[list[Row], list[Row]]
    uses: tuple[list[Place], list[Place], list[Place]]
    whole: bool
    paid_ops: list[list[int]]
    found_ops: list[list[int]]

    def looks_back(self, shift: int) -> int:
        """How far (µs) before a payment another one can count, known good by age `shift` later."""
        if self.whole:
            return _EVER
        paid, found = ([edge[0] for edge in edges] for edges in self.edges)
        return max(*paid, *(width + shift for width in found), 0, 0)


class HostTables:
    """What all views of one host need, by the lists of payments (0) and of turns (1)."""

    def __init__(self, seen: int, shift: int) -> None:
        self.adds, self.peaks = (Ordered(), Ordered()), (Ordered(), Ordered())
        self.longest = [0, 0]
        self._seen, self._shift = seen, shift
        self._views: list[View] = []

    def lay_down(self, view: View) -> None:
        """Take in a finished view."""
        self._views.append(view)

    def has_stage(self, stage: int) -> bool:
        return any(view.key[0] == stage for view in self._views)

    def plan(self) -> HostPlan:
        """All of it as flat tables."""
        views, asks, edges, tallies = list[Row](), list[Row](), list[Row](), list[Row]()
        uses, ops = list[int](), list[list[int]]()
        for view in self._views:
            begin = len(ops)
            for op, lists in [(op, (0, 0)) for op in view.paid_ops] + [(op, (0, 1)) for op in view.found_ops]:
                ops.append(self._with_peaks(op, lists))
                # Two threads may answer the first stage at once, so it keeps none.
                plain = lists == (0, 0) and view.key[0] > 0 and view.key[2] == NO_CODE
                if op[0] == DISTINCT and plain and len(tallies) < MOST:
                    tallies.append((len(tallies) + 1, op[4], op[5], op[6]))
                    ops[-1][10] = len(tallies)
            middle = begin + len(view.paid_ops)
            views.append((*view.key, begin, middle, middle, len(ops)))
            for stream in range(3):
                at_edge, at_use = len(edges), len(uses)
                edges += view.edges[min(stream, 1)]
                uses += [self.adds[stream // 2].index(place) for place in view.uses[stream]]
                asks.append((at_edge, len(edges), at_use, len(uses), int(view.whole)))
        return HostPlan(
            self._seen,
            self._shift,
            max(view.looks_back(self._shift) for view in self._views),
            sum({1 << view.key[0] for view in self._views if view.key[2] != NO_CODE}),
            np.array(sorted(_words(view.key[2] for view in self._views)), np.int64),
            np.array([1, any(view.found_ops for view in self._views)], np.int64),
            np.array(self.longest, np.int64),
            np.array([len(rows.kept) for rows in (*self.adds, *self.peaks)], np.int64),
            self.adds[0].table(4),
            self.peaks[0].table(3),
            self.adds[1].table(4),
            self.peaks[1].table(3),
            table(views, 8),
            table(asks, 5),
            np.array(uses, np.int64),
            table(edges, 5),
            table(ops, 11),
            table(tallies, 4),
        )

    def _with_peaks(self, op: list[int], lists: tuple[int, int]) -> list[int]:
        """An operation whose maxima are named by their rows; they are written as (kept, place) in A, B, MASK, WANT."""
        if op[0] != MAX:
            return op
        first, second = (bool(op[2]), op[3]), (bool(op[5]), op[6])
        a, b = self.peaks[lists[0]].index(first), self.peaks[lists[1]].index(second)
        return [MAX, op[1], a, b, NO_CODE, 0, 0, op[7], 0, 0, 0]


def _words(codes: Iterable[int]) -> set[int]:
    """Columns of 64 bits that hold the codes, two of which share one; those made of bits have none."""
    return {(code & COLUMN_MASK) >> 1 for code in codes if NO_CODE < code < SMALL}


def table(rows: list[Any], width: int) -> Ints:
    """Rows of `width` columns."""
    return np.array(rows, np.int64).reshape(len(rows), width)
