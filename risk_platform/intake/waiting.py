"""The bounded line of submissions before the engine."""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from risk_platform.intake.core import Core
from risk_platform.intake.events import Event
from risk_platform.intake.failures import EngineBusy, EngineStopped
from risk_platform.intake.file_part import FilePart
from risk_platform.intake.prepared import Prepared, ReportKind


@dataclass(frozen=True)
class Unread:
    """A few events of one kind as they came, to be read together with those of their neighbours."""

    kind: ReportKind
    events: Sequence[Event]


@dataclass(frozen=True)
class Control:
    """A control event that waits to be put in place."""

    name: str
    value: Mapping[str, Any]


@dataclass(frozen=True)
class Quiet:
    """Something to be done with the core when all that was decided is committed."""

    act: Callable[[Core], Any]


@dataclass(frozen=True)
class Waiting:
    """One submission and whoever waits for its outcome."""

    work: Unread | Prepared | Control | Quiet
    future: "Future[Any]" = field(default_factory=Future)
    part: FilePart | None = None

    @property
    def events(self) -> int:
        """How much room it takes in the line."""
        return len(self.work.events) if isinstance(self.work, Unread | Prepared) else 1


class WaitingLine:
    """Submissions in their order of arrival, at most `limit` events of them (a single larger one may wait alone)."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._line: deque[Waiting] = deque()
        self._events = 0
        self._closed: EngineStopped | None = None
        self._change = threading.Condition()

    def refuse_when_full(self, events: int) -> None:
        """Raise EngineBusy when so many events more would be too many."""
        if self._events and self._events + events > self._limit:
            raise EngineBusy(
                f"The engine is behind: {self._events:,} events wait and at most {self._limit:,} may. "
                "Nothing was taken; send it again a moment later."
            )

    def put(self, item: Waiting) -> None:
        """Stand at the end; raises EngineBusy when there is no room, EngineStopped once it is closed."""
        with self._change:
            if self._closed is not None:
                raise self._closed
            self.refuse_when_full(item.events)
            self._line.append(item)
            self._events += item.events
            self._change.notify()

    def awaited(self) -> int:
        """How many events wait, as soon as any does; 0 once it is closed and empty."""
        with self._change:
            self._change.wait_for(lambda: self._line or self._closed is not None)
            return self._events

    def gather(self, events: int, seconds: float) -> None:
        """Wait until so many events do, for so long at most, and no longer once it is closed."""
        with self._change:
            self._change.wait_for(lambda: self._events >= events or self._closed is not None, seconds)

    def take(self, events: int) -> list[Waiting]:
        """The first submissions, together at most so many events (but one at least); none once closed and empty."""
        with self._change:
            self._change.wait_for(lambda: self._line or self._closed is not None)
            taken: list[Waiting] = []
            while self._line and (not taken or events >= self._line[0].events):
                taken.append(self._line.popleft())
                events -= taken[-1].events
                self._events -= taken[-1].events
            return taken

    def close(self, why: EngineStopped) -> None:
        """Take in nothing more; what stands in line is still taken from it."""
        with self._change:
            self._closed = self._closed or why
            self._change.notify_all()
