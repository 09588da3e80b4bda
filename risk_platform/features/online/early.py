"""Verdicts that came before the payment they speak of."""

from dataclasses import dataclass

import numpy as np

from risk_platform.features.online.ledger import Arrivals


@dataclass(frozen=True, order=True)
class Verdict:
    """What somebody found; several of one instant count in this order."""

    is_fraud: bool
    judgement_id: str
    known: int


class Early:
    """Verdicts by the hash of their payment, until it arrives or it is too late for that."""

    def __init__(self, waiting: dict[int, list[Verdict]] | None = None) -> None:
        self.waiting = waiting or {}
        self._oldest = self._oldest_known()

    def add(self, payment: int, verdict: Verdict) -> None:
        """Keep a verdict on the payment whose identifiers hash to `payment`."""
        self.waiting.setdefault(payment, []).append(verdict)
        self._oldest = min(self._oldest, verdict.known)

    def meet(self, arrivals: Arrivals) -> Arrivals:
        """The arrivals with the verdicts on them, which wait no longer."""
        if not self.waiting:
            return arrivals
        found = [
            (at, int(verdict.is_fraud), verdict.known)
            for at, payment in enumerate(arrivals.identity.tolist())
            for verdict in sorted(self.waiting.pop(payment, ()))
        ]
        return arrivals._replace(early=np.array(found, np.int64).reshape(len(found), 3))

    def forget(self, before: int) -> None:
        """Forget verdicts older than `before` (µs)."""
        if self._oldest >= before:
            return
        for payment, verdicts in list(self.waiting.items()):
            self.waiting[payment] = [verdict for verdict in verdicts if verdict.known >= before]
            if not self.waiting[payment]:
                del self.waiting[payment]
        self._oldest = self._oldest_known()

    def _oldest_known(self) -> int:
        return min((v.known for verdicts in self.waiting.values() for v in verdicts), default=1 << 62)
