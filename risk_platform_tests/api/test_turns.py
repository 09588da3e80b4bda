"""Batches take turns before the engine, and too many of them are refused."""

import asyncio

import pytest

from risk_platform.api.turns import Turns
from risk_platform.intake.failures import EngineBusy


def test_some_go_some_wait_and_the_rest_is_refused() -> None:
    async def come() -> tuple[list[int], int]:
        turns, let_go, order = Turns(2, 3), asyncio.Event(), list[int]()

        async def one(number: int) -> None:
            async with turns:
                order.append(number)
                await let_go.wait()

        tasks = [asyncio.create_task(one(number)) for number in range(6)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert order == [0, 1]
        with pytest.raises(EngineBusy, match="3 batches wait"):
            await tasks[5]
        let_go.set()
        await asyncio.gather(*tasks[:5])
        async with turns:
            return order, len(tasks)

    assert asyncio.run(come()) == ([0, 1, 2, 3, 4], 6)
