"""Genuine episodes that look like fraud: why no rule of one line separates the two."""

from collections.abc import Callable

import numpy as np

from risk_platform.transactions.simulator.calendar import DAY_MS, HOUR_MS, MINUTE_MS
from risk_platform.transactions.simulator.equipment import ONE_OFF_DEVICES
from risk_platform.transactions.simulator.ledger import (
    Channel,
    Ledger,
    PaymentKind,
    Status,
    concatenate,
    ledger,
)
from risk_platform.transactions.simulator.scene import Scene, rising, round_sums


def collection(scene: Scene) -> Ledger:
    """A treasurer collects equal shares for a trip or a feast and pays who delivers, at times at once."""
    rng = scene.rng
    treasurer, *payers = scene.customers(1 + int(rng.integers(5, 20)))
    n, m = len(payers), int(rng.integers(1, 5))
    share = int(rng.choice([20_000, 50_000, 100_000, 150_000, 250_000, 500_000]))
    span = rng.choice([2 * HOUR_MS, 8 * HOUR_MS, 2 * DAY_MS])
    time = scene.instant(8, 20) + np.sort(rng.uniform(0, span, n)).astype(np.int64)
    paid_in = scene.transfers(time, np.array(payers), np.full(n, treasurer), np.full(n, share))
    wait = rng.uniform(0.5, rng.choice([9.0, 90.0, 900.0]), m) * MINUTE_MS
    amount = (
        (n * share * rng.uniform(0.7, 1.0) * rng.dirichlet(np.full(m, 5.0))).astype(np.int64) // 1_000 * 1_000
    )
    paid_out = scene.transfers(
        time[-1] + np.sort(wait).astype(np.int64), np.full(m, treasurer), scene.strangers(m), amount
    )
    return concatenate([paid_in, paid_out])


def big_project(scene: Scene) -> Ledger:
    """A builder, a wedding hall or a child far away gets round sums within days; the old do this too."""
    rng = scene.rng
    groups = scene.world.groups
    payer = int(scene.customers(1, groups.elderly if rng.random() < 0.45 else groups.younger)[0])
    n = int(rng.integers(2, 7))
    day = scene.day + np.sort(rng.integers(0, 5, n))
    time = scene.world.calendar.instants(day, (rng.uniform(8.5, 20.5, n) * HOUR_MS).astype(np.int64))
    first = 900_000 * scene.world.customers.means[payer] * rng.lognormal(0, 0.8)
    amount = round_sums(first * rng.lognormal(0, 0.5, n), int(rng.choice([1_000, 5_000])))
    payee = scene.strangers(1) if rng.random() < 0.7 else scene.customers(1)
    return scene.transfers(np.sort(time), np.full(n, payer), np.repeat(payee, n), amount)


def new_phone_move(scene: Scene) -> Ledger:
    """Somebody sets up a phone, sends one rupee to try it and moves money to an account of their own."""
    rng = scene.rng
    n = int(rng.integers(2, 7))
    payer = np.repeat(scene.customers(1), n + 1)
    time = rising(
        scene.instant(6, 27), np.concatenate([[rng.uniform(1, 60)], rng.exponential(15, n - 1)]) * MINUTE_MS
    )
    balance = 1_500_000 * scene.world.customers.means[payer[0]] * rng.lognormal(0, 0.9)
    amount = (balance * rng.dirichlet(np.full(n, 2.0))).astype(np.int64) // 10_000 * 10_000
    vpa = scene.new_vpa(payer) if rng.random() < 0.5 else payer * 8
    return scene.transfers(
        time,
        payer,
        np.repeat(scene.strangers(1), n + 1),
        np.concatenate([rng.integers(1, 11, 1) * 100, np.minimum(amount, 9_990_000)]),
        channel=Channel.UPI,
        instrument=vpa,
        device=ONE_OFF_DEVICES + int(rng.integers(1 << 33)),
    )


def split_invoice(scene: Scene) -> Ledger:
    """A trader pays a supplier in pieces just below a limit of the bank's app."""
    rng = scene.rng
    n = int(rng.integers(2, 7))
    limit = int(rng.choice([1_000_000, 5_000_000, 10_000_000], p=[0.6, 0.35, 0.05]))
    payer = np.repeat(scene.customers(1, scene.world.groups.well_off), n)
    time = rising(scene.instant(9, 19), rng.exponential(200, n - 1) * MINUTE_MS)
    amount = (limit * rng.uniform(0.9, 1.0, n)).astype(np.int64) // 10_000 * 10_000
    return scene.transfers(time, payer, np.repeat(scene.strangers(1), n), amount)


def promotion(scene: Scene) -> Ledger:
    """A game or a streaming service takes a few rupees from many new subscribers within the hour."""
    rng = scene.rng
    payer = scene.customers(int(rng.integers(8, 26)), scene.world.groups.card_holders)
    n = len(payer)
    time = rising(scene.instant(7, 23), rng.exponential(200_000, n - 1))
    shop = np.repeat(scene.shops(1, ("5816", "4899", "4814"), online=True), n)
    amount = np.where(rng.random(n) < 0.7, int(rng.integers(1, 50)), rng.integers(1, 50, n)) * 100
    status = np.where(rng.random(n) < 0.15, Status.DECLINED, Status.COMPLETED)
    return scene.purchases(time, payer, shop, amount, Channel.CARD, status=status)


def shopping_spree(scene: Scene) -> Ledger:
    """Many card purchases within two days in shops never visited before, some on a new device."""
    rng = scene.rng
    n = int(rng.integers(3, 9))
    payer = np.repeat(scene.customers(1, scene.world.groups.card_holders), n)
    time = scene.instant(9, 22) + np.sort(rng.uniform(0, 1.5 * DAY_MS, n)).astype(np.int64)
    codes = ("5732", "5399", "6540", "4511", "5651", "7011")
    shop = scene.shops(n, codes, online=True)
    amount = (450_000 * rng.lognormal(0, 1.0, n)).astype(np.int64) // 100 * 100
    device = {"device": ONE_OFF_DEVICES + int(rng.integers(1 << 33))} if rng.random() < 0.5 else {}
    return scene.purchases(time, payer, shop, amount, Channel.CARD, **device)


def returns(scene: Scene) -> Ledger:
    """Clothes ordered in several sizes: a few purchases in one shop, most of them sent back."""
    rng = scene.rng
    n = int(rng.integers(2, 6))
    payer = np.repeat(scene.customers(1), n)
    shop = np.repeat(scene.shops(1, ("5651", "5399", "5732"), online=True), n)
    time = rising(scene.instant(8, 23), rng.exponential(300, n - 1) * MINUTE_MS)
    amount = (120_000 * rng.lognormal(0, 0.6, n)).astype(np.int64) // 1_000 * 1_000 + 900
    bought = scene.purchases(time, payer, shop, amount, Channel.UPI, status=int(Status.COMPLETED))
    back = bought.take(np.flatnonzero(rng.random(n) < 0.6))
    wait = (rng.uniform(0.2, 6, len(back)) * DAY_MS).astype(np.int64)
    columns = ("payer", "payee", "channel", "category", "instrument", "city", "amount_minor")
    kept = {name: getattr(back, name) for name in columns}
    return concatenate([bought, ledger(back.time_ms + wait, kind=int(PaymentKind.REFUND), **kept)])


def benefit_day(scene: Scene) -> Ledger:
    """Pensions have arrived in the village: many take out their cash at one agent, often the full amount."""
    rng, people = scene.rng, scene.world.customers
    town = int(people.home[scene.customers(1)][0])
    payer = scene.customers(
        int(rng.integers(4, 12)),
        scene.world.groups.residents(town),
        lambda drawn: people.card_love[drawn] < 0.5,
    )
    agent = scene.world.agents.draw(np.array([town]), rng)
    time = np.sort(scene.instant(8, 10) + (rng.uniform(0, 9, len(payer)) * HOUR_MS).astype(np.int64))
    amount = rng.choice([200_000, 300_000, 500_000, 1_000_000], len(payer), p=[0.25, 0.25, 0.3, 0.2])
    return scene.purchases(time, payer, np.repeat(agent, len(payer)), amount, Channel.AEPS)


LOOKALIKES: tuple[Callable[[Scene], Ledger], ...] = (
    collection,
    big_project,
    new_phone_move,
    split_invoice,
    promotion,
    shopping_spree,
    returns,
    benefit_day,
)
