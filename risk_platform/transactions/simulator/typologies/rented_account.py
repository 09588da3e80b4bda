"""Rented account: one that slept for long is let to a gang, fills within two days and is emptied again."""

import numpy as np

from risk_platform.transactions.simulator.calendar import DAY_MS, MINUTE_MS
from risk_platform.transactions.simulator.ledger import Status, concatenate
from risk_platform.transactions.simulator.scene import Episode, Scene


def rented_account(scene: Scene) -> Episode:
    """Four to nine payers into a dormant account within a day and a half; each receipt soon leaves."""
    rng = scene.rng
    account = _dormant(scene)
    payer = scene.customers(int(rng.integers(4, 10)))
    payer = payer[payer != account]
    n = len(payer)
    time_in = scene.instant(7, 20) + np.sort(rng.uniform(0, 1.5 * DAY_MS, n)).astype(np.int64)
    received = (350_000 * rng.lognormal(0, 0.9, n)).astype(np.int64) // 10_000 * 10_000 + 10_000
    fill = scene.transfers(time_in, payer, np.full(n, account), received, status=int(Status.COMPLETED))
    crew = scene.crew()
    time_out = time_in + (rng.exponential(70, n) * MINUTE_MS).astype(np.int64) + MINUTE_MS
    passed = (received * rng.uniform(0.8, 0.99, n)).astype(np.int64) // 100 * 100
    empty = scene.transfers(
        time_out,
        np.full(n, account),
        rng.choice(scene.strangers(3), n),
        passed,
        status=int(Status.COMPLETED),
        device=scene.crew_device(crew),
        network=scene.crew_network(crew),
        city=crew.city,
    )
    return Episode(concatenate([fill, empty]))


def _dormant(scene: Scene) -> int:
    people, dormant = scene.world.customers, scene.world.groups.dormant
    asleep = dormant[scene.day < people.closed_day[dormant]]
    return int(scene.rng.choice(asleep)) if len(asleep) else int(scene.customers(1)[0])
