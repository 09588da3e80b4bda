"""Mule ring: many victims pay one lent account, which passes the money on to others within ten minutes."""

import numpy as np

from risk_platform.transactions.simulator.calendar import HOUR_MS, MINUTE_MS
from risk_platform.transactions.simulator.ledger import Status, concatenate
from risk_platform.transactions.simulator.scene import Episode, Scene

LONGEST_FAN_OUT_MS = 10 * MINUTE_MS


def mule_ring(scene: Scene) -> Episode:
    """Five to twelve payers within hours, then three to six transfers of nearly all of it in ten minutes."""
    rng = scene.rng
    mule, layer = int(scene.mules(1)[0]), scene.drops(int(rng.integers(1, 4)))
    layer = layer[layer != mule]
    payer = scene.customers(int(rng.integers(5, 13)))
    payer = payer[payer != mule]
    start = scene.instant(8, 21)
    time_in = start + np.sort(rng.uniform(0, rng.uniform(1, 5) * HOUR_MS, len(payer))).astype(np.int64)
    received = (280_000 * rng.lognormal(0, 0.9, len(payer))).astype(np.int64) // 10_000 * 10_000 + 10_000
    fan_in = scene.transfers(
        time_in, payer, np.full(len(payer), mule), received, status=int(Status.COMPLETED)
    )
    n = int(rng.integers(3, 7))
    time_out = time_in[-1] + np.sort(rng.uniform(20_000, LONGEST_FAN_OUT_MS, n)).astype(np.int64)
    passed = (received.sum() * rng.uniform(0.85, 0.99) * rng.dirichlet(np.full(n, 6.0))).astype(np.int64)
    payee = np.concatenate([layer, scene.strangers(n)])[:n]
    fan_out = scene.transfers(
        time_out, np.full(n, mule), payee, passed // 100 * 100, status=int(Status.COMPLETED), **_phone(scene)
    )
    return Episode(concatenate([fan_in, fan_out]))


def _phone(scene: Scene) -> dict[str, int]:
    """Half of the mules hand over their phone's place to the gang, the others do as they are told."""
    if scene.rng.random() < 0.5:
        return {}
    crew = scene.crew()
    return {"device": scene.crew_device(crew), "network": scene.crew_network(crew)}
