"""How far the inbox is committed, for those who wait for more of it."""

import asyncio
from contextlib import suppress


class Followed:
    """The last committed sequence of the inbox; belongs to the event loop it is made in."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._sequence = 0
        self._closed = False

    def committed(self, sequence: int) -> None:
        """Note that the inbox is committed up to there; any thread may say so."""
        # What is committed after the loop ended has nobody who waits for it.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._advance, sequence)

    async def beyond(self, after: int) -> int:
        """The last committed sequence once it is above `after`; at once, and not above it, when closed."""
        while self._sequence <= after and not self._closed:
            await self._changed.wait()
        return self._sequence

    def close(self) -> None:
        """Let everybody go who waits."""
        self._closed = True
        self._advance(self._sequence)

    def _advance(self, sequence: int) -> None:
        self._sequence = max(self._sequence, sequence)
        self._changed.set()
        self._changed = asyncio.Event()
