"""Turns before something that takes a few at once: a bounded line of those who wait."""

import asyncio

from risk_platform.intake.failures import EngineBusy


class Turns:
    """Lets `at_once` through; at most `waiting` more wait, whoever comes then is refused as busy."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._most = waiting
        self._waiting = 0

    async def __aenter__(self) -> None:
        """Wait for a turn; raises EngineBusy when too many wait already."""
        if self._waiting >= self._most:
            raise EngineBusy(
                f"{self._waiting} batches wait already; nothing was taken, send it a moment later."
            )
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1

    async def __aexit__(self, *_: object) -> None:
        """Give the turn on."""
        self._free.release()
