"""Customers and their stable habits, drawn once: home, means, rhythm, devices, and what changes for them."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from risk_platform.transactions.simulator.calendar import FIRST_DAY, LAST_WORKING_DAY, NO_SALARY, SEVENTH_DAY
from risk_platform.transactions.simulator.ledger import Bools, Floats, Ints
from risk_platform.transactions.simulator.places import categories, cities

NEVER = 1 << 30
AGE_BANDS = ("18-25", "26-35", "36-45", "46-59", "60+")
# Below this love of cards somebody hardly uses one.
CARD_HOLDER = 0.4
ELDERLY = AGE_BANDS.index("60+")
_NEWCOMERS_PER_DAY = 0.0008
_CHURN_PER_DAY = 0.0005
_NEW_PHONE_PER_DAY = 0.0013
_TRIPS_PER_DAY = 0.004


class Persona(IntEnum):
    """How somebody lives, which decides age, means and rhythm."""

    STUDENT = 0
    SALARIED = 1
    SELF_EMPLOYED = 2
    HOMEMAKER = 3
    RETIRED = 4
    RURAL = 5
    DORMANT = 6


PERSONA_SHARES = (0.16, 0.34, 0.15, 0.13, 0.10, 0.10, 0.02)
_RATE = np.array([1.7, 2.2, 2.6, 1.4, 1.0, 0.9, 0.02])
_MEANS = np.array([0.55, 1.25, 1.35, 0.85, 0.95, 0.5, 0.8])
_TRANSFER_SHARE = np.array([0.42, 0.34, 0.40, 0.33, 0.30, 0.40, 0.40])
_CASH_SHARE = np.array([0.02, 0.03, 0.04, 0.04, 0.07, 0.12, 0.05])
_ONLINE_SHARE = np.array([0.36, 0.34, 0.24, 0.24, 0.14, 0.10, 0.2])
_AGES = (
    (0.92, 0.08, 0.0, 0.0, 0.0),
    (0.10, 0.42, 0.30, 0.18, 0.0),
    (0.06, 0.28, 0.34, 0.26, 0.06),
    (0.05, 0.30, 0.35, 0.22, 0.08),
    (0.0, 0.0, 0.0, 0.08, 0.92),
    (0.14, 0.24, 0.26, 0.22, 0.14),
    (0.20, 0.25, 0.20, 0.20, 0.15),
)


@dataclass(frozen=True)
class Customers:
    """One entry per customer; days count from the first day of the period, NEVER is past every period.

    `rate` is payments a day, `means` and `taste` (customers, categories) scale amounts, the shares are
    probabilities, a trip goes to `trip_city` on the days [trip_from, trip_to), a busy time of life (wedding,
    house, illness) lasts [life_from, life_from + 6).
    """

    persona: Ints
    age_band: Ints
    home: Ints
    latitude: Floats
    longitude: Floats
    rate: Floats
    means: Floats
    taste: Floats
    transfer_share: Floats
    cash_share: Floats
    online_share: Floats
    card_love: Floats
    salary_rule: Ints
    opened_day: Ints
    closed_day: Ints
    devices: Ints
    new_phone_day: Ints
    new_card_day: Ints
    trip_from: Ints
    trip_to: Ints
    trip_city: Ints
    life_from: Ints

    def __len__(self) -> int:
        return len(self.persona)

    def active(self, day: int) -> Bools:
        """Who is a customer on `day`."""
        return (self.opened_day <= day) & (day < self.closed_day)

    def whereabouts(self, customer: Ints, day: Ints) -> Ints:
        """City in which each customer is on each day."""
        travelling = (self.trip_from[customer] <= day) & (day < self.trip_to[customer])
        return np.where(travelling, self.trip_city[customer], self.home[customer])


@dataclass(frozen=True)
class Groups:
    """Customers (positions) by trait; those of town t are `by_town[town_starts[t]:town_starts[t + 1]]`."""

    elderly: Ints
    younger: Ints
    card_holders: Ints
    well_off: Ints
    weak: Ints
    dormant: Ints
    by_town: Ints
    town_starts: Ints

    def residents(self, town: int) -> Ints:
        return self.by_town[self.town_starts[town] : self.town_starts[town + 1]]


def build_groups(people: Customers) -> Groups:
    """The groups of `people`; weak ones are the rural and the elderly."""
    elderly = people.age_band == ELDERLY
    by_town = np.argsort(people.home, kind="stable")
    return Groups(
        elderly=np.flatnonzero(elderly),
        younger=np.flatnonzero(~elderly),
        card_holders=np.flatnonzero(people.card_love > CARD_HOLDER),
        well_off=np.flatnonzero(people.means > 0.8),
        weak=np.flatnonzero(elderly | (people.persona == Persona.RURAL)),
        dormant=np.flatnonzero(people.persona == Persona.DORMANT),
        by_town=by_town,
        town_starts=np.searchsorted(people.home[by_town], np.arange(len(cities().names) + 1)),
    )


def build_customers(count: int, days: int, rng: np.random.Generator) -> Customers:
    """`count` customers of the first day and the newcomers of the period after them."""
    newcomers = int(count * days * _NEWCOMERS_PER_DAY)
    n = count + newcomers
    persona = rng.choice(len(Persona), n, p=PERSONA_SHARES)
    persona[count:][persona[count:] == Persona.DORMANT] = Persona.STUDENT
    opened = np.concatenate([-rng.integers(1, 3_000, count), np.sort(rng.integers(0, days, newcomers))])
    trips = _trips(n, days, rng)
    home = rng.choice(cities().at_home, n, p=_shares(cities().weight[cities().at_home]))
    return Customers(
        persona=persona,
        age_band=_ages(persona, rng),
        home=home,
        latitude=cities().latitude[home] + 0.06 * rng.standard_normal(n),
        longitude=cities().longitude[home] + 0.06 * rng.standard_normal(n),
        rate=np.minimum(_RATE[persona] * np.exp(0.75 * rng.standard_normal(n) - 0.28), 30.0),
        means=_MEANS[persona] * np.exp(0.45 * rng.standard_normal(n)),
        taste=np.exp(0.3 * rng.standard_normal((n, len(categories().mccs)), dtype=np.float32)),
        transfer_share=_around(_TRANSFER_SHARE[persona], rng),
        cash_share=_around(_CASH_SHARE[persona], rng),
        online_share=_around(_ONLINE_SHARE[persona], rng),
        card_love=np.where(persona == Persona.RURAL, 0.15, 1.0) * rng.gamma(2.0, 0.5, n),
        salary_rule=_salary_rules(persona, rng),
        opened_day=opened,
        closed_day=opened + _waits(n, _CHURN_PER_DAY, rng) - np.minimum(opened, 0),
        devices=rng.choice([1, 2, 3], n, p=[0.68, 0.25, 0.07]),
        new_phone_day=_waits(n, _NEW_PHONE_PER_DAY, rng),
        new_card_day=_waits(n, _NEW_PHONE_PER_DAY / 2, rng),
        trip_from=trips[0],
        trip_to=trips[1],
        trip_city=trips[2],
        life_from=_waits(n, 0.0009, rng),
    )


def _ages(persona: Ints, rng: np.random.Generator) -> Ints:
    ladder = np.cumsum(np.array(_AGES), axis=1)[persona]
    band: Ints = (rng.random(len(persona))[:, None] > ladder).sum(axis=1)
    return np.minimum(band, len(AGE_BANDS) - 1)


def _around(share: Floats, rng: np.random.Generator) -> Floats:
    return np.clip(share * np.exp(0.3 * rng.standard_normal(len(share))), 0.0, 0.6)


def _salary_rules(persona: Ints, rng: np.random.Generator) -> Ints:
    rules = rng.choice([FIRST_DAY, LAST_WORKING_DAY, SEVENTH_DAY], len(persona), p=[0.45, 0.40, 0.15])
    paid = (persona == Persona.SALARIED) | ((persona == Persona.RETIRED) & (rng.random(len(persona)) < 0.7))
    return np.where(paid, rules, NO_SALARY)


def _waits(n: int, per_day: float, rng: np.random.Generator) -> Ints:
    return np.minimum(rng.exponential(1 / per_day, n), NEVER).astype(np.int64)


def _trips(n: int, days: int, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    goes = rng.random(n) < 1 - np.exp(-_TRIPS_PER_DAY * days)
    start = np.where(goes, rng.integers(0, days, n), NEVER)
    length = 2 + rng.geometric(0.2, n)
    india = rng.choice(cities().at_home, n, p=_shares(cities().weight[cities().at_home] ** 0.5))
    abroad = rng.choice(cities().abroad, n, p=_shares(cities().weight[cities().abroad]))
    return start, start + length, np.where(rng.random(n) < 0.06, abroad, india)


def _shares(weight: Floats) -> Floats:
    shares: Floats = weight / weight.sum()
    return shares
