"""How the server speaks HTTP and WebSocket: nobody makes it wait or remember for ever."""

import asyncio
import logging
import socket
from typing import cast

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

# Behind these a listener has its own bounded queue.
_UNSENT_BYTES = 64 << 10
_LINGER_SECONDS = 10.0
_LOG = logging.getLogger(__name__)
HEAD_SECONDS, _LARGEST_HEAD = 5.0, 64 << 10
_REFUSAL = (
    "HTTP/1.1 {status}\r\nContent-Type: application/problem+json\r\nConnection: close\r\n"
    "Content-Length: {length}\r\n\r\n{body}"
)


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's HTTP with a deadline and a limit for the head of a request: bodies have theirs in the app."""

    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take over the connection."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._head_is_here()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin with a request."""
        super().on_message_begin()
        if self._deadline is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """Begin with the body of a request."""
        self._head_is_here()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Read on."""
        super().data_received(data)
        if self._deadline is None or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > _LARGEST_HEAD:
            self._refuse(
                431, "Request Header Fields Too Large", f"A head has at most {_LARGEST_HEAD:,} bytes."
            )

    def _expect_head(self) -> None:
        self._head_bytes = 0
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def _head_is_here(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._refuse(408, "Request Timeout", f"The head did not arrive within {HEAD_SECONDS:g} s.")

    def _refuse(self, status: int, title: str, detail: str) -> None:
        self._head_is_here()
        if self.transport.is_closing():
            return
        body = f'{{"type":"about:blank","title":"{title}","status":{status},"detail":"{detail}"}}'
        answer = _REFUSAL.format(status=f"{status} {title}", length=len(body), body=body)
        self.transport.write(answer.encode("ascii"))
        self.transport.close()


class BoundedWebSockets(WebSocketsSansIOProtocol):
    """uvicorn's WebSockets with small buffers, cut off when the other side reads nothing to the end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over the connection."""
        # uvicorn's logger is told every address, and a ticket stands in it.
        self.logger = _LOG
        given = cast(asyncio.Transport, transport)
        given.set_write_buffer_limits(high=_UNSENT_BYTES)
        connection = given.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNSENT_BYTES)
        super().connection_made(transport)

    async def run_asgi(self) -> None:
        """Serve the connection; what cannot be written some seconds after the end is given up."""
        await super().run_asgi()
        self.loop.call_later(_LINGER_SECONDS, self.transport.abort)

    async def send(self, message: ASGISendEvent) -> None:
        """Send what the application says."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            # A refusal is a whole answer; uvicorn would report the application for it.
            self.handshake_complete = True
