"""The engine: submissions from any thread, decided in order, answered after their commit."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from itertools import groupby
from time import monotonic
from typing import Any, TypeVar

from risk_platform.errors import InputError
from risk_platform.intake.committer import Committer, Group, Key, keys_of
from risk_platform.intake.core import Core
from risk_platform.intake.events import Event, micros
from risk_platform.intake.failures import EngineStopped
from risk_platform.intake.file_part import FilePart
from risk_platform.intake.outcome import Outcome
from risk_platform.intake.prepared import Prepared, Preparer, ReportKind
from risk_platform.intake.reading import Reading, read_together
from risk_platform.intake.step import Finished, Step
from risk_platform.intake.waiting import Control, Quiet, Unread, Waiting, WaitingLine
from risk_platform.operations.store import Reached, StoreWriter

_LOG = logging.getLogger(__name__)
Clock = Callable[[], datetime]
_Result = TypeVar("_Result")
# Deciding and committing cost as much for one event as for some dozens: fewer wait for the commit under way, in which
# time others join them, and share the next.
_WORTH_DECIDING_AHEAD = 100
# Small groups begin so far apart at least: a lone event is decided at once, many share what a group costs.
_PACE_SECONDS = 0.02
# The same holds of reading: so few events are read when they are taken, with those of their neighbours.
READ_TOGETHER = 8


class Engine:
    """One core behind a line of at most `queue_limit` events, of which at most `batch_size` are decided together.

    All that is decided together shares a commit, and the next group is decided meanwhile. When deciding or
    committing fails, the engine stops for good, `stopped` is set and `failure` says why: its state may be ahead
    of the inbox, and only a restart rebuilds it.
    """

    def __init__(
        self,
        core: Core,
        writer: StoreWriter,
        clock: Clock,
        *,
        batch_size: int,
        queue_limit: int,
        reached: Reached = lambda _: None,
    ) -> None:
        self._core = core
        self._clock = clock
        self._batch_size = batch_size
        self._reached = reached
        self._preparer = Preparer()
        self._line = WaitingLine(queue_limit)
        self._begun = -_PACE_SECONDS
        self.failure: BaseException | None = None
        self.stopped = threading.Event()
        self._committer = Committer(writer, reached, self._fail)
        self._thread = threading.Thread(target=self._run, name="decide", daemon=True)
        self._thread.start()

    def submit(self, kind: ReportKind, events: Sequence[Event]) -> "Future[Outcome]":
        """Events of one kind as JSON objects; the outcome is there once they are committed.

        Raises EngineBusy when the line is full, EngineStopped when the engine is stopping or has failed.
        """
        if len(events) <= READ_TOGETHER:
            return self._enqueue(Waiting(Unread(kind, events)))
        self._line.refuse_when_full(len(events))
        return self.submit_prepared(self._preparer.read(kind, events, self._clock()))

    def submit_prepared(self, prepared: Prepared, part: FilePart | None = None) -> "Future[Outcome]":
        """As `submit`, of events that have passed the door; that `part` of a file is done with the same commit."""
        return self._enqueue(Waiting(prepared, part=part))

    def control(self, name: str, value: Mapping[str, Any]) -> "Future[Outcome]":
        """Change what decides, from the next payment on; the future raises InputError when it cannot be."""
        return self._enqueue(Waiting(Control(name, value)))

    def quietly(self, act: Callable[[Core], _Result]) -> "Future[_Result]":
        """Do something with the core between two groups, when everything decided is committed."""
        return self._enqueue(Waiting(Quiet(act)))

    def follow(self, follower: Callable[[int], None]) -> None:
        """Tell `follower`, in the committing thread, the last sequence of each commit from now on."""
        self._committer.followers.append(follower)

    def close(self) -> None:
        """Answer what waits, then stop; raises EngineStopped when the engine failed."""
        self._line.close(EngineStopped("The engine is stopping; nothing was taken."))
        self._thread.join()
        self._committer.close()
        self.stopped.set()
        if self.failure is not None:
            raise self._as_stopped(self.failure)

    def _enqueue(self, item: Waiting) -> "Future[Any]":
        self._line.put(item)
        return item.future

    def _run(self) -> None:
        while taken := self._next():
            if self.failure is None:
                try:
                    self._decide(taken)
                except BaseException as error:  # noqa: BLE001 - whatever it is, the engine ends with it
                    self._fail(error)
            if self.failure is not None:
                _fail_all(taken, self._as_stopped(self.failure))

    def _next(self) -> list[Waiting]:
        if self._line.awaited() < _WORTH_DECIDING_AHEAD:
            self._committer.rest()
            self._line.gather(_WORTH_DECIDING_AHEAD, self._begun + _PACE_SECONDS - monotonic())
        self._begun = monotonic()
        return self._line.take(self._batch_size)

    def _decide(self, taken: Sequence[Waiting]) -> None:
        """Decide in order of arrival; neighbours of one kind share a batch."""
        group = Group()
        for _, neighbours in groupby(taken, _kind):
            waiting = list(neighbours)
            readings = list(read_together(self._preparer, waiting, self._clock()))
            if self._committer.holds(_keys(readings)) or _holds(group, readings):
                group = self._settled(group)
            if readings:
                self._take_in(group, readings)
            for item in waiting:
                if isinstance(item.work, Control):
                    self._control(group, item, item.work)
                elif isinstance(item.work, Quiet):
                    group = self._settled(group)
                    _act(self._core, item, item.work)
        self._committer.hand_over(group)

    def _settled(self, group: Group) -> Group:
        """An empty group, once the given one and all before it are committed."""
        self._committer.hand_over(group)
        self._committer.settle()
        return Group()

    def _take_in(self, group: Group, readings: Sequence[Reading]) -> None:
        parts = [reading.prepared for reading in readings]
        self._reached("after_validate")
        take_in = self._core.payments if parts[0].events.kind == "payment" else self._core.reports
        step = take_in(parts, micros(self._clock()))
        waiting = [item for reading in readings for item in reading.waiting]
        group.steps.append((waiting, Step(step.events, lambda: _told_apart(readings, step.finish()))))

    def _control(self, group: Group, item: Waiting, control: Control) -> None:
        try:
            step = self._core.control(control.name, control.value, micros(self._clock()))
        except InputError as error:
            item.future.set_exception(error)
        else:
            group.steps.append(([item], step))

    def _fail(self, error: BaseException) -> None:
        if self.failure is None:
            _LOG.critical("The engine failed.", exc_info=error)
        self.failure = self.failure or error
        stopped = self._as_stopped(self.failure)
        self._line.close(stopped)
        for future in self._committer.abandoned():
            if not future.done():
                future.set_exception(stopped)
        self.stopped.set()

    @staticmethod
    def _as_stopped(failure: BaseException) -> EngineStopped:
        return EngineStopped(f"The engine failed: {failure}. Start it again; it rebuilds its state.")


def _kind(item: Waiting) -> str:
    match item.work:
        case Unread(kind):
            return kind
        case Prepared():
            return item.work.events.kind
        case _:
            return type(item.work).__name__


def _keys(readings: Sequence[Reading]) -> list[Key]:
    return [key for reading in readings for key in keys_of(reading.prepared.events)]


def _holds(group: Group, readings: Sequence[Reading]) -> bool:
    return not set(group.keys).isdisjoint(_keys(readings))


def _told_apart(readings: Sequence[Reading], finished: Finished) -> Finished:
    """With the outcome of each submission instead of that of each reading."""
    each = zip(readings, finished.outcomes, strict=True)
    outcomes = [part for reading, outcome in each for part in reading.outcomes(outcome)]
    return Finished(finished.run, outcomes)


def _act(core: Core, item: Waiting, quiet: Quiet) -> None:
    try:
        result = quiet.act(core)
    except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
        item.future.set_exception(error)
    else:
        item.future.set_result(result)


def _fail_all(waiting: Sequence[Waiting], stopped: EngineStopped) -> None:
    for item in waiting:
        if not item.future.done():
            item.future.set_exception(stopped)
