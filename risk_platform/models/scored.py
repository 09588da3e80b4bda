"""Scored payments in rank order, and what can be read off that order."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from risk_platform.models.payments import Bools, Floats, Ints


@dataclass(frozen=True)
class Scored:
    """Payments with their scores, the highest first; columns of one length.

    `log_odds` are calibrated log odds of fraud (any score will do for what only ranks), `day` business days
    since 1970, `customer` integer codes, `amount` minor units.
    """

    log_odds: Floats
    fraud: Bools
    day: Ints
    customer: Ints
    amount: Ints

    @classmethod
    def ranked(cls, log_odds: Floats, fraud: Bools, day: Ints, customer: Ints, amount: Ints) -> Self:
        """Scored payments from columns in any order; equal scores keep theirs."""
        order = np.argsort(-log_odds, kind="stable")
        return cls(log_odds[order], fraud[order], day[order], customer[order], amount[order])

    def __len__(self) -> int:
        return len(self.fraud)

    def by(self, score: Floats) -> "Scored":
        """The same payments ranked by another score, given in the present order."""
        return Scored.ranked(score, self.fraud, self.day, self.customer, self.amount)

    def with_log_odds(self, log_odds: Floats) -> "Scored":
        """The same payments in the same order with log odds that do not change it."""
        return replace(self, log_odds=log_odds)

    @cached_property
    def _ends(self) -> Ints:
        """Last position of every run of equal scores."""
        return np.flatnonzero(np.append(np.diff(self.log_odds) != 0, True))

    def counts(self, weights: Floats | None = None) -> tuple[Floats, Floats]:
        """Frauds and others scoring at least as high, at each distinct score; `weights` default to one."""
        w = np.ones(len(self)) if weights is None else weights
        frauds = np.cumsum(w * self.fraud)[self._ends]
        return frauds, np.cumsum(w)[self._ends] - frauds
