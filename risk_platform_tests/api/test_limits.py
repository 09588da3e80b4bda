"""Rate limits: too many of anything is 429 with the time to wait."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from risk_platform.api.limits import RateLimits, Rates
from risk_platform.api.problems import Problem
from risk_platform.errors import SettingsError
from risk_platform.operations.accounts import Role

RATES = Rates("2/minute", "5/minute", "1/hour", "3/minute", "4/minute")


async def taken(act: Callable[[], Awaitable[None]]) -> int:
    """How many come through before one is refused as too many, with the time to wait; -1 for any other refusal."""
    for number in range(100):
        try:
            await act()
        except Problem as refusal:
            return number if refusal.status == 429 and int(refusal.headers["Retry-After"]) >= 1 else -1
    return 100


def test_sign_ins_are_limited_by_account_and_by_address() -> None:
    async def sign_in() -> tuple[int, int, int]:
        limits, names = RateLimits(RATES), iter(range(100))
        of_account = await taken(lambda: limits.sign_in("A@example.com", "10.0.0.1"))
        limits = RateLimits(RATES)
        of_address = await taken(lambda: limits.sign_in(f"a{next(names)}@example.com", "10.0.0.1"))
        return of_account, of_address, await taken(lambda: limits.sign_in("b@example.com", "10.0.0.2"))

    assert asyncio.run(sign_in()) == (2, 5, 2)


@pytest.mark.parametrize(("role", "most"), [(Role.ANALYST, 3), (Role.SERVICE, 4), (None, 3)])
def test_requests_are_limited_by_user(role: Role | None, most: int) -> None:
    async def ask() -> list[int]:
        limits = RateLimits(RATES)
        return [await taken(lambda user=user: limits.request(user, role)) for user in ("u1", "u2")]  # type: ignore[misc]

    assert asyncio.run(ask()) == [most, most]


def test_registrations_are_limited_by_address() -> None:
    async def register() -> int:
        limits = RateLimits(RATES)
        return await taken(lambda: limits.registration("10.0.0.1"))

    assert asyncio.run(register()) == 1


def test_workers_count_for_themselves_while_redis_is_away() -> None:
    async def ask() -> str | None:
        limits = RateLimits.in_redis(RATES, "redis://127.0.0.1:1/0", "test")
        assert await taken(lambda: limits.request("u1", Role.ANALYST)) == 3
        return limits.fault

    assert "each API worker counts requests for itself" in str(asyncio.run(ask()))


def test_what_is_no_redis_is_refused() -> None:
    with pytest.raises(SettingsError, match="RISK_REDIS_URL"):
        RateLimits.in_redis(RATES, "http://127.0.0.1", "test")
