"""Frames on the engine's socket: four bytes of length, then JSON."""

import asyncio
import socket
from typing import Any

import orjson

from risk_platform.errors import ServiceError

LARGEST_FRAME = 64 << 20
_LENGTH = 4


def frame(message: Any) -> bytes:
    """A message as one frame; raises ServiceError when it is larger than a frame may be."""
    content = orjson.dumps(message)
    if len(content) > LARGEST_FRAME:
        raise ServiceError(f"A message of {len(content):,} bytes is too large; send fewer events at once.")
    return len(content).to_bytes(_LENGTH, "big") + content


async def read_frame(reader: asyncio.StreamReader) -> Any:
    """The next message; None at the end of the stream. Raises ServiceError on what is no frame."""
    try:
        length = int.from_bytes(await reader.readexactly(_LENGTH), "big")
        if length > LARGEST_FRAME:
            raise ServiceError(f"A frame has at most {LARGEST_FRAME:,} bytes; this one says {length:,}.")
        return _parsed(await reader.readexactly(length))
    except asyncio.IncompleteReadError:
        return None


def receive(connection: socket.socket) -> Any:
    """The next message of a blocking socket; raises ServiceError when the other side is gone."""
    length = int.from_bytes(_exactly(connection, _LENGTH), "big")
    return _parsed(_exactly(connection, length))


def _parsed(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ServiceError(f"A frame holds no JSON: {error}.") from error


def _exactly(connection: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = connection.recv(min(count - len(parts), 1 << 20))
        if not part:
            raise ServiceError(
                "The engine closed the connection; what it had not answered may be in the inbox."
            )
        parts += part
    return bytes(parts)
