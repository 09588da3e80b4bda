"""The simulated country: calendar, customers, merchants and their ties, fixed before any payment."""

from dataclasses import dataclass

import numpy as np

from risk_platform.transactions.simulator.calendar import Calendar, build_calendar
from risk_platform.transactions.simulator.config import SimulationConfig
from risk_platform.transactions.simulator.customers import (
    Customers,
    Groups,
    Persona,
    build_customers,
    build_groups,
)
from risk_platform.transactions.simulator.ledger import Bools, Ints
from risk_platform.transactions.simulator.merchants import (
    Directory,
    Merchants,
    build_merchants,
    by_town,
    by_trade,
    online_key,
)
from risk_platform.transactions.simulator.places import categories

_MULES_PER_CUSTOMER_DAY = 1.5e-4
FAVOURITES = 10
CONTACTS = 8


@dataclass(frozen=True)
class Parties:
    """The one id space of all parties: customers, then institutions, outside persons and merchants."""

    customers: int
    institutions: int
    persons: int
    merchants: int

    @property
    def first_institution(self) -> int:
        return self.customers

    @property
    def first_person(self) -> int:
        return self.customers + self.institutions

    @property
    def first_merchant(self) -> int:
        return self.first_person + self.persons

    def is_merchant(self, party: Ints) -> Bools:
        return party >= self.first_merchant

    def is_customer(self, party: Ints) -> Bools:
        return (party >= 0) & (party < self.customers)

    def is_institution(self, party: Ints) -> Bools:
        return (party >= self.customers) & (party < self.first_person)


@dataclass(frozen=True)
class World:
    """Everything that stays as it is while payments are made.

    `favourites` (customers, FAVOURITES) are merchant parties, `contacts` (customers, CONTACTS) person
    parties, the dearest first; `household` is the customer whose phone somebody borrows at times, or -1;
    `mules` are customers who lend their account to fraudsters, from day `mule_from` on for some
    days, to one of the `crews` gangs.
    """

    config: SimulationConfig
    calendar: Calendar
    parties: Parties
    customers: Customers
    merchants: Merchants
    shops: Directory
    cash_machines: Directory
    agents: Directory
    trades: Directory
    groups: Groups
    favourites: Ints
    contacts: Ints
    household: Ints
    mules: Ints
    mule_from: Ints
    crews: int


def build_world(config: SimulationConfig, rng: np.random.Generator) -> World:
    """The world of `config`; raises InputError when the calendar cannot cover the period."""
    calendar = build_calendar(config.start, config.days)
    customers = build_customers(config.customers, config.days, rng)
    n = len(customers)
    institutions, persons = 12 + n // 60, 40 + 2 * n
    merchants = build_merchants(n + institutions + persons, 300 + n // 6, rng)
    parties = Parties(n, institutions, persons, len(merchants))
    cash, agent = categories().position("6011"), categories().position("6012")
    shops = by_town(merchants, (merchants.category != cash) & (merchants.category != agent))
    mules = _recruit_mules(customers, config.days, rng)
    return World(
        config=config,
        calendar=calendar,
        parties=parties,
        customers=customers,
        merchants=merchants,
        shops=shops,
        cash_machines=by_town(merchants, merchants.category == cash),
        agents=by_town(merchants, merchants.category == agent),
        trades=by_trade(merchants),
        groups=build_groups(customers),
        favourites=_favourites(customers, shops, rng),
        contacts=_contacts(customers, parties, rng),
        household=np.where(rng.random(n) < 0.25, _neighbours(customers, n, rng), -1),
        mules=mules,
        mule_from=_mule_windows(customers.opened_day[mules], config.days, rng),
        crews=8 + n // 250,
    )


def popular_persons(parties: Parties, n: int, rng: np.random.Generator) -> Ints:
    """Outside persons who many people pay (street vendors, maids, drivers), the most popular most often."""
    return parties.first_person + np.minimum(
        (parties.persons * rng.random(n) ** 3.0).astype(np.int64), parties.persons - 1
    )


def _favourites(customers: Customers, shops: Directory, rng: np.random.Generator) -> Ints:
    home = np.repeat(customers.home, FAVOURITES)
    online = rng.random(len(home)) < np.repeat(customers.online_share, FAVOURITES)
    return shops.draw(np.where(online, online_key(), home), rng).reshape(-1, FAVOURITES)


def _contacts(customers: Customers, parties: Parties, rng: np.random.Generator) -> Ints:
    size = len(customers) * CONTACTS
    near = _neighbours(customers, size, rng)
    customer = (rng.random(size) < 0.45) & (near != np.repeat(np.arange(len(customers)), CONTACTS))
    return np.where(customer, near, popular_persons(parties, size, rng)).reshape(-1, CONTACTS)


def _neighbours(customers: Customers, size: int, rng: np.random.Generator) -> Ints:
    """For every customer in turn `size / customers` others of the same city."""
    groups = build_groups(customers)
    home = np.repeat(customers.home, size // len(customers))
    low, high = groups.town_starts[home], groups.town_starts[home + 1]
    return groups.by_town[low + (rng.random(size) * (high - low)).astype(np.int64)]


def _recruit_mules(customers: Customers, days: int, rng: np.random.Generator) -> Ints:
    """Customers who lend their account: half opened it for that, the others are students and the poor."""
    new = np.flatnonzero(customers.opened_day > 0)
    poor = np.flatnonzero(
        np.isin(customers.persona, [Persona.STUDENT, Persona.RURAL]) & (customers.closed_day > days // 2)
    )
    wanted = 6 + int(len(customers) * days * _MULES_PER_CUSTOMER_DAY)
    chosen = [rng.permutation(group)[: wanted // 2 + 1] for group in (new, poor)]
    return np.unique(np.concatenate(chosen))


def _mule_windows(opened_day: Ints, days: int, rng: np.random.Generator) -> Ints:
    lead = rng.integers(1, 12, len(opened_day))
    return np.where(opened_day > 0, opened_day + lead, rng.integers(0, max(1, days), len(opened_day)))
