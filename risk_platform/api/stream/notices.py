"""How an API worker learns that the inbox grew: from Redis, or on the engine's own socket."""

from typing import TYPE_CHECKING, Protocol

from risk_platform.errors import ServiceError

if TYPE_CHECKING:
    from redis.asyncio.client import PubSub


class Notices(Protocol):
    """Tells how far the inbox is committed; what is said while nobody asks may be missed."""

    async def beyond(self, after: int) -> int:
        """A committed sequence above `after`, once there is one; raises ServiceError when nobody tells."""

    async def close(self) -> None:
        """Listen no more."""


class RedisNotices:
    """The engine's announcements in a Redis channel."""

    def __init__(self, address: str, channel: str) -> None:
        self._address = address
        self._name = channel
        self._channel: PubSub | None = None

    async def beyond(self, after: int) -> int:
        """A committed sequence above `after`, once it is announced; raises ServiceError when Redis is not there."""
        from redis.exceptions import RedisError

        try:
            channel = self._channel or await self._subscribed()
            while True:
                message = await channel.get_message(ignore_subscribe_messages=True, timeout=None)
                if message is not None and int(message["data"]) > after:
                    return int(message["data"])
        except (RedisError, OSError) as error:
            await self.close()
            raise ServiceError(f"Redis does not answer ({type(error).__name__}).") from error

    async def close(self) -> None:
        """Leave the channel."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.aclose()  # type: ignore[no-untyped-call]
            await channel.connection_pool.aclose()

    async def _subscribed(self) -> "PubSub":
        from redis.asyncio import Redis

        self._channel = Redis.from_url(self._address).pubsub()
        await self._channel.subscribe(self._name)
        return self._channel
