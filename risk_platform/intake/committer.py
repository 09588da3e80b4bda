"""The committing thread: one group is judged and committed while the state takes in the next."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from risk_platform.intake.outcome import Outcome
from risk_platform.intake.step import Step
from risk_platform.intake.waiting import Waiting
from risk_platform.operations.live_files import FileAdvance
from risk_platform.operations.records import Events, Run
from risk_platform.operations.store import Reached, StoreWriter

Key = tuple[str, str, str]
# Groups decided ahead of the one being committed; more would only let callers wait longer.
_AHEAD = 1


@dataclass
class Group:
    """What is committed together, and who waits for it."""

    steps: list[tuple[Sequence[Waiting], Step]] = field(default_factory=list)

    @property
    def keys(self) -> Iterator[Key]:
        """Keys of the new events."""
        for _, step in self.steps:
            if step.events is not None:
                yield from keys_of(step.events)

    @property
    def waiting(self) -> Iterator[Waiting]:
        """Who waits for it."""
        return (item for waiting, _ in self.steps for item in waiting)

    def finished(self) -> "_Group":
        """What is judged: runs, how far files are with them, and who is told what."""
        finished = _Group([], [], [])
        for waiting, step in self.steps:
            done = step.finish()
            if done.run is not None:
                finished.runs.append(done.run)
            for item, outcome in zip(waiting, done.outcomes, strict=True):
                finished.answers.append((item.future, outcome))
                if item.part is not None:
                    finished.advances.append(item.part.advance(outcome))
        return finished


class _Group(NamedTuple):
    runs: list[Run]
    advances: list[FileAdvance]
    answers: list[tuple["Future[Any]", Outcome]]


class Committer:
    """Judges and commits groups in order and answers their callers after it; `on_failure` is told of an error, once.

    `followers` are told the last sequence of each group that was committed.
    """

    def __init__(
        self, writer: StoreWriter, reached: Reached, on_failure: Callable[[BaseException], None]
    ) -> None:
        self._writer = writer
        self._reached = reached
        self._on_failure = on_failure
        self._groups: deque[Group] = deque()
        self._keys: set[Key] = set()
        self._closed = False
        self._error: BaseException | None = None
        self.followers: list[Callable[[int], None]] = []
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="commit", daemon=True)
        self._thread.start()

    def hand_over(self, group: Group) -> None:
        """Have the group committed; waits while too many are. Raises what an earlier commit failed of."""
        with self._change:
            self._wait_for(lambda: len(self._groups) <= _AHEAD)
            self._groups.append(group)
            self._keys.update(group.keys)
            self._change.notify_all()

    def holds(self, keys: Iterable[Key]) -> bool:
        """Whether an event of those keys is decided but not yet committed."""
        return not self._keys.isdisjoint(keys)

    def settle(self) -> None:
        """Wait until everything handed over is committed. Raises what a commit failed of."""
        with self._change:
            self._wait_for(lambda: not self._groups)

    def rest(self) -> None:
        """Wait until nothing is being committed, or a commit has failed."""
        with self._change:
            self._change.wait_for(lambda: self._error is not None or not self._groups)

    def close(self) -> None:
        """Commit what was handed over and end the thread."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        self._thread.join()

    def abandoned(self) -> list["Future[Any]"]:
        """Those whose groups were never committed."""
        with self._change:
            return [item.future for group in self._groups for item in group.waiting]

    def _wait_for(self, reached: Callable[[], bool]) -> None:
        """Nothing may go on, least of all a snapshot, from a state that was never committed."""
        self._change.wait_for(lambda: self._error is not None or reached())
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._groups or self._closed)
                if not self._groups:
                    return
                group = self._groups[0]
            try:
                finished = group.finished()
                if finished.runs or finished.advances:
                    self._writer.commit(finished.runs, self._reached, finished.advances)
            except BaseException as error:  # noqa: BLE001 - whatever it is, the engine ends with it
                with self._change:
                    self._error = error
                    self._change.notify_all()
                self._on_failure(error)
                return
            self._done(group, finished)

    def _done(self, group: Group, finished: _Group) -> None:
        with self._change:
            self._groups.popleft()
            self._keys.difference_update(group.keys)
            self._change.notify_all()
        for future, outcome in finished.answers:
            future.set_result(outcome)
        if finished.runs:
            last = finished.runs[-1]
            for follower in self.followers:
                follower(last.sequence + len(last.events) - 1)


def keys_of(events: Events) -> Iterable[Key]:
    """Kind, source and identifier of each event."""
    return zip([events.kind] * len(events), events.sources, events.event_ids, strict=True)
