"""Merchant collusion: a merchant and a clique of customers buy and refund to farm cashback."""

import numpy as np

from risk_platform.transactions.simulator.calendar import DAY_MS, HOUR_MS
from risk_platform.transactions.simulator.equipment import SLOTS
from risk_platform.transactions.simulator.ledger import (
    Channel,
    Ints,
    PaymentKind,
    Status,
    concatenate,
    ledger,
)
from risk_platform.transactions.simulator.scene import Episode, Scene

_SHOPS = ("5732", "5651", "5411", "5311", "7230", "5251")
# What a refund has in common with its purchase.
_KEPT = ("payer", "payee", "amount_minor", "channel", "category", "instrument", "city")
_CASHBACK_FLOORS = (50_000, 100_000, 200_000, 500_000)


def merchant_collusion(scene: Scene) -> Episode:
    """Three to seven customers, two or three purchases each just over a cashback floor, half refunded."""
    rng = scene.rng
    shop = int(scene.shops(1, _SHOPS, online=bool(rng.random() < 0.3))[0])
    clique = scene.customers(int(rng.integers(3, 8)))
    payer = np.repeat(clique, rng.integers(2, 4, len(clique)))
    n = len(payer)
    day = scene.day + rng.integers(0, 6, n)
    clock = (rng.uniform(9, 22, n) * HOUR_MS).astype(np.int64)
    time = scene.world.calendar.instants(day, clock)
    floor = int(rng.choice(_CASHBACK_FLOORS))
    amount = (floor * rng.uniform(1.0, 1.35, n)).astype(np.int64) // 100 * 100
    bought = scene.purchases(
        time,
        payer,
        np.full(n, shop),
        amount,
        Channel.UPI,
        status=int(Status.COMPLETED),
        **_one_phone(scene, clique),
    )
    back = bought.take(np.flatnonzero(rng.random(n) < 0.5))
    wait = (rng.uniform(0.02, 1.2, len(back)) * DAY_MS).astype(np.int64)
    kept = {name: getattr(back, name) for name in _KEPT}
    return Episode(concatenate([bought, ledger(back.time_ms + wait, kind=int(PaymentKind.REFUND), **kept)]))


def _one_phone(scene: Scene, clique: Ints) -> dict[str, int]:
    """Two cliques in five work from the phone and the network of one member."""
    if scene.rng.random() > 0.4:
        return {}
    return {"device": int(clique[0]) * SLOTS, "network": int(clique[0])}
