"""Rate limits: how often somebody may sign in or ask, counted in Redis for all workers or by each for itself."""

from dataclasses import dataclass
from typing import Self

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError

from risk_platform.api.problems import Problem
from risk_platform.errors import SettingsError
from risk_platform.operations.accounts import Role


@dataclass(frozen=True)
class Rates:
    """Most requests in a time, in the notation of `limits`: sign-ins of an account and of an address, and requests."""

    account_sign_ins: str = "10/minute"
    address_sign_ins: str = "60/minute"
    registrations: str = "20/hour"
    requests: str = "600/minute"
    service_requests: str = "60000/minute"


class RateLimits:
    """Counts requests against the rates, over a sliding window.

    With `shared` counts belong to all workers; while that storage is away each counts for itself, and `fault` says so.
    """

    def __init__(self, rates: Rates, shared: RedisStorage | None = None) -> None:
        self.rates = rates
        self.fault: str | None = None
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared = None if shared is None else SlidingWindowCounterRateLimiter(shared)
        self._parsed: dict[str, RateLimitItem] = {}

    @classmethod
    def in_redis(cls, rates: Rates, address: str, prefix: str) -> Self:
        """Limits whose counts all workers share; raises SettingsError when it is no address of a Redis."""
        if not address.startswith(("redis://", "rediss://", "unix://")):
            raise SettingsError("RISK_REDIS_URL is no address; write one such as redis://127.0.0.1:6379/0.")
        storage = RedisStorage(
            f"async+{address}", wrap_exceptions=True, implementation="redispy", key_prefix=prefix
        )
        return cls(rates, storage)

    async def sign_in(self, email: str, address: str) -> None:
        """Count an attempt to sign in; raises a 429 problem when it is one too many."""
        await self._hit(self.rates.address_sign_ins, "sign-in-address", address)
        await self._hit(self.rates.account_sign_ins, "sign-in-account", email.lower())

    async def registration(self, address: str) -> None:
        """Count a registration; raises a 429 problem when it is one too many."""
        await self._hit(self.rates.registrations, "registration", address)

    async def request(self, user_id: str, role: Role | None) -> None:
        """Count a request of somebody signed in; raises a 429 problem when it is one too many."""
        rate = self.rates.service_requests if role is Role.SERVICE else self.rates.requests
        await self._hit(rate, "request", user_id)

    async def public_request(self, address: str) -> None:
        """Count a request of nobody signed in; raises a 429 problem when it is one too many."""
        await self._hit(self.rates.requests, "public", address)

    async def _hit(self, rate: str, what: str, who: str) -> None:
        item = self._parsed.get(rate) or self._parsed.setdefault(rate, parse(rate))
        if await self._counted(item, what, who):
            return
        wait = max(1, item.get_expiry() // max(1, item.amount))
        raise Problem(
            429,
            f"At most {rate.replace('/', ' a ')} are taken; wait a moment.",
            {"Retry-After": str(wait)},
        )

    async def _counted(self, item: RateLimitItem, what: str, who: str) -> bool:
        if self._shared is None:
            return await self._own.hit(item, what, who)
        try:
            taken = await self._shared.hit(item, what, who)
        except StorageError as error:
            name = type(error.storage_error).__name__
            self.fault = f"Redis does not answer ({name}); each API worker counts requests for itself."
            return await self._own.hit(item, what, who)
        self.fault = None
        return taken
