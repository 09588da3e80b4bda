"""Rate limits: how often somebody may sign in or ask; each worker process counts for itself."""

from dataclasses import dataclass, field

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from risk_platform.api.problems import Problem
from risk_platform.operations.accounts import Role


@dataclass(frozen=True)
class Rates:
    """Most requests in a time, in the notation of `limits`: sign-ins of an account and of an address, and requests."""

    account_sign_ins: str = "10/minute"
    address_sign_ins: str = "60/minute"
    registrations: str = "20/hour"
    requests: str = "600/minute"
    service_requests: str = "60000/minute"


@dataclass(frozen=True)
class RateLimits:
    """Counts requests against the rates, over a sliding window."""

    rates: Rates
    _limiter: SlidingWindowCounterRateLimiter = field(
        default_factory=lambda: SlidingWindowCounterRateLimiter(MemoryStorage())
    )
    _parsed: dict[str, RateLimitItem] = field(default_factory=dict)

    def sign_in(self, email: str, address: str) -> None:
        """Count an attempt to sign in; raises a 429 problem when it is one too many."""
        self._hit(self.rates.address_sign_ins, "sign-in-address", address)
        self._hit(self.rates.account_sign_ins, "sign-in-account", email.lower())

    def registration(self, address: str) -> None:
        """Count a registration; raises a 429 problem when it is one too many."""
        self._hit(self.rates.registrations, "registration", address)

    def request(self, user_id: str, role: Role | None) -> None:
        """Count a request of somebody signed in; raises a 429 problem when it is one too many."""
        rate = self.rates.service_requests if role is Role.SERVICE else self.rates.requests
        self._hit(rate, "request", user_id)

    def public_request(self, address: str) -> None:
        """Count a request of nobody signed in; raises a 429 problem when it is one too many."""
        self._hit(self.rates.requests, "public", address)

    def _hit(self, rate: str, what: str, who: str) -> None:
        item = self._parsed.get(rate) or self._parsed.setdefault(rate, parse(rate))
        if not self._limiter.hit(item, what, who):
            wait = max(1, item.get_expiry() // max(1, item.amount))
            raise Problem(
                429,
                f"At most {rate.replace('/', ' a ')} are taken; wait a moment.",
                {"Retry-After": str(wait)},
            )
