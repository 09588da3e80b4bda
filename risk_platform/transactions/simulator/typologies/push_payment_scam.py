"""Authorised push payment: the victim is talked into paying, as in a «digital arrest»."""

import numpy as np

from risk_platform.transactions.simulator.calendar import DAY_MS, HOUR_MS
from risk_platform.transactions.simulator.ledger import Ints
from risk_platform.transactions.simulator.scene import Episode, Scene, round_sums

ROUND_STEP_RUPEES = 5_000


def push_payment_scam(scene: Scene) -> Episode:
    """An elderly payer in seven of ten cases, two to six growing round sums to one new payee over days."""
    rng, groups = scene.rng, scene.world.groups
    victim = int(scene.customers(1, groups.elderly if rng.random() < 0.7 else groups.younger)[0])
    n = int(rng.integers(2, 7))
    payee = int(scene.drops(1)[0]) if rng.random() < 0.6 else int(scene.strangers(1)[0])
    time = _working_hours(scene, n)
    first = 900_000 * scene.world.customers.means[victim] * rng.lognormal(0, 0.8)
    amount = round_sums(first * np.cumprod(rng.uniform(0.8, 1.7, n)), ROUND_STEP_RUPEES)
    return Episode(scene.transfers(time, np.full(n, victim), np.full(n, payee), amount))


def _working_hours(scene: Scene, n: int) -> Ints:
    """Instants between 9:30 and 19:30, spread over up to three days."""
    day = scene.day + np.sort(scene.rng.integers(0, int(scene.rng.integers(1, 4)), n))
    clock = scene.rng.uniform(9.5, 19.5, n) * HOUR_MS
    return np.sort(scene.world.calendar.start_ms + day * DAY_MS + clock.astype(np.int64))
