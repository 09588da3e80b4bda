"""What customers do on their own every day: shopping, paying each other, taking out cash."""

import numpy as np

from risk_platform.transactions.simulator.amounts import people_amounts, shop_amounts
from risk_platform.transactions.simulator.calendar import DAY_MS, MINUTE_MS
from risk_platform.transactions.simulator.equipment import at_terminal, devices, hidden, instruments, networks
from risk_platform.transactions.simulator.ledger import (
    Bools,
    Channel,
    Floats,
    Ints,
    Ledger,
    PaymentKind,
    Status,
    concatenate,
    ledger,
)
from risk_platform.transactions.simulator.merchants import online_key
from risk_platform.transactions.simulator.places import PROFILES, categories, cities, clock_times
from risk_platform.transactions.simulator.world import CONTACTS, FAVOURITES, World, popular_persons

UPI_LIMIT_MINOR = 10_000_000
IMPS_LIMIT_MINOR = 50_000_000
RTGS_FLOOR_MINOR = 20_000_000
AEPS_LIMIT_MINOR = 1_000_000
ATM_LIMIT_MINOR = 4_000_000
# Completed, declined, attempted, reversed.
_STATUS_LADDER = np.cumsum([0.972, 0.018, 0.007])


def daily_rates(world: World, day: int) -> Floats:
    """Expected everyday payments of each customer on `day`."""
    people, calendar = world.customers, world.calendar
    busy = np.where(in_life_event(world, np.arange(len(people)), np.full(len(people), day)), 1.5, 1.0)
    rates: Floats = people.rate * people.active(day) * busy * calendar.activity[day]
    rates *= calendar.glow[people.salary_rule, day]
    return rates


def in_life_event(world: World, customer: Ints, day: Ints) -> Bools:
    """Whether a customer is in a busy time of life (a wedding, a move, an illness)."""
    start = world.customers.life_from[customer]
    return (start <= day) & (day < start + 6)


def everyday_payments(world: World, days: range, rng: np.random.Generator) -> Ledger:
    """The everyday payments of `days`, with refunds and second attempts (these may fall on later days)."""
    payer, day = _who_pays(world, days, rng)
    people = world.customers
    draw = rng.random(len(payer))
    cash = draw < people.cash_share[payer]
    transfer = ~cash & (draw < people.cash_share[payer] + people.transfer_share[payer])
    shopping = ~cash & ~transfer
    bought = _purchases(world, payer[shopping], day[shopping], rng)
    made = concatenate(
        [
            bought,
            _transfers(world, payer[transfer], day[transfer], rng),
            _withdrawals(world, payer[cash], day[cash], rng),
        ]
    )
    return concatenate([made, _refunds(bought, rng), _second_attempts(made, rng)])


def transfer_channels(amount: Ints, rng: np.random.Generator) -> Ints:
    """Rails between people and accounts: UPI up to its limit, else IMPS, NEFT or RTGS."""
    draw = rng.random(len(amount))
    small = np.where(draw < 0.93, Channel.UPI, np.where(draw < 0.98, Channel.IMPS, Channel.NEFT))
    large = np.where(draw < 0.6, Channel.IMPS, Channel.NEFT)
    large = np.where((amount > IMPS_LIMIT_MINOR) & (draw < 0.6), Channel.NEFT, large)
    large = np.where((amount >= RTGS_FLOOR_MINOR) & (draw > 0.8), Channel.RTGS, large)
    return np.where(amount <= UPI_LIMIT_MINOR, small, large)


def ordinary_statuses(n: int, rng: np.random.Generator) -> Ints:
    """Statuses as they fall when nothing is wrong."""
    return np.searchsorted(_STATUS_LADDER, rng.random(n), side="right")


def _who_pays(world: World, days: range, rng: np.random.Generator) -> tuple[Ints, Ints]:
    payers = []
    for day in days:
        ladder = np.cumsum(daily_rates(world, day))
        count = rng.poisson(ladder[-1])
        payers.append(np.searchsorted(ladder, np.sort(rng.random(count)) * ladder[-1], side="right"))
    counts = [len(payer) for payer in payers]
    return np.concatenate(payers), np.repeat(np.arange(days.start, days.stop), counts)


def _purchases(world: World, payer: Ints, day: Ints, rng: np.random.Generator) -> Ledger:
    people, merchants, n = world.customers, world.merchants, len(payer)
    here = people.whereabouts(payer, day)
    shop = _chosen_shops(world, payer, here, day, rng)
    position = merchants.position(shop)
    category = merchants.category[position]
    online = merchants.city[position] < 0
    busy = np.where(in_life_event(world, payer, day), 2.2, 1.0)
    scale = people.means[payer] * people.taste[payer, category] * merchants.price_level[position] * busy
    amount = shop_amounts(category, scale, rng)
    channel = _shop_channels(world, payer, category, online, here, amount, rng)
    city = np.where(online, here, merchants.city[position])
    terminal = at_terminal(channel, online)
    return ledger(
        world.calendar.instants(day, clock_times(categories().profile[category], rng)),
        payer=payer,
        payee=shop,
        amount_minor=amount,
        channel=channel,
        kind=PaymentKind.PURCHASE,
        status=ordinary_statuses(n, rng),
        category=category,
        instrument=instruments(world, payer, day, channel),
        device=hidden(devices(world, payer, day, rng), terminal),
        network=hidden(networks(payer, city, rng), terminal),
        city=city,
    )


def _chosen_shops(world: World, payer: Ints, here: Ints, day: Ints, rng: np.random.Generator) -> Ints:
    n = len(payer)
    rank = (FAVOURITES * rng.random(n) ** 1.7).astype(np.int64)
    favourite = world.favourites[payer, rank]
    favourite_town = world.merchants.city[world.merchants.position(favourite)]
    reachable = (favourite_town < 0) | (favourite_town == here)
    usual = rng.random(n) < np.where(in_life_event(world, payer, day), 0.45, 0.74)
    online = rng.random(n) < world.customers.online_share[payer]
    other = world.shops.draw(np.where(online, online_key(), here), rng)
    return np.where(usual & reachable, favourite, other)


def _shop_channels(
    world: World,
    payer: Ints,
    category: Ints,
    online: Bools,
    here: Ints,
    amount: Ints,
    rng: np.random.Generator,
) -> Ints:
    draw = rng.random(len(payer))
    card = np.clip(categories().card_share[category] * world.customers.card_love[payer], 0.0, 0.92)
    card = np.where(np.isin(here, cities().abroad), 0.95, card)
    other = np.where(online & (draw > 0.95), Channel.WALLET, Channel.UPI)
    other = np.where(online & (draw > 0.91) & (draw <= 0.95) & (amount > 100_000), Channel.NETBANKING, other)
    other = np.where(amount > UPI_LIMIT_MINOR, Channel.CARD, other)
    return np.where(draw < card, Channel.CARD, other)


def _transfers(world: World, payer: Ints, day: Ints, rng: np.random.Generator) -> Ledger:
    people, n = world.customers, len(payer)
    payee, stranger = _chosen_payees(world, payer, day, rng)
    busy = np.where(in_life_event(world, payer, day), 3.0, 1.0)
    closeness = np.exp(0.6 * np.sin(payee * 12.9898 + payer * 78.233))
    median = 38_000 * people.means[payer] * closeness * busy * np.where(stranger, 1.6, 1.0)
    amount = np.where(payee == payer, 100, people_amounts(median, 1.45, rng))
    channel = transfer_channels(amount, rng)
    city = people.whereabouts(payer, day)
    return ledger(
        world.calendar.instants(day, clock_times(np.full(n, PROFILES.index("any")), rng)),
        payer=payer,
        payee=payee,
        amount_minor=amount,
        channel=channel,
        kind=PaymentKind.TRANSFER,
        status=ordinary_statuses(n, rng),
        instrument=instruments(world, payer, day, channel),
        device=devices(world, payer, day, rng),
        network=networks(payer, city, rng),
        city=city,
    )


def _chosen_payees(world: World, payer: Ints, day: Ints, rng: np.random.Generator) -> tuple[Ints, Bools]:
    """Payees, and which of them are new faces: one in ten, more in a busy time of life."""
    n = len(payer)
    rank = (CONTACTS * rng.random(n) ** 1.6).astype(np.int64)
    draw = rng.random(n)
    stranger = draw < np.where(in_life_event(world, payer, day), 0.35, 0.10)
    vendor = ~stranger & (draw < 0.28)
    anybody = rng.integers(world.parties.first_person, world.parties.first_merchant, n)
    customer = rng.integers(0, world.parties.customers, n)
    fresh = np.where(rng.random(n) < 0.4, customer, anybody)
    payee = np.where(stranger, fresh, world.contacts[payer, rank])
    payee = np.where(vendor, popular_persons(world.parties, n, rng), payee)
    return np.where(payee == payer, anybody, payee), stranger


def _withdrawals(world: World, payer: Ints, day: Ints, rng: np.random.Generator) -> Ledger:
    people, n = world.customers, len(payer)
    city = people.whereabouts(payer, day)
    rural = people.card_love[payer] < 0.2
    agent = rural & (rng.random(n) < 0.8) & np.isin(city, cities().at_home)
    payee = np.where(agent, world.agents.draw(city, rng), world.cash_machines.draw(city, rng))
    channel = np.where(agent, Channel.AEPS, Channel.ATM)
    category = world.merchants.category[world.merchants.position(payee)]
    amount = shop_amounts(category, people.means[payer], rng)
    return ledger(
        world.calendar.instants(day, clock_times(categories().profile[category], rng)),
        payer=payer,
        payee=payee,
        amount_minor=np.minimum(amount, np.where(agent, AEPS_LIMIT_MINOR, ATM_LIMIT_MINOR)),
        channel=channel,
        kind=PaymentKind.CASH,
        status=ordinary_statuses(n, rng),
        category=category,
        instrument=instruments(world, payer, day, channel),
        city=city,
    )


def _refunds(bought: Ledger, rng: np.random.Generator) -> Ledger:
    """Money back for some purchases, some days later, in full or in part."""
    index = np.flatnonzero((bought.status == Status.COMPLETED) & (rng.random(len(bought)) < 0.007))
    origin = bought.take(index)
    n = len(origin)
    share = np.where(rng.random(n) < 0.7, 1.0, rng.uniform(0.2, 0.95, n))
    later = (DAY_MS * rng.lognormal(0.7, 0.8, n)).astype(np.int64)
    columns = {
        name: getattr(origin, name)
        for name in ("payer", "payee", "channel", "category", "instrument", "city")
    }
    amount = np.maximum((origin.amount_minor * share).astype(np.int64), 1)
    return ledger(origin.time_ms + later, amount_minor=amount, kind=PaymentKind.REFUND, **columns)


def _second_attempts(made: Ledger, rng: np.random.Generator) -> Ledger:
    """The same payment again, within minutes, for nearly half of the declined ones."""
    again = made.take(np.flatnonzero((made.status == Status.DECLINED) & (rng.random(len(made)) < 0.45)))
    later = (MINUTE_MS * (0.3 + rng.exponential(1.5, len(again)))).astype(np.int64)
    columns = {name: getattr(again, name) for name in again.__dataclass_fields__ if name != "time_ms"}
    columns["status"] = ordinary_statuses(len(again), rng)
    return ledger(again.time_ms + later, **columns)
