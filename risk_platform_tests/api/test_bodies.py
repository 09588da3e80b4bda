"""Slow and large bodies are given up, whatever the route behind does with them."""

import asyncio

import pytest
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from risk_platform.api.middleware import LimitedBodies


async def read_all(_: Scope, receive: Receive, __: Send) -> None:
    while (await receive()).get("more_body"):
        pass


async def unheard(_: Message) -> None:
    raise AssertionError("nothing is to be answered here")


def sent(pieces: list[bytes], pause: float, path: str = "/small") -> None:
    """Send the pieces of a body, each after a pause, to a reader of everything."""
    left = list(pieces)

    async def receive() -> Message:
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    limited = LimitedBodies(read_all, larger={"/large": 3 << 20}, seconds=0.2)
    asyncio.run(limited({"type": "http", "path": path, "headers": []}, receive, unheard))


def test_a_body_that_drips_is_given_up() -> None:
    with pytest.raises(HTTPException) as refusal:
        sent([b"x"] * 1_000, 0.01)
    assert refusal.value.status_code == 408


def test_a_body_that_comes_at_once_may_be_as_large_as_its_path_allows() -> None:
    piece = b"x" * (1 << 19)
    sent([piece] * 2, 0)
    sent([piece] * 6, 0, "/large")
    for pieces, path in ((3, "/small"), (7, "/large")):
        with pytest.raises(HTTPException) as refusal:
            sent([piece] * pieces, 0, path)
        assert refusal.value.status_code == 413
