"""SIM swap: the number moves to another SIM, the VPA is registered anew, a test payment, then the drain."""

import numpy as np

from risk_platform.transactions.simulator.calendar import MINUTE_MS
from risk_platform.transactions.simulator.ledger import Channel, Status
from risk_platform.transactions.simulator.scene import Episode, Scene, rising


def sim_swap(scene: Scene) -> Episode:
    """One victim: 1 to 10 rupees on the new SIM, then four to nine large transfers to mules in two hours."""
    rng = scene.rng
    crew, n = scene.crew(), int(rng.integers(4, 10))
    victim = np.repeat(scene.customers(1), n + 1)
    pauses = np.concatenate([[rng.uniform(3, 40)], rng.uniform(1, 14, n - 1)]) * MINUTE_MS
    balance = 3_000_000 * scene.world.customers.means[victim[0]] * rng.lognormal(0, 0.7)
    drained = np.clip(balance * rng.dirichlet(np.full(n, 4.0)), 50_000, 9_990_000)
    test = rng.integers(1, 11, 1) * 100
    mules = scene.drops(int(rng.integers(1, 4)))
    frauds = scene.transfers(
        rising(scene.instant(0, 24), pauses),
        victim,
        np.concatenate([mules[:1], rng.choice(mules, n)]),
        np.concatenate([test, drained.astype(np.int64) // 10_000 * 10_000]),
        channel=Channel.UPI,
        instrument=scene.new_vpa(victim),
        device=scene.crew_device(crew),
        network=scene.crew_network(crew),
        status=np.concatenate([[int(Status.COMPLETED)], scene.refused(n, 0.08)]),
    )
    return Episode(frauds)
