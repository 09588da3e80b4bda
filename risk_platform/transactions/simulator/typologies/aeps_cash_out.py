"""AePS cash-out: copied fingerprints take cash at one banking agent from several accounts."""

import numpy as np

from risk_platform.transactions.simulator.calendar import HOUR_MS
from risk_platform.transactions.simulator.ledger import Channel
from risk_platform.transactions.simulator.scene import Episode, Scene


def aeps_cash_out(scene: Scene) -> Episode:
    """Three to seven rural or elderly victims, one to three withdrawals up to 10,000 rupees, in two days."""
    rng, people = scene.rng, scene.world.customers
    agents = scene.world.agents
    town = int(rng.choice(people.home[scene.customers(5)]))
    agent = int(agents.draw(np.array([town]), rng)[0])
    victims = scene.customers(
        int(rng.integers(3, 8)), scene.world.groups.weak, lambda drawn: people.home[drawn] == town
    )
    payer = np.repeat(victims, rng.integers(1, 4, len(victims)))
    n = len(payer)
    day = scene.day + rng.integers(0, 2, n)
    time = np.sort(scene.world.calendar.instants(day, (rng.uniform(8.5, 18.5, n) * HOUR_MS).astype(np.int64)))
    amount = rng.choice([300_000, 500_000, 800_000, 950_000, 1_000_000], n, p=[0.15, 0.25, 0.15, 0.1, 0.35])
    return Episode(
        scene.purchases(time, payer, np.full(n, agent), amount, Channel.AEPS, status=scene.refused(n, 0.06))
    )
