"""Who follows the inbox is told of every commit, over the engine's socket."""

import asyncio
from pathlib import Path

import pytest

from risk_platform.errors import ServiceError
from risk_platform.intake.async_client import EngineLink
from risk_platform.intake.following import Followed
from risk_platform.intake.process import Running
from risk_platform.intake.server import Server
from risk_platform_tests.intake.events import payments


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "engine.sock"


def test_a_commit_reaches_who_follows(running: Running, path: Path) -> None:
    async def follow() -> tuple[int, int, int]:
        server, link, following = Server(running.engine, path), EngineLink(path, 10), EngineLink(path, 1)
        await server.open()
        behind = asyncio.create_task(following.beyond(0))
        first = (await link.submit("payment", payments(1, 3)))[-1]["sequence"]
        told = await behind
        waiting = asyncio.create_task(following.beyond(first))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await link.submit("payment", payments(4, 4))
        last = await waiting
        await link.close()
        await following.close()
        await server.close()
        return first, told, last

    first, told, last = asyncio.run(follow())
    assert (told, last) == (first, first + 1)


def test_an_engine_that_stops_lets_its_followers_go(running: Running, path: Path) -> None:
    async def follow() -> int:
        server, following = Server(running.engine, path), EngineLink(path, 1)
        await server.open()
        behind = asyncio.create_task(following.beyond(10_000))
        await asyncio.sleep(0.05)
        await asyncio.wait_for(server.close(), 5)
        try:
            return await behind
        except ServiceError:
            return 0
        finally:
            await following.close()

    assert asyncio.run(follow()) == 0


def test_commits_that_come_late_find_nobody() -> None:
    async def made() -> Followed:
        return Followed()

    followed = asyncio.run(made())
    followed.committed(3)
    assert asyncio.run(asyncio.wait_for(_closed(), 5)) == 0


async def _closed() -> int:
    followed = Followed()
    followed.close()
    return await followed.beyond(7)
