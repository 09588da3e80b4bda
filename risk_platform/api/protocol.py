"""The WebSocket protocol of the server: little is buffered for a listener, and nothing for ever."""

import asyncio
import socket
from typing import cast

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

# Behind these a listener has its own bounded queue.
_UNSENT_BYTES = 64 << 10
_LINGER_SECONDS = 10.0


class BoundedWebSockets(WebSocketsSansIOProtocol):
    """uvicorn's WebSockets with small buffers, cut off when the other side reads nothing to the end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over the connection."""
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
