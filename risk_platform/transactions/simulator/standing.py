"""What comes back every month: salaries, rents, bills, instalments, money for the family."""

from dataclasses import dataclass

import numpy as np

from risk_platform.transactions.simulator.amounts import people_amounts
from risk_platform.transactions.simulator.calendar import NO_SALARY, is_salary_day
from risk_platform.transactions.simulator.customers import Persona
from risk_platform.transactions.simulator.equipment import devices, hidden, instruments, networks
from risk_platform.transactions.simulator.everyday import (
    UPI_LIMIT_MINOR,
    ordinary_statuses,
    transfer_channels,
)
from risk_platform.transactions.simulator.ledger import (
    NONE,
    Bools,
    Channel,
    Ints,
    Ledger,
    PaymentKind,
    ledger,
)
from risk_platform.transactions.simulator.places import PROFILES, categories, clock_times
from risk_platform.transactions.simulator.world import World

BY_SALARY_RULE = 0
_BILLS = ("4814", "4900", "4899", "6300")


@dataclass(frozen=True)
class StandingOrders:
    """One entry per monthly order: who pays whom how much on which day of the month (0: salary rule).

    `varies` marks bills, whose amount changes every month; `owner` is the customer whose order it is.
    """

    owner: Ints
    payer: Ints
    payee: Ints
    day_of_month: Ints
    amount_minor: Ints
    channel: Ints
    varies: Bools

    def __len__(self) -> int:
        return len(self.payer)


def build_standing_orders(world: World, rng: np.random.Generator) -> StandingOrders:
    """The monthly orders of all customers."""
    parts = [
        _salaries(world, rng),
        _rents(world, rng),
        _instalments(world, rng),
        _family(world, rng),
        *_bills(world, rng),
    ]
    return StandingOrders(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def standing_payments(world: World, orders: StandingOrders, days: range, rng: np.random.Generator) -> Ledger:
    """The payments that the monthly orders make on `days`."""
    due, day = _due(world, orders, days)
    n = len(due)
    payer, owner = orders.payer[due], orders.owner[due]
    city = world.customers.whereabouts(owner, day)
    machine = payer >= world.parties.customers
    amount = orders.amount_minor[due]
    changed = np.maximum((amount * np.exp(0.3 * rng.standard_normal(n))).astype(np.int64) // 100 * 100, 100)
    profile = np.where(machine, PROFILES.index("morning"), PROFILES.index("any"))
    merchant = world.parties.is_merchant(orders.payee[due])
    category = world.merchants.category[np.where(merchant, world.merchants.position(orders.payee[due]), 0)]
    return ledger(
        world.calendar.instants(day, clock_times(profile, rng)),
        payer=payer,
        payee=orders.payee[due],
        amount_minor=np.where(orders.varies[due], changed, amount),
        channel=orders.channel[due],
        kind=np.where(merchant, PaymentKind.PURCHASE, PaymentKind.TRANSFER),
        status=ordinary_statuses(n, rng),
        category=np.where(merchant, category, NONE),
        instrument=_instruments(world, payer, owner, day, orders.channel[due]),
        device=hidden(devices(world, owner, day, rng), machine),
        network=hidden(networks(owner, city, rng), machine),
        city=city,
    )


def _due(world: World, orders: StandingOrders, days: range) -> tuple[Ints, Ints]:
    due = []
    for day in days:
        today = world.calendar.dates[day]
        paid = np.array([is_salary_day(rule, today) for rule in range(4)])
        on_rule = (orders.day_of_month == BY_SALARY_RULE) & paid[world.customers.salary_rule[orders.owner]]
        active = world.customers.active(day)[orders.owner]
        due.append(np.flatnonzero(active & (on_rule | (orders.day_of_month == today.day))))
    return np.concatenate(due), np.repeat(np.arange(days.start, days.stop), [len(orders) for orders in due])


def _instruments(world: World, payer: Ints, owner: Ints, day: Ints, channel: Ints) -> Ints:
    machine = payer >= world.parties.customers
    return np.where(machine, payer * 8, instruments(world, owner, day, channel))


_Columns = tuple[Ints, Ints, Ints, Ints, Ints, Ints, Bools]


def _orders(owner: Ints, payer: Ints, payee: Ints, day: Ints, amount: Ints, channel: Ints) -> _Columns:
    return owner, payer, payee, day, amount, channel, np.zeros(len(owner), dtype=np.bool_)


def _salaries(world: World, rng: np.random.Generator) -> _Columns:
    people = world.customers
    paid = np.flatnonzero(people.salary_rule != NO_SALARY)
    n = len(paid)
    employer = world.parties.first_institution + (world.parties.institutions * rng.random(n) ** 2).astype(
        np.int64
    )
    amount = (
        (3_200_000 * people.means[paid] * np.exp(0.4 * rng.standard_normal(n))).astype(np.int64) // 100 * 100
    )
    return _orders(paid, employer, paid, np.full(n, BY_SALARY_RULE), amount, np.full(n, Channel.NEFT))


def _rents(world: World, rng: np.random.Generator) -> _Columns:
    people = world.customers
    eligible = np.isin(people.persona, [Persona.SALARIED, Persona.SELF_EMPLOYED, Persona.STUDENT])
    tenant = np.flatnonzero(eligible & (rng.random(len(people)) < 0.32))
    n = len(tenant)
    landlord = rng.integers(world.parties.first_person, world.parties.first_merchant, n)
    amount = np.maximum(
        np.rint(900_000 * people.means[tenant] * np.exp(0.4 * rng.standard_normal(n)) / 50_000), 4
    )
    paise = amount.astype(np.int64) * 50_000
    return _orders(tenant, tenant, landlord, rng.integers(1, 8, n), paise, transfer_channels(paise, rng))


def _bills(world: World, rng: np.random.Generator) -> list[_Columns]:
    people, merchants = world.customers, world.merchants
    parts: list[_Columns] = []
    for mcc in _BILLS:
        kind = categories().position(mcc)
        biller = np.flatnonzero((merchants.category == kind) & (merchants.city < 0))
        if not len(biller):
            continue
        payer = np.flatnonzero((people.persona != Persona.DORMANT) & (rng.random(len(people)) < 0.30))
        n = len(payer)
        share = merchants.popularity[biller] / merchants.popularity[biller].sum()
        payee = merchants.first_party + rng.choice(biller, n, p=share)
        scale = categories().median_minor[kind] * people.means[payer] * people.taste[payer, kind]
        amount = (scale * np.exp(0.4 * rng.standard_normal(n))).astype(np.int64) // 100 * 100 + 100
        channel = np.where(rng.random(n) < 0.7, Channel.UPI, Channel.NETBANKING)
        parts.append(
            (payer, payer, payee, rng.integers(1, 29, n), amount, channel, np.full(n, mcc == "4900"))
        )
    return parts


def _instalments(world: World, rng: np.random.Generator) -> _Columns:
    people = world.customers
    eligible = np.isin(people.persona, [Persona.SALARIED, Persona.SELF_EMPLOYED])
    payer = np.flatnonzero(eligible & (rng.random(len(people)) < 0.35))
    n = len(payer)
    lender = world.parties.first_institution + rng.integers(0, world.parties.institutions, n)
    amount = (450_000 * people.means[payer] * np.exp(0.7 * rng.standard_normal(n))).astype(
        np.int64
    ) // 100 * 100 + 100
    channel = np.where(rng.random(n) < 0.5, Channel.NETBANKING, Channel.NEFT)
    return _orders(payer, payer, lender, rng.choice([2, 3, 5, 7, 10, 15], n), amount, channel)


def _family(world: World, rng: np.random.Generator) -> _Columns:
    people = world.customers
    payer = np.flatnonzero((people.persona != Persona.DORMANT) & (rng.random(len(people)) < 0.18))
    payee = world.contacts[payer, 0]
    amount = people_amounts(500_000 * people.means[payer], 0.7, rng)
    channel = np.where(amount > UPI_LIMIT_MINOR, Channel.IMPS, Channel.UPI)
    return _orders(payer, payer, payee, rng.integers(1, 11, len(payer)), amount, channel)
