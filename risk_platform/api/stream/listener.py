"""One listener of the live stream: what it wants, what waits for it, and why it ends."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from risk_platform.api.metrics import StreamMetrics
from risk_platform.api.roles import Permission, allowed
from risk_platform.api.stream.messages import Message, Wanted
from risk_platform.operations.accounts import Session

# Two of the largest batches at once: who reads is not slow because much happens. The messages are shared by all.
MOST_WAITING = 20_000
_SEND_SECONDS = 5.0
_CLOSE_SECONDS = 5.0
# How the tasks of a stream end when nothing is wrong with the service.
_ENDINGS = (asyncio.CancelledError, TimeoutError, WebSocketDisconnect)


@dataclass(frozen=True)
class End:
    """Why the service ends a stream: a code of RFC 6455 or of ours (4000 and above), and a short sentence."""

    code: int
    reason: str


ACCESS_CHANGED = End(4403, "Your access changed or your session is over; sign in and ask for a new ticket.")
FAILED = End(1011, "The stream failed; connect again with after.")


class Listener:
    """Writes messages to one WebSocket from a bounded queue, so that nobody waits for a slow reader."""

    def __init__(self, socket: WebSocket, session: Session, wanted: Wanted, metrics: StreamMetrics) -> None:
        self._socket = socket
        self._metrics = metrics
        self.session = session
        self.wanted = wanted
        self.sees_parties = allowed(session.user.role, Permission.SEE_PARTIES)
        self._waiting: asyncio.Queue[Message] = asyncio.Queue(MOST_WAITING)
        self._ended: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self._sent = 0
        self._heard = 0

    @property
    def waiting(self) -> int:
        """How many messages wait to be written."""
        return self._waiting.qsize()

    def offer(self, message: Message, *, is_event: bool = True) -> None:
        """Let a wanted message wait to be written; one too many ends the stream."""
        if (
            self._ended.done()
            or not message.fits(self.wanted)
            or (is_event and message.sequence <= self._heard)
        ):
            return
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            self.end(self._too_slow())

    def end(self, why: End) -> None:
        """End the stream for that reason, whatever waits."""
        if not self._ended.done():
            self._ended.set_result(why)

    async def send(self, message: Message) -> None:
        """Write a wanted message at once, in the listener's own time; ends the stream when that takes too long."""
        self._heard = max(self._heard, message.sequence)
        if not message.fits(self.wanted):
            return
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self._socket.send_text(message.text(sees_parties=self.sees_parties))
        except TimeoutError:
            self.end(self._too_slow())
            raise
        self._sent = max(self._sent, message.sequence)
        self._metrics.messages.inc()

    def begin(self, sequence: int) -> None:
        """Note that the stream begins behind that sequence."""
        self._sent = self._heard = sequence

    def heard(self, sequence: int) -> None:
        """Note that everything up to that sequence was written or not wanted."""
        self._heard = max(self._heard, sequence)

    async def serve(self, catching_up: Coroutine[Any, Any, None]) -> End | None:
        """Catch up, then write what comes, until the listener goes (None) or is sent away."""
        tasks = [asyncio.create_task(task) for task in (self._write(catching_up), self._read())]
        awaited: list[asyncio.Future[Any]] = [*tasks, self._ended]
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, _ENDINGS):
                raise result
        return self._ended.result() if self._ended.done() else None

    async def close(self, why: End) -> None:
        """Tell why, if the listener reads it in time."""
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._socket.close(why.code, why.reason)
        except TimeoutError:
            return

    async def _write(self, catching_up: Coroutine[Any, Any, None]) -> None:
        await catching_up
        while True:
            await self.send(await self._waiting.get())

    async def _read(self) -> None:
        """Until the listener goes; nothing that it says matters."""
        while (await self._socket.receive())["type"] != "websocket.disconnect":
            pass

    def _too_slow(self) -> End:
        return End(1013, f"Too slow; connect again with after={self._sent}.")
