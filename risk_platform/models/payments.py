"""Labelled payments: who paid when, how much, and what was reported about it at which moment."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]

DAY = 86_400_000_000
"""Microseconds of a day."""


@dataclass(frozen=True)
class Judgements:
    """Reports on payments in the order they became known.

    `payment` holds row numbers of the payments judged, `known_time` microseconds since 1970 (ascending),
    `is_fraud` what was found. Three arrays of one length.
    """

    payment: Ints
    known_time: Ints
    is_fraud: Bools

    @classmethod
    def sorted(cls, payment: Ints, known_time: Ints, is_fraud: Bools) -> "Judgements":
        """Judgements from arrays in any order; of equal moments the later row wins."""
        order = np.argsort(known_time, kind="stable")
        return cls(payment[order], known_time[order], is_fraud[order])


@dataclass(frozen=True)
class LabelledPayments:
    """Payments as columns of one length, in any order, with all their judgements.

    `event_time` microseconds since 1970, `event_day` business days since 1970, `customer` integer codes,
    `amount` minor units.
    """

    event_time: Ints
    event_day: Ints
    customer: Ints
    amount: Ints
    judgements: Judgements

    def __len__(self) -> int:
        return len(self.event_time)

    def frauds(self, as_of: int | None = None) -> Bools:
        """True where the latest judgement known before `as_of` (microseconds; None: ever) says fraud."""
        known = self._known(as_of)
        label = np.zeros(len(self), dtype=np.bool_)
        label[self.judgements.payment[:known]] = self.judgements.is_fraud[:known]
        return label

    def judged(self, as_of: int | None = None) -> Bools:
        """True where any judgement was known before `as_of` (microseconds; None: ever)."""
        mask = np.zeros(len(self), dtype=np.bool_)
        mask[self.judgements.payment[: self._known(as_of)]] = True
        return mask

    def known_before(self, as_of: int) -> "LabelledPayments":
        """The same payments with only those judgements that were known before `as_of` (microseconds)."""
        known, judgements = self._known(as_of), self.judgements
        earlier = Judgements(
            judgements.payment[:known], judgements.known_time[:known], judgements.is_fraud[:known]
        )
        return replace(self, judgements=earlier)

    def _known(self, as_of: int | None) -> int:
        if as_of is None:
            return len(self.judgements.known_time)
        return int(np.searchsorted(self.judgements.known_time, as_of, side="left"))
