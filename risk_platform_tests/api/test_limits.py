"""Rate limits: too many of anything is 429 with the time to wait."""

from collections.abc import Callable

import pytest

from risk_platform.api.limits import RateLimits, Rates
from risk_platform.api.problems import Problem
from risk_platform.operations.accounts import Role

RATES = Rates("2/minute", "5/minute", "1/hour", "3/minute", "4/minute")


def refused_after(act: Callable[[], None], taken: int) -> None:
    for _ in range(taken):
        act()
    with pytest.raises(Problem) as refusal:
        act()
    assert refusal.value.status == 429
    assert int(refusal.value.headers["Retry-After"]) >= 1


def test_sign_ins_are_limited_by_account_and_by_address() -> None:
    limits = RateLimits(RATES)
    refused_after(lambda: limits.sign_in("A@example.com", "10.0.0.1"), 2)
    limits = RateLimits(RATES)
    names = iter(range(100))
    refused_after(lambda: limits.sign_in(f"a{next(names)}@example.com", "10.0.0.1"), 5)
    limits.sign_in("a@example.com", "10.0.0.2")


@pytest.mark.parametrize(("role", "taken"), [(Role.ANALYST, 3), (Role.SERVICE, 4), (None, 3)])
def test_requests_are_limited_by_user(role: Role | None, taken: int) -> None:
    limits = RateLimits(RATES)
    refused_after(lambda: limits.request("u1", role), taken)
    limits.request("u2", role)


def test_registrations_are_limited_by_address() -> None:
    limits = RateLimits(RATES)
    refused_after(lambda: limits.registration("10.0.0.1"), 1)
