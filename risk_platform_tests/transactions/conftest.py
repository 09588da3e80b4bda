"""Simulated payments shared by the tests of this room."""

import pytest

from risk_platform.transactions.simulator.config import SimulationConfig
from risk_platform.transactions.simulator.simulation import SimulatedPayments, simulate


@pytest.fixture(scope="session")
def ecosystem() -> SimulatedPayments:
    """Sixty days of 1,200 customers: about 140,000 payments, with every typology in it."""
    return simulate(SimulationConfig(customers=1_200, days=60))
