"""What a simulation is asked for."""

from dataclasses import dataclass
from datetime import date

from risk_platform.errors import InputError

MAX_CUSTOMERS = 2_000_000
MAX_FRAUD_SHARE = 0.2


@dataclass(frozen=True)
class SimulationConfig:
    """The size, period, seed and fraud share of one simulated ecosystem.

    `customers` is the number on the first day, `fraud_share` the wanted share of payments that are fraud.
    Raises InputError when a value is outside its range.
    """

    customers: int = 5_000
    days: int = 90
    start: date = date(2026, 1, 1)
    seed: int = 7
    fraud_share: float = 0.006

    def __post_init__(self) -> None:
        if not 20 <= self.customers <= MAX_CUSTOMERS:
            raise InputError(
                f"customers is {self.customers}; simulate between 20 and {MAX_CUSTOMERS:,} of them."
            )
        if not 1 <= self.days <= 3660:
            raise InputError(f"days is {self.days}; simulate between 1 and 3660 days.")
        if not 0 <= self.seed < 2**63:
            raise InputError(f"seed is {self.seed}; give a whole number from 0 to 2^63 - 1.")
        if not 0 <= self.fraud_share <= MAX_FRAUD_SHARE:
            raise InputError(f"fraud share is {self.fraud_share}; give a share from 0 to {MAX_FRAUD_SHARE}.")
