"""The simulator as a payment system: posts to the service at a steady rate and counts what it is told."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from risk_platform.api.client import ApiClient, ApiRefusedError
from risk_platform.errors import ServiceError
from risk_platform.transactions.simulator.live import LiveEvent

TICK_SECONDS = 0.1
_MOST_AT_ONCE = 1_000
_RETRY_SECONDS = 1.0


@dataclass
class LiveCounts:
    """What was sent and what came of it; every payment sent is accepted, a duplicate or refused by a rule."""

    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    alerted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    judgements: int = 0
    judgements_refused: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    seconds: float = 0.0

    def as_json(self) -> dict[str, object]:
        """The counts with the rate that was reached."""
        return asdict(self) | {"per_second": self.sent / self.seconds if self.seconds else 0.0}


class LiveSender:
    """Sends events when they are due: payments as one user, judgements as another, or not at all.

    What the service does not answer is sent again until it does; the same payment counts once there.
    """

    def __init__(self, payments: ApiClient, judgements: ApiClient | None) -> None:
        self._payments = payments
        self._judgements = judgements
        self.counts = LiveCounts()
        self._taken: set[str] = set()

    def send(
        self, events: Iterator[LiveEvent], seconds: float | None, told: Callable[[LiveCounts], None]
    ) -> None:
        """Send what is due until so many seconds are over; `told` hears the counts after each tick."""
        began = time.monotonic()
        ahead = next(events)
        while seconds is None or time.monotonic() - began < seconds:
            ahead, due = _due(ahead, events, time.monotonic() - began)
            self._send_payments([event for event in due if event.kind == "payment"])
            for event in due:
                if event.kind == "judgement":
                    self._send_judgement(event)
            self.counts.seconds = time.monotonic() - began
            told(self.counts)
            time.sleep(max(0.0, min(TICK_SECONDS, ahead.due - (time.monotonic() - began))))

    def _send_payments(self, events: list[LiveEvent]) -> None:
        if not events:
            return
        now = datetime.now(UTC).isoformat()
        bodies = [event.body | {"event_time": now} for event in events]
        answer = self._answered(self._payments, "transactions/batch", {"transactions": bodies})
        self.counts.sent += len(bodies)
        for body, result in zip(bodies, answer["results"], strict=True):
            if result["status"] == "refused":
                self.counts.refused[result["rule"]] += 1
                continue
            self._taken.add(body["transaction_id"])
            self.counts.accepted += result["status"] == "accepted"
            self.counts.duplicates += result["status"] == "duplicate"
            self.counts.alerted += bool(result["alerted"])

    def _send_judgement(self, event: LiveEvent) -> None:
        if self._judgements is None or event.body["transaction_id"] not in self._taken:
            return
        try:
            self._answered(self._judgements, "judgements", event.body)
        except ApiRefusedError as error:
            self.counts.judgements_refused[str(error)] += 1
        else:
            self.counts.judgements += 1

    def _answered(self, client: ApiClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
        while True:
            try:
                answer: dict[str, Any] = client.post(path, body)
            except ServiceError:
                self.counts.retries += 1
                time.sleep(_RETRY_SECONDS)
            else:
                return answer


def _due(ahead: LiveEvent, events: Iterator[LiveEvent], now: float) -> tuple[LiveEvent, list[LiveEvent]]:
    """The first event that is not due, and those before it; of a backlog no more than a batch."""
    due: list[LiveEvent] = []
    for event in chain([ahead], events):
        if event.due > now or len(due) == _MOST_AT_ONCE:
            return event, due
        due.append(event)
    raise StopIteration
