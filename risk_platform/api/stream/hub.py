"""The live stream of one API worker: follows the inbox and passes it on to every listener."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from anyio.to_thread import run_sync
from sqlalchemy.exc import SQLAlchemyError

from risk_platform.api.metrics import StreamMetrics
from risk_platform.api.stream.listener import ACCESS_CHANGED, FAILED, Listener
from risk_platform.api.stream.messages import Message, Topic, messages_of
from risk_platform.api.stream.notices import Notices
from risk_platform.errors import RiskPlatformError
from risk_platform.operations.accounts import Accounts, Session
from risk_platform.operations.inbox_feed import DecidedRun, InboxFeed

Clock = Callable[[], int]
Health = Callable[[], Awaitable[Mapping[str, Any]]]
_RUNS_AT_ONCE = 4
_OFFERED_AT_ONCE = 200
# The store is asked at most so often, and access is looked at so often at least.
_PACE_SECONDS, _LOOK_SECONDS = 0.05, 1.0
_HEALTH_SECONDS = 5.0


class Hub:
    """Reads the inbox once for all listeners of this worker, and only while there are any.

    `notices` only say when to look: what is passed on, and in which order, the operational store says.
    """

    def __init__(
        self,
        feed: InboxFeed,
        accounts: Accounts,
        notices: Notices,
        health: Health,
        clock: Clock,
        metrics: StreamMetrics,
    ) -> None:
        self._feed, self._accounts, self._notices = feed, accounts, notices
        self._health, self._clock, self._metrics = health, clock, metrics
        self._open: set[Listener] = set()
        self._live: set[Listener] = set()
        self._position = self._passed = 0
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._noticed: asyncio.Task[int] | None = None
        self._starting = asyncio.Lock()

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._open)

    async def enter(self, listener: Listener, after: int | None) -> int:
        """Have a listener begin behind the sequence `after`, or now; returns where it begins.

        Raises ValueError when the inbox does not reach that far.
        """
        tail = await run_sync(self._feed.tail)
        if after is not None and after > tail:
            raise ValueError(f"The inbox ends at {tail}")
        async with self._starting:
            if not self._open:
                self._position = self._passed = tail
            self._open.add(listener)
            self._metrics.listeners.inc()
            if not self._tasks:
                self._tasks = tuple(
                    asyncio.create_task(task) for task in (self._follow(), self._tell_health())
                )
                for task in self._tasks:
                    task.add_done_callback(self._ended)
        begin = self._position if after is None else after
        listener.begin(begin)
        return begin

    async def catch_up(self, listener: Listener, after: int) -> None:
        """Write to a listener what came behind `after`, until it can go on with the others."""
        while after < self._position:
            try:
                runs = await run_sync(self._feed.behind, after, _RUNS_AT_ONCE)
            except SQLAlchemyError:
                listener.end(FAILED)
                return
            for message in await run_sync(_listed, runs, after):
                await listener.send(message)
            after = runs[-1].last
        listener.heard(after)
        self._live.add(listener)

    async def leave(self, listener: Listener) -> None:
        """Pass nothing more on to a listener; without any, the inbox is left alone."""
        self._live.discard(listener)
        if listener in self._open:
            self._open.remove(listener)
            self._metrics.listeners.dec()
        async with self._starting:
            if not self._open:
                await self._stop()

    async def close(self) -> None:
        """Follow no more."""
        await self._stop()
        if self._noticed is not None:
            self._noticed.cancel()
        await self._notices.close()

    async def _stop(self) -> None:
        tasks, self._tasks = self._tasks, ()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled():
            return
        for other in self._tasks:
            other.cancel()
        self._tasks = ()
        for listener in self._open:
            listener.end(FAILED)
        task.result()

    async def _follow(self) -> None:
        while True:
            try:
                while await self._pass_on():
                    await asyncio.sleep(0)
                await asyncio.sleep(_PACE_SECONDS)
                await self._wait()
            except (RiskPlatformError, SQLAlchemyError):
                for listener in self._open:
                    listener.end(FAILED)
                await asyncio.sleep(_LOOK_SECONDS)

    async def _wait(self) -> None:
        """Until more is committed, at most until access is to be looked at again."""
        if self._noticed is None:
            self._noticed = asyncio.create_task(self._notices.beyond(self._position))
        done, _ = await asyncio.wait({self._noticed}, timeout=_LOOK_SECONDS)
        if not done:
            return
        noticed, self._noticed = self._noticed, None
        if isinstance(noticed.exception(), RiskPlatformError):
            # Nobody tells; the store is looked at all the same.
            await asyncio.sleep(_LOOK_SECONDS)
        else:
            noticed.result()

    async def _pass_on(self) -> bool:
        """Pass the next runs on to who may still hear them; whether there may be more."""
        after = self._position
        runs, messages, sessions = await run_sync(self._read, after, list(self._open))
        for listener in self._open:
            now = sessions.get(listener.session.session_id)
            if now is None or now.user.role is not listener.session.user.role:
                listener.end(ACCESS_CHANGED)
        if not runs:
            return False
        # Who catches up meanwhile reads this far.
        self._position = runs[-1].last
        await self._offer(messages)
        self._passed = self._position
        self._metrics.lag.set(max(0, self._clock() - runs[-1].known_time) / 1_000_000)
        self._metrics.waiting.set(max((each.waiting for each in self._live), default=0))
        return len(runs) == _RUNS_AT_ONCE

    async def _offer(self, messages: list[Message]) -> None:
        for begin in range(0, len(messages), _OFFERED_AT_ONCE):
            for listener in self._live:
                for message in messages[begin : begin + _OFFERED_AT_ONCE]:
                    listener.offer(message)
            # Requests and writers have their turn.
            await asyncio.sleep(0)

    def _read(
        self, after: int, listening: list[Listener]
    ) -> tuple[list[DecidedRun], list[Message], dict[str, Session]]:
        """The next runs, their messages written out for who wants them, and the sessions as they are then."""
        runs = self._feed.behind(after, _RUNS_AT_ONCE)
        messages = _listed(runs, after)
        for wanted, sees_parties in {(each.wanted, each.sees_parties) for each in listening}:
            for message in messages:
                if message.fits(wanted):
                    message.text(sees_parties=sees_parties)
        sessions = [each.session.session_id for each in listening]
        return runs, messages, self._accounts.sessions(sessions, self._clock())

    async def _tell_health(self) -> None:
        while True:
            data = await self._health()
            message = Message(self._passed, frozenset({Topic.HEALTH}), data)
            for listener in self._live:
                listener.offer(message, is_event=False)
            await asyncio.sleep(_HEALTH_SECONDS)


def _listed(runs: list[DecidedRun], after: int) -> list[Message]:
    return list(messages_of(runs, after))
