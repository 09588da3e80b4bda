"""The long-lived engine process: serves the socket, takes snapshots, follows the champion, drains on SIGTERM."""

import asyncio
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from risk_platform.audit.keeping import HeadKeeper
from risk_platform.errors import RiskPlatformError, ServiceError
from risk_platform.home import Home
from risk_platform.intake.announcing import announce, channel_of
from risk_platform.intake.core import Core
from risk_platform.intake.engine import Clock
from risk_platform.intake.events import micros
from risk_platform.intake.failures import EngineStopped
from risk_platform.intake.interpreter import keep_what_is_loaded, switch_often
from risk_platform.intake.live_feeder import LiveFeeder
from risk_platform.intake.process import Running, running_engine
from risk_platform.intake.recovery import Told
from risk_platform.intake.server import Server
from risk_platform.intake.snapshots import SnapshotWriting
from risk_platform.models.champion import champion_pointer, load_champion
from risk_platform.operations.database import database_url
from risk_platform.operations.store import Reached
from risk_platform.settings import Settings

_LOOK_SECONDS = 1.0
# What was appended since the last signed head could be cut off unseen; a head costs one sync of a small file.
_HEAD_PACE = timedelta(seconds=5)


@dataclass(frozen=True)
class SnapshotPace:
    """A snapshot is taken after so many events, or after so long when there was any."""

    events: int
    time: timedelta


def socket_path(home: Home) -> Path:
    """Where the engine of an installation listens."""
    return home.root / "engine.sock"


def serve(
    settings: Settings, home: Home, clock: Clock, pace: SnapshotPace, told: Told, reached: Reached
) -> None:
    """Run the engine until SIGTERM or Ctrl-C; what waits then is still answered and a last snapshot taken.

    Raises EngineStopped when the engine failed, ServiceError when it cannot start, AuditError when the store does
    not continue the audit log that was signed.
    """
    switch_often()
    with running_engine(settings, home, clock, told, reached) as running:
        keep_what_is_loaded()
        upkeep = _Upkeep(running, home, clock, pace, told, reached)
        asyncio.run(_served(running, home, upkeep, told, settings))


async def _served(running: Running, home: Home, upkeep: "_Upkeep", told: Told, settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await upkeep.sign_head()
    server = Server(running.engine, socket_path(home))
    followed = await server.open()
    announcing = None
    if settings.redis_url is not None:
        channel = channel_of(database_url(settings.database_url, home.root))
        announcing = asyncio.create_task(announce(followed, settings.redis_url, channel, told))
    feeder = LiveFeeder(home, running.store.live_files(), running.engine, upkeep.clock, told)
    feeder.start()
    told(f"Engine ready at {socket_path(home)}, {running.replayed:,} events replayed")
    while not stop.is_set() and not running.engine.stopped.is_set():
        await upkeep.look()
        try:
            await asyncio.wait_for(stop.wait(), _LOOK_SECONDS)
        except TimeoutError:
            continue
    await asyncio.to_thread(feeder.close)
    if announcing is not None:
        announcing.cancel()
    await server.close()
    if not running.engine.stopped.is_set():
        told("Stopping: what waits is answered, then a last snapshot")
        await upkeep.finish()
        await upkeep.sign_head()


class _Upkeep:
    """What an engine does beside deciding, looked at every second."""

    def __init__(
        self, running: Running, home: Home, clock: Clock, pace: SnapshotPace, told: Told, reached: Reached
    ) -> None:
        self._running, self._home, self.clock = running, home, clock
        self._pace, self._told, self._reached = pace, told, reached
        self._taken_at, self._taken_time = running.store.tail().sequence, clock()
        self._heads, self._signed_time = running.store.heads(HeadKeeper.open(home.root)), clock()
        self._writing: asyncio.Task[Path] | None = None
        self._champion_written: int | None = None
        self._champions = {
            str(change.value["bundle_hash"])
            for change in running.store.control_history()
            if change.name == "bundle"
        }

    async def look(self) -> None:
        """Sign a head and take a snapshot when one is due, and put a champion in place that never was."""
        if self.clock() - self._signed_time >= _HEAD_PACE:
            await self.sign_head()
        if self._writing is not None and self._writing.done():
            await self._written()
        behind = self._running.store.tail().sequence - self._taken_at
        waited = self.clock() - self._taken_time
        due = behind >= self._pace.events or (behind and waited >= self._pace.time)
        if due and self._writing is None:
            await self.snapshot()
        await self._follow_champion()

    async def sign_head(self) -> None:
        """Export the audit log's head; raises AuditError when the log does not continue the last one."""
        self._signed_time = self.clock()
        await asyncio.to_thread(self._heads.publish, micros(self._signed_time))

    async def snapshot(self) -> None:
        """Have a snapshot written, begun between two groups; deciding goes on meanwhile."""
        await self._written()

        def start(core: Core) -> tuple[int, SnapshotWriting]:
            return core.tail.sequence, self._running.snapshots.start(core, self._reached)

        self._taken_at, writing = await asyncio.wrap_future(self._running.engine.quietly(start))
        self._taken_time = self.clock()
        self._writing = asyncio.create_task(asyncio.to_thread(writing.wait))

    async def finish(self) -> None:
        """Take a last snapshot and wait until it is on disk."""
        await self.snapshot()
        await self._written()

    async def _written(self) -> None:
        """Wait for the snapshot that is being written, if one is."""
        if self._writing is None:
            return
        try:
            self._told(f"Snapshot at sequence {int((await self._writing).name):,}")
        except ServiceError as error:
            self._told(str(error))
        finally:
            self._writing = None

    async def _follow_champion(self) -> None:
        pointer = champion_pointer(self._home.bundles)
        written = pointer.stat().st_mtime_ns if pointer.exists() else None
        if written == self._champion_written:
            return
        self._champion_written = written
        try:
            digest = load_champion(self._home.bundles).hash
            if digest not in self._champions:
                self._champions.add(digest)
                value: Mapping[str, Any] = {"bundle_hash": digest}
                await asyncio.wrap_future(self._running.engine.control("bundle", value))
                self._told(f"Champion {digest[:12]} decides from now on")
        except EngineStopped:
            raise
        except RiskPlatformError as error:
            self._told(f"The champion cannot be put in place: {error}")
