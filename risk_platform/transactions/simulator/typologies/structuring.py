"""Structuring: a sum is cut into payments just below a limit that would have them delayed or reported."""

import numpy as np

from risk_platform.transactions.simulator.calendar import HOUR_MS
from risk_platform.transactions.simulator.scene import Episode, Scene

# One-hour lag, trusted person, and cash reporting, in paise.
LIMITS_MINOR = (1_000_000, 5_000_000, 100_000_000)
_LIMIT_SHARES = (0.55, 0.41, 0.04)
LOWEST_SHARE = 0.93


def structuring(scene: Scene) -> Episode:
    """One payer, four to nine payments of 93 % to under 100 % of a limit, two payees at most, three days."""
    rng = scene.rng
    limit = int(rng.choice(LIMITS_MINOR, p=_LIMIT_SHARES))
    n = int(rng.integers(4, 10))
    payer = np.repeat(scene.customers(1, scene.world.groups.well_off), n)
    payees = scene.strangers(2) if rng.random() < 0.6 else scene.drops(2)
    day = scene.day + rng.integers(0, 3, n)
    time = np.sort(scene.world.calendar.instants(day, (rng.uniform(8, 22, n) * HOUR_MS).astype(np.int64)))
    step = int(rng.choice([100, 10_000, 50_000]))
    below = (limit * rng.uniform(LOWEST_SHARE, 0.9999, n)).astype(np.int64) // step * step
    amount = np.clip(below, int(limit * LOWEST_SHARE), limit - 100)
    return Episode(scene.transfers(time, payer, rng.choice(payees, n), amount))
