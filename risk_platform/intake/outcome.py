"""What became of a submission, event by event."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from risk_platform.intake.refusals import Refusal

Status = Literal["accepted", "duplicate", "refused"]
# What a caller is answered; the evidence stays in the store.
ANSWERED = (
    "decision_id", "probability", "score", "level", "advice", "alerted", "degraded_reason", "reason_codes", "rule_hits",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """Of `size` events, those at `positions` are in the inbox at `sequences`; the others were refused.

    A duplicate is in the inbox from before. `decisions` has one row per position, for payments only.
    """

    size: int
    positions: Sequence[int]
    sequences: Sequence[int]
    duplicates: frozenset[int]
    decisions: pa.Table | None
    refusals: tuple[Refusal, ...]

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
        if self.decisions is not None:
            rows = self.decisions.select(list(ANSWERED)).to_pylist()
            for position, row in zip(self.positions, rows, strict=True):
                answers[position] |= row
        return answers
