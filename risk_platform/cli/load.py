"""A load generator for the API: keep-alive connections, requests that leave when they are due."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from risk_platform.errors import ServiceError

_LARGEST_ANSWER = 32 << 20
_OK = (200, 201)


@dataclass
class Latencies:
    """Milliseconds from the intended moment of each request to its whole answer, and the statuses answered."""

    milliseconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    late_starts: float = 0.0

    def refuse_failures(self) -> None:
        """Raise ServiceError when a request was not answered with success."""
        wrong = {status: count for status, count in self.statuses.items() if status not in _OK}
        if wrong:
            raise ServiceError(f"The API answered {wrong}; a benchmark measures answered decisions only.")


class Caller:
    """Posts JSON to one address over as many keep-alive connections as are needed at once."""

    def __init__(self, host: str, port: int, token: str) -> None:
        self._host, self._port = host, port
        self.token = token
        self._idle: deque[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = deque()
        self.connections = 0

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        reader, writer = self._still_open() or await self._connected()
        writer.write(self._head(path, len(body)) + body)
        head = await reader.readuntil(b"\r\n\r\n")
        answer = await reader.readexactly(_content_length(head))
        self._idle.append((reader, writer))
        return int(head[9:12]), answer

    async def close(self) -> None:
        """Close every connection."""
        while self._idle:
            _, writer = self._idle.pop()
            writer.close()
            await writer.wait_closed()

    def _still_open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return None

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self.connections += 1
        return await asyncio.open_connection(self._host, self._port, limit=_LARGEST_ANSWER)

    def _head(self, path: str, length: int) -> bytes:
        return (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nAuthorization: Bearer {self.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        ).encode()


async def open_loop(
    caller: Caller, path: str, per_second: float, count: int, body_of: Callable[[int], bytes]
) -> Latencies:
    """Send `count` requests, each at its moment whether or not those before are answered.

    A latency begins at the moment that was intended, so a service that stands still is charged for all whom it
    kept waiting.
    """
    measured, began = Latencies(), perf_counter() + 0.1

    async def one(number: int, intended: float) -> None:
        measured.late_starts = max(measured.late_starts, perf_counter() - intended)
        status, _ = await caller.post(path, body_of(number))
        measured.milliseconds.append((perf_counter() - intended) * 1e3)
        measured.statuses[status] = measured.statuses.get(status, 0) + 1

    async with asyncio.TaskGroup() as running:
        for number in range(count):
            intended = began + number / per_second
            await asyncio.sleep(max(0.0, intended - perf_counter()))
            running.create_task(one(number, intended))
    return measured


async def closed_loop(caller: Caller, path: str, bodies: Sequence[bytes], at_once: int) -> list[bytes]:
    """Send the bodies, so many at once; their answers, in the order they came. Raises ServiceError on a failure."""
    left, answers = deque(bodies), list[bytes]()

    async def work() -> None:
        while left:
            status, answer = await caller.post(path, left.popleft())
            if status not in _OK:
                raise ServiceError(f"The API answered {status}: {answer[:300]!r}.")
            answers.append(answer)

    await asyncio.gather(*(work() for _ in range(at_once)))
    return answers


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ServiceError("An answer of the API has no Content-Length.")
