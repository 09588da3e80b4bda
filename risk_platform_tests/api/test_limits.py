"""Rate limits: too many of anything is 429 with the time to wait."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from risk_platform.api.limits import RateLimits, Rates
from risk_platform.api.problems import Problem
from risk_platform.errors import SettingsError
from risk_platform.operations.accounts import Role

RATES = Rates("2/minute", "5/minute", "1/hour", "3/minute", "4/minute")


async def refused_after(act: Callable[[], Awaitable[None]], taken: int) -> None:
    for _ in range(taken):
        await act()
    with pytest.raises(Problem) as refusal:
        await act()
    assert refusal.value.status == 429
    assert int(refusal.value.headers["Retry-After"]) >= 1


def test_sign_ins_are_limited_by_account_and_by_address() -> None:
    async def sign_in() -> None:
        limits = RateLimits(RATES)
        await refused_after(lambda: limits.sign_in("A@example.com", "10.0.0.1"), 2)
        limits = RateLimits(RATES)
        names = iter(range(100))
        await refused_after(lambda: limits.sign_in(f"a{next(names)}@example.com", "10.0.0.1"), 5)
        await limits.sign_in("a@example.com", "10.0.0.2")

    asyncio.run(sign_in())


@pytest.mark.parametrize(("role", "taken"), [(Role.ANALYST, 3), (Role.SERVICE, 4), (None, 3)])
def test_requests_are_limited_by_user(role: Role | None, taken: int) -> None:
    async def ask() -> None:
        limits = RateLimits(RATES)
        await refused_after(lambda: limits.request("u1", role), taken)
        await limits.request("u2", role)

    asyncio.run(ask())


def test_registrations_are_limited_by_address() -> None:
    async def register() -> None:
        limits = RateLimits(RATES)
        await refused_after(lambda: limits.registration("10.0.0.1"), 1)

    asyncio.run(register())


def test_workers_count_for_themselves_while_redis_is_away() -> None:
    async def ask() -> str | None:
        limits = RateLimits.in_redis(RATES, "redis://127.0.0.1:1/0", "test")
        await refused_after(lambda: limits.request("u1", Role.ANALYST), 3)
        return limits.fault

    assert "each API worker counts requests for itself" in str(asyncio.run(ask()))


def test_what_is_no_redis_is_refused() -> None:
    with pytest.raises(SettingsError, match="RISK_REDIS_URL"):
        RateLimits.in_redis(RATES, "http://127.0.0.1", "test")
