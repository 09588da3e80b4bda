"""The simulator as a payment system: posts to the service at a steady rate and counts what it is told."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import typer
from rich.console import Console

from risk_platform.api.client import ApiClient, ApiRefusedError
from risk_platform.errors import InputError, ServiceError
from risk_platform.transactions.simulator.config import SimulationConfig
from risk_platform.transactions.simulator.live import LiveEvent, live_events
from risk_platform.transactions.simulator.simulation import simulate

TICK_SECONDS = 0.1
_MOST_AT_ONCE = 1_000
_RETRY_SECONDS = 1.0
_TOO_MANY = 429


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

    @property
    def sentence(self) -> str:
        """The counts in a line."""
        refused = sum(self.refused.values())
        return (
            f"{self.accepted:,} accepted, {refused:,} refused, {self.alerted:,} alerts, "
            f"{self.judgements:,} judgements"
        )

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
                self._wait()
            except ApiRefusedError as error:
                if error.status != _TOO_MANY:
                    raise
                self._wait()
            else:
                return answer

    def _wait(self) -> None:
        self.counts.retries += 1
        time.sleep(_RETRY_SECONDS)


def _due(ahead: LiveEvent, events: Iterator[LiveEvent], now: float) -> tuple[LiveEvent, list[LiveEvent]]:
    """The first event that is not due, and those before it; of a backlog no more than a batch."""
    due: list[LiveEvent] = []
    for event in chain([ahead], events):
        if event.due > now or len(due) == _MOST_AT_ONCE:
            return event, due
        due.append(event)
    raise StopIteration


@dataclass(frozen=True)
class Callers:
    """Where the service is, who sends payments there, and who, if anybody, judges them."""

    url: str
    email: str | None
    judge_email: str | None


def simulate_live(
    config: SimulationConfig, rate: float, minutes: float | None, callers: Callers, console: Console
) -> dict[str, object]:
    """Send a simulation to the service, `rate` payments a second; returns the counts.

    Raises InputError when nobody is named who may send, what the service refuses at sign-in, ServiceError when it
    is not there.
    """
    if callers.email is None:
        raise InputError(
            "Name a Service user with --email; `risk-platform user add EMAIL --role Service` makes one."
        )
    judge = callers.judge_email
    with ExitStack() as clients:
        payments = clients.enter_context(_signed_in(callers.url, callers.email, "RISK_API_PASSWORD"))
        judgements = (
            None
            if judge is None
            else clients.enter_context(_signed_in(callers.url, judge, "RISK_JUDGE_PASSWORD"))
        )
        if judgements is None:
            console.print("No judgements are reported: name an Analyst with --judge-email.")
        sender = LiveSender(payments, judgements)
        with console.status("Simulating") as status, suppress(KeyboardInterrupt):
            events = live_events(simulate(config), rate, f"live{int(time.time())}")
            sender.send(
                events,
                None if minutes is None else minutes * 60,
                lambda counts: status.update(counts.sentence),
            )
    return sender.counts.as_json()


@contextmanager
def _signed_in(url: str, email: str, variable: str) -> Iterator[ApiClient]:
    """A client that is signed in with the password of that environment variable, or the one typed in."""
    password = os.environ.get(variable) or typer.prompt(f"Password of {email}", hide_input=True)
    with ApiClient(url) as client:
        client.sign_in(email, password)
        yield client
