"""Verdicts that came before the payment they speak of."""

from dataclasses import dataclass

import numpy as np

from risk_platform.features.online.kernel import Ints, Words


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

    def meet(self, payments: Words) -> Ints:
        """Verdicts on the arriving payments: (position, is_fraud, known µs), in the order in which they count."""
        found = [
            (at, int(verdict.is_fraud), verdict.known)
            for at, payment in enumerate(payments.tolist() if self.waiting else [])
            for verdict in sorted(self.waiting.get(payment, ()))
        ]
        return np.array(found, np.int64).reshape(len(found), 3)

    def met(self, payments: Words) -> None:
        """Forget the verdicts on payments that arrived."""
        if self.waiting:
            for payment in payments.tolist():
                self.waiting.pop(payment, None)

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
