"""The engine's door to other processes: a local socket, each connection answered in its order."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, cast, get_args

from risk_platform.errors import InputError, RiskPlatformError, ServiceError
from risk_platform.intake.engine import READ_TOGETHER, Engine
from risk_platform.intake.failures import EngineBusy
from risk_platform.intake.following import Followed
from risk_platform.intake.prepared import ReportKind
from risk_platform.intake.wire import frame, read_frame

# A connection may send so many requests ahead of its answers.
_PIPELINED = 32
_LONGEST_PATH = 107

Answer = Awaitable[dict[str, Any]]


class Server:
    """Serves an engine on the socket `path` until it is closed."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self._path = path
        # One thread reads and checks events, so that a connection's requests keep their order.
        self._readers = ThreadPoolExecutor(1, thread_name_prefix="read")
        self._server: asyncio.Server | None = None
        self.followed: Followed | None = None
        self._readings: set[asyncio.Task[None]] = set()
        self._connections: set[asyncio.Task[None]] = set()
        self._operations: Mapping[str, Callable[[Mapping[str, Any]], Awaitable[Answer]]] = {
            "submit": self._submit,
            "control": self._control,
            "status": self._status,
            "follow": self._follow,
        }

    async def open(self) -> Followed:
        """Listen; how far the inbox is committed from now on. Raises ServiceError when the socket cannot be made."""
        if len(str(self._path).encode()) > _LONGEST_PATH:
            raise ServiceError(f"{self._path} is too long for a socket; choose a shorter RISK_HOME.")
        self.followed = Followed()
        self._engine.follow(self.followed.committed)
        # The store's lock says that no engine lives: what lies there is a dead one's.
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._connected, self._path)
        self._path.chmod(0o600)
        return self.followed

    async def close(self) -> None:
        """Take no more requests; those taken are still answered."""
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)
        for reading in self._readings:
            reading.cancel()
        if self.followed is not None:
            self.followed.close()
        if self._connections:
            await asyncio.wait(self._connections)
        self._readers.shutdown()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers: asyncio.Queue[Answer | None] = asyncio.Queue(_PIPELINED)
        reading = asyncio.create_task(self._read(reader, answers))
        self._readings.add(reading)
        if connection := asyncio.current_task():
            self._connections.add(connection)
            connection.add_done_callback(self._connections.discard)
        try:
            # A caller that is gone needs no answer.
            with suppress(ConnectionError):
                await _write(writer, answers)
        finally:
            reading.cancel()
            self._readings.discard(reading)
            writer.close()

    async def _read(self, reader: asyncio.StreamReader, answers: "asyncio.Queue[Answer | None]") -> None:
        try:
            while (message := await read_frame(reader)) is not None:
                await answers.put(await self._asked(message))
        except ServiceError as error:
            await answers.put(_told(_fault(error)))
        finally:
            await answers.put(None)

    async def _asked(self, message: Any) -> Answer:
        operation = self._operations.get(str(message.get("op"))) if isinstance(message, dict) else None
        if operation is None:
            known = ", ".join(self._operations)
            return _told(_fault(InputError(f"A request says `op`: one of {known}.")))
        try:
            return await operation(message)
        except RiskPlatformError as error:
            return _told(_fault(error))

    async def _submit(self, message: Mapping[str, Any]) -> Answer:
        kind, events = message.get("kind"), message.get("events")
        if kind not in get_args(ReportKind):
            raise InputError(f"A submission says `kind`: one of {', '.join(get_args(ReportKind))}.")
        if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
            raise InputError("A submission says `events`: a list of objects.")
        submit = partial(self._engine.submit, cast(ReportKind, kind), events)
        if len(events) <= READ_TOGETHER:
            future = submit()
        else:
            future = await asyncio.get_running_loop().run_in_executor(self._readers, submit)

        async def answer() -> dict[str, Any]:
            outcome = await asyncio.wrap_future(future)
            return {"answers": outcome.answers()}

        return _guarded(answer())

    async def _control(self, message: Mapping[str, Any]) -> Answer:
        value = message.get("value")
        if not isinstance(value, dict):
            raise InputError("A control request says `value`: an object.")
        future = self._engine.control(str(message.get("name")), value)

        async def answer() -> dict[str, Any]:
            outcome = await asyncio.wrap_future(future)
            return {"answers": outcome.answers()}

        return _guarded(answer())

    async def _follow(self, message: Mapping[str, Any]) -> Answer:
        after = message.get("after")
        if type(after) is not int or self.followed is None:
            raise InputError("Who follows says `after`: the sequence behind which there is to be more.")
        followed = self.followed

        async def answer() -> dict[str, Any]:
            return {"sequence": await followed.beyond(after)}

        return _guarded(answer())

    async def _status(self, _: Mapping[str, Any]) -> Answer:
        future = self._engine.quietly(
            lambda core: {
                "sequence": core.tail.sequence,
                "bundle_hash": core.policy.engine.hashes.bundle,
                "rules_hash": core.policy.engine.hashes.rules,
                "thresholds_hash": core.policy.engine.hashes.thresholds,
                "kill_switch": core.policy.kill_switch,
            }
        )
        return _guarded(asyncio.wrap_future(future))


async def _write(writer: asyncio.StreamWriter, answers: "asyncio.Queue[Answer | None]") -> None:
    while (answer := await answers.get()) is not None:
        writer.write(frame(await answer))
        await writer.drain()


async def _guarded(answer: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    try:
        return await answer
    except RiskPlatformError as error:
        return _fault(error)


async def _told(answer: dict[str, Any]) -> dict[str, Any]:
    return answer


def _fault(error: RiskPlatformError) -> dict[str, Any]:
    kind = (
        "busy" if isinstance(error, EngineBusy) else "input" if isinstance(error, InputError) else "stopped"
    )
    return {"error": kind, "message": str(error)}
