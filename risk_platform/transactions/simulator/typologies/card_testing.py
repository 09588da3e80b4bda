"""Card testing: stolen cards are tried with tiny amounts at one merchant, then used for large ones."""

import numpy as np

from risk_platform.transactions.simulator.calendar import HOUR_MS
from risk_platform.transactions.simulator.equipment import ONE_OFF_DEVICES
from risk_platform.transactions.simulator.ledger import Channel, Ints, Status, concatenate
from risk_platform.transactions.simulator.scene import Episode, Scene, rising

LARGEST_TEST_MINOR = 4_900
_TEST_SHOPS = ("5816", "4899", "4814")
_SPOIL_SHOPS = ("5732", "5399", "6540", "4511", "5651")


def card_testing(scene: Scene) -> Episode:
    """Eight to twenty cards tried within minutes, on one device or on many; then large purchases on some."""
    rng = scene.rng
    crew = scene.crew()
    cards = scene.customers(int(rng.integers(8, 21)), scene.world.groups.card_holders)
    n = len(cards)
    equipment: dict[str, Ints | int] = {
        "device": scene.crew_device(crew),
        "network": scene.crew_network(crew),
        "city": crew.city,
    }
    status = scene.refused(n, 0.3)
    time = rising(scene.instant(0, 24), rng.uniform(4_000, 90_000, n - 1))
    shop = np.repeat(scene.shops(1, _TEST_SHOPS, online=True), n)
    amount = rng.integers(1, LARGEST_TEST_MINOR // 100 + 1, n) * 100
    tried_on = {"device": ONE_OFF_DEVICES + rng.integers(1 << 33, size=n)} if rng.random() < 0.5 else {}
    tests = scene.purchases(time, cards, shop, amount, Channel.CARD, status=status, **(equipment | tried_on))
    good = cards[(status == Status.COMPLETED) & (rng.random(n) < 0.55)]
    used = np.repeat(good, rng.integers(1, 3, len(good)))
    later = time[-1] + (rng.uniform(0.5, 40, len(used)) * HOUR_MS).astype(np.int64)
    spoil = scene.shops(len(used), _SPOIL_SHOPS, online=True)
    price = (650_000 * rng.lognormal(0, 0.8, len(used))).astype(np.int64) // 100 * 100
    spending = scene.purchases(
        later, used, spoil, price, Channel.CARD, status=scene.refused(len(used), 0.1), **equipment
    )
    return Episode(concatenate([tests, spending]))
