"""A caller's side of the engine's socket for callers that wait for many answers at once."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from risk_platform.errors import ServiceError
from risk_platform.intake.client import fault_of
from risk_platform.intake.events import Event
from risk_platform.intake.failures import EngineBusy
from risk_platform.intake.prepared import ReportKind
from risk_platform.intake.wire import frame, read_frame

_GONE = "The engine closed the connection; what it had not answered may be in the inbox. Send it again."


class EngineLink:
    """One connection to the engine of an installation, shared by all that run in one event loop.

    Requests leave in order without waiting for one another, at most `limit` ahead of their answers. It is opened
    when first needed and again after the engine was gone.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._waiting: deque[asyncio.Future[dict[str, Any]]] = deque()
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Close the connection; what still waits is told that the engine is gone."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def submit(self, kind: ReportKind, events: Sequence[Event]) -> list[dict[str, Any]]:
        """One answer for each event, after their commit: accepted, duplicate or refused, with the decision.

        Raises EngineBusy when the engine is behind, EngineStopped when it is stopping, ServiceError when it is
        not there.
        """
        answer = await self._ask({"op": "submit", "kind": kind, "events": events})
        answers: list[dict[str, Any]] = answer["answers"]
        return answers

    async def control(self, name: str, value: Mapping[str, Any]) -> int:
        """Change what decides; returns the sequence of the control event. Raises InputError when it is refused."""
        answer = await self._ask({"op": "control", "name": name, "value": value})
        return int(answer["answers"][0]["sequence"])

    async def status(self) -> dict[str, Any]:
        """Where the inbox ends and what decides."""
        return await self._ask({"op": "status"})

    async def beyond(self, after: int) -> int:
        """The last committed sequence, once it is above `after`; what is asked behind it on this link waits."""
        return int((await self._ask({"op": "follow", "after": after}))["sequence"])

    async def _ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        content = frame(message)
        if len(self._waiting) >= self._limit:
            raise EngineBusy(f"{self._limit:,} requests wait for the engine already; send it a moment later.")
        writer = await self._opened()
        waiter: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        writer.write(content)
        answer = await waiter
        if "error" in answer:
            raise fault_of(answer)
        return answer

    async def _opened(self) -> asyncio.StreamWriter:
        async with self._opening:
            if self._writer is None:
                try:
                    reader, self._writer = await asyncio.open_unix_connection(str(self._path))
                except OSError as error:
                    raise ServiceError(
                        f"No engine listens ({error.strerror or error}); start one with `risk-platform engine`."
                    ) from error
                self._reading = asyncio.create_task(self._read(reader, self._writer))
            return self._writer

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (answer := await read_frame(reader)) is not None:
                waiter = self._waiting.popleft()
                # Who was cancelled meanwhile waits no longer.
                if not waiter.done():
                    waiter.set_result(answer)
        except (OSError, ServiceError):
            pass
        finally:
            self._writer = None
            writer.close()
            self._tell_gone()

    def _tell_gone(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(ServiceError(_GONE))
