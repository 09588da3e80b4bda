"""What became of a submission, event by event."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import pyarrow as pa

from risk_platform.intake.refusals import Refusal

Status = Literal["accepted", "duplicate", "refused"]
# What a caller is answered; the evidence stays in the store.
ANSWERED = (
    "decision_id", "probability", "score", "level", "advice", "alerted", "degraded_reason", "reason_codes", "rule_hits",
)  # fmt: skip


@dataclass(frozen=True)
class Decided:
    """Decisions of some payments as their callers are told them, read from Arrow once for all who share them."""

    decisions: pa.Table

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """One row of `ANSWERED` a payment."""
        rows: list[dict[str, Any]] = self.decisions.select(list(ANSWERED)).to_pylist()
        return rows


@dataclass(frozen=True)
class Outcome:
    """Of `size` events, those at `positions` are in the inbox at `sequences`; the others were refused.

    A duplicate is in the inbox from before. Payments have their decisions in `decided`, from row `first` on one
    per position.
    """

    size: int
    positions: Sequence[int]
    sequences: Sequence[int]
    duplicates: frozenset[int]
    decided: Decided | None
    refusals: tuple[Refusal, ...]
    first: int = 0

    def split(self, sizes: Sequence[int]) -> "list[Outcome]":
        """The outcomes of its parts: of the first `sizes[0]` events, of the `sizes[1]` behind them, and so on."""
        if len(sizes) == 1:
            return [self]
        parts, first, row = [], 0, 0
        for size in sizes:
            end = bisect_left(self.positions, first + size, row)
            parts.append(self._part(first, size, slice(row, end)))
            first, row = first + size, end
        return parts

    def _part(self, first: int, size: int, rows: slice) -> "Outcome":
        """The events from `first` on, whose answers are in those rows."""
        own = range(first, first + size)
        return Outcome(
            size,
            [position - first for position in self.positions[rows]],
            self.sequences[rows],
            frozenset(position - first for position in self.duplicates if position in own),
            self.decided,
            tuple(
                replace(item, position=item.position - first)
                for item in self.refusals
                if item.position in own
            ),
            self.first + rows.start,
        )

    def answers(self) -> list[dict[str, Any]]:
        """One answer for each event, in the order they were submitted."""
        answers: list[dict[str, Any]] = [{} for _ in range(self.size)]
        for item in self.refusals:
            answers[item.position] = {
                "status": "refused", "rule": item.rule, "column": item.column, "value": item.value,
            }  # fmt: skip
        for position, sequence in zip(self.positions, self.sequences, strict=True):
            status: Status = "duplicate" if position in self.duplicates else "accepted"
            answers[position] = {"status": status, "sequence": sequence}
        if self.decided is not None:
            for place, position in enumerate(self.positions, self.first):
                answers[position] |= self.decided.rows[place]
        return answers
