"""What surrounds every request: safe headers, limits on how large and slow a body may be, and its numbers."""

import asyncio
import time
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from risk_platform.api.metrics import Metrics

_BODY_SECONDS = 20.0
_LARGEST_BODY = 1 << 20
_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"cache-control": b"no-store",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"DENY",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
}


class SafeHeaders:
    """Adds the headers that keep browsers from guessing, keeping or framing an answer, unless it has its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                extra = [(name, value) for name, value in _HEADERS.items() if name not in given]
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        await self._app(scope, receive, answered if scope["type"] == "http" else send)


class LimitedBodies:
    """Refuses with 413 a body that is too large, and with 408 one that is not here within some seconds.

    `larger` are paths with another limit than the usual one, in bytes.
    """

    def __init__(self, app: ASGIApp, larger: Mapping[str, int], seconds: float = _BODY_SECONDS) -> None:
        self._app = app
        self._larger = larger
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        deadline, complete, size = time.monotonic() + self._seconds, False, 0
        largest = self._larger.get(scope["path"], _LARGEST_BODY)
        declared = int(Headers(scope=scope).get("content-length", 0))

        async def limited() -> Message:
            nonlocal complete, size
            if complete:
                return await receive()
            # Who says so beforehand is refused before anything is read.
            if declared > largest:
                raise _too_large(largest)
            try:
                async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(
                    408, f"The body did not arrive within {self._seconds:g} s.", {"Connection": "close"}
                ) from None
            complete = not message.get("more_body", False)
            size += len(message.get("body", b""))
            if size > largest:
                raise _too_large(largest)
            return message

        await self._app(scope, limited, send)


def _too_large(largest: int) -> HTTPException:
    return HTTPException(413, f"A body has at most {largest:,} bytes.", {"Connection": "close"})


class Measured:
    """Counts requests and their seconds by route; `paths` are the paths of the endpoints."""

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: Mapping[object, str]) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def answered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, answered)
        finally:
            # The path with its parameters' names, never what a caller wrote.
            route = self._paths.get(scope.get("endpoint"), "none")
            self._metrics.requests.labels(scope["method"], route, str(status)).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - began)
