"""Account takeover: somebody else signs in, mostly on a new device, and empties the account."""

import numpy as np

from risk_platform.transactions.simulator.calendar import MINUTE_MS
from risk_platform.transactions.simulator.ledger import Channel, Ints, Ledger, concatenate
from risk_platform.transactions.simulator.scene import Crew, Episode, Scene, rising

_SHOPS = ("5732", "5399", "6540", "5816")


def account_takeover(scene: Scene) -> Episode:
    """One victim, two to seven payments to mules and shops; a third by remote access to the own phone."""
    rng = scene.rng
    victim = scene.customers(1)
    crew, n = scene.crew(), int(rng.integers(2, 8))
    start = scene.instant(0, 24) if rng.random() < 0.6 else scene.instant(21, 29)
    time = rising(start, rng.exponential(6, n - 1) * MINUTE_MS)
    balance = 1_400_000 * scene.world.customers.means[victim[0]] * rng.lognormal(0, 0.8)
    amount = (balance * rng.dirichlet(np.ones(n)) * 0.95).astype(np.int64) // 100 * 100
    shopping = rng.random(n) < 0.4
    equipment = {} if rng.random() < 0.3 else _foreign_equipment(scene, crew, int(victim[0]))
    payer, mules = np.repeat(victim, n), scene.drops(2)
    sent = scene.transfers(
        time[~shopping],
        payer[~shopping],
        rng.choice(mules, int((~shopping).sum())),
        amount[~shopping],
        **equipment,
    )
    return Episode(concatenate([sent, _shopping(scene, time[shopping], payer, amount[shopping], equipment)]))


def _shopping(
    scene: Scene, time: Ints, payer: Ints, amount: Ints, equipment: dict[str, Ints | int]
) -> Ledger:
    shop = np.repeat(scene.shops(1, _SHOPS, online=True), len(time))
    channel = Channel.UPI if scene.rng.random() < 0.6 else Channel.CARD
    return scene.purchases(time, payer[: len(time)], shop, amount, channel, **equipment)


def _foreign_equipment(scene: Scene, crew: Crew, victim: int) -> dict[str, Ints | int]:
    city = crew.city if scene.rng.random() < 0.5 else int(scene.world.customers.home[victim])
    return {"device": scene.crew_device(crew), "network": scene.crew_network(crew), "city": city}
