"""Several submissions of payments as one batch, and each one's own outcome again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from risk_platform.audit.byte_rows import ByteRows
from risk_platform.intake.outcome import Decided, Outcome
from risk_platform.intake.prepared import Prepared
from risk_platform.intake.refusals import Refusals
from risk_platform.operations.records import HASH_BYTES, Events

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Merged:
    """The accepted rows of several submissions, one after the other."""

    parts: Sequence[Prepared]
    table: pa.Table
    events: Events
    hashes: bytes

    def __len__(self) -> int:
        return len(self.events)

    def hash_of(self, row: int) -> bytes:
        """The hash of one body."""
        return self.hashes[row * HASH_BYTES : (row + 1) * HASH_BYTES]

    @cached_property
    def keys(self) -> list[tuple[str, str]]:
        """Source and identifier of each row."""
        return list(zip(self.events.sources, self.events.event_ids, strict=True))

    def repeats(self) -> dict[int, int]:
        """Rows whose key an earlier row has, with that row."""
        if len(set(self.keys)) == len(self):
            return {}
        first: dict[tuple[str, str], int] = {}
        return {
            row: earlier
            for row, key in enumerate(self.keys)
            if (earlier := first.setdefault(key, row)) != row
        }

    def only(self, rows: Sequence[int]) -> tuple[pa.Table, Events, bytes]:
        """Table, events and hashes of some rows."""
        if len(rows) == len(self):
            return self.table, self.events, self.hashes
        events = self.events
        return (
            self.table.take(pa.array(rows, pa.int64())),
            Events(
                events.kind,
                [events.sources[row] for row in rows],
                [events.event_ids[row] for row in rows],
                [events.lines[row] for row in rows],
            ),
            b"".join(self.hash_of(row) for row in rows),
        )

    def outcomes(
        self, sequences: Ints, duplicates: frozenset[int], decisions: pa.Table | None, refusals: Refusals
    ) -> list[Outcome]:
        """The outcome of each submission.

        `sequences` has one entry per row, 0 where it is refused; `decisions` a row for each of the others.
        """
        outcomes, start, first = [], 0, 0
        decided = None if decisions is None else Decided(decisions)
        by_row = {item.position: item for item in refusals.items}
        for part in self.parts:
            rows = range(start, start + len(part.events))
            taken = [row for row in rows if sequences[row]]
            own = [
                replace(by_row[row], position=part.positions[row - start]) for row in rows if row in by_row
            ]
            outcomes.append(
                Outcome(
                    part.size,
                    [part.positions[row - start] for row in taken],
                    [int(sequences[row]) for row in taken],
                    frozenset(part.positions[row - start] for row in taken if row in duplicates),
                    decided,
                    (*part.refusals, *own),
                    first,
                )
            )
            start, first = rows.stop, first + len(taken)
        return outcomes


def merge(parts: Sequence[Prepared]) -> Merged:
    """The submissions, all of one kind, as one batch."""
    if len(parts) == 1:
        return Merged(parts, parts[0].table, parts[0].events, parts[0].hashes)
    events = [part.events for part in parts]
    return Merged(
        parts,
        pa.concat_tables([part.table for part in parts]).combine_chunks(),
        Events(
            events[0].kind,
            list(chain.from_iterable(item.sources for item in events)),
            list(chain.from_iterable(item.event_ids for item in events)),
            ByteRows.concat([item.lines for item in events]),
        ),
        b"".join(part.hashes for part in parts),
    )
