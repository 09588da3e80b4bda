"""Commits announced in a Redis channel, for API workers that follow the inbox there."""

import asyncio
import hashlib
from collections.abc import Callable

from sqlalchemy.engine import URL

from risk_platform.intake.following import Followed

_AGAIN_SECONDS = 1.0


def channel_of(store: URL) -> str:
    """The channel of the installation whose operational store that is: several may share a Redis."""
    named = store.render_as_string(hide_password=True).encode()
    return f"risk-platform:inbox:{hashlib.sha256(named).hexdigest()[:16]}"


async def announce(followed: Followed, address: str, channel: str, told: Callable[[str], None]) -> None:
    """Announce how far the inbox is committed until cancelled; while Redis is away, followers find out themselves."""
    from redis.asyncio import Redis
    from redis.exceptions import RedisError

    sequence, away = 0, False
    async with Redis.from_url(address) as client:
        while True:
            sequence = await followed.beyond(sequence)
            try:
                await client.publish(channel, sequence)
                away = False
            except (RedisError, OSError) as error:
                if not away:
                    told(
                        f"Redis does not answer ({type(error).__name__}); commits are announced again once it does"
                    )
                away = True
                await asyncio.sleep(_AGAIN_SECONDS)
