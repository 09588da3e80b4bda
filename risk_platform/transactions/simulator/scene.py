"""The stage of one episode: who is free to play a part, and how its payments are written down."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from risk_platform.transactions.simulator.calendar import DAY_MS, HOUR_MS
from risk_platform.transactions.simulator.customers import NEVER
from risk_platform.transactions.simulator.equipment import (
    CREW_DEVICES,
    CREW_NETWORKS,
    NEW_VPA,
    SLOTS,
)
from risk_platform.transactions.simulator.ledger import (
    OWN,
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
from risk_platform.transactions.simulator.merchants import trade_key
from risk_platform.transactions.simulator.places import categories, cities
from risk_platform.transactions.simulator.world import World

Choice = Callable[[Ints], Bools]
_OWN: dict[str, Ints | int] = dict.fromkeys(
    ("channel", "status", "instrument", "device", "network", "city"), OWN
)
_MULE_DAYS = 12
_CREW_TOWNS = ("Jamtara", "Nuh", "Deoghar", "Delhi", "Mumbai", "Kolkata", "Bengaluru", "Jaipur")


@dataclass(frozen=True)
class Crew:
    """One gang: its number and the city it works from."""

    number: int
    city: int


@dataclass(frozen=True)
class Scene:
    """One episode that begins on `day` of the period, with its own generator."""

    world: World
    rng: np.random.Generator
    day: int

    def instant(self, from_hour: float, to_hour: float, day: int | None = None) -> int:
        """A UTC instant (ms) between two hours of the Indian clock of the first day, or of `day`."""
        within = self.rng.uniform(from_hour, to_hour) * HOUR_MS
        return self.world.calendar.start_ms + (self.day if day is None else day) * DAY_MS + int(within)

    def customers(self, count: int, pool: Ints | None = None, fits: Choice | None = None) -> Ints:
        """Up to `count` distinct active customers of `pool` that fit; one at least, fit or not."""
        people = self.world.customers
        size = 10 * count + 40
        if pool is None or not len(pool):
            drawn = self.rng.integers(len(people), size=size)
        else:
            drawn = pool[self.rng.integers(len(pool), size=size)]
        active = drawn[(people.opened_day[drawn] <= self.day) & (self.day < people.closed_day[drawn])]
        chosen = active[(people.rate[active] > 0.1) & (fits(active) if fits else True)]
        _, first = np.unique(chosen, return_index=True)
        if len(chosen):
            return chosen[np.sort(first)][:count]
        nobody = pool is None or not len(pool)
        return active[:1] if len(active) else drawn[:1] if nobody else self.customers(1)

    def mules(self, count: int) -> Ints:
        """Up to `count` customers who lend their account these days, or did so lately."""
        people, mules = self.world.customers, self.world.mules
        here = (people.opened_day[mules] <= self.day) & (self.day < people.closed_day[mules])
        distance = np.abs(self.world.mule_from + _MULE_DAYS // 2 - self.day) + np.where(here, 0, NEVER)
        near = mules[np.argsort(distance, kind="stable")]
        lent = max(count, int(np.count_nonzero(distance <= _MULE_DAYS // 2)))
        return self.rng.choice(near[:lent], min(count, len(near)), replace=False)

    def drops(self, count: int) -> Ints:
        """`count` accounts for stolen money: lent ones, and outside ones that gangs change every few days."""
        half = self.world.parties.persons // 2
        gang = self.rng.integers(self.world.crews, size=count)
        outside = self.world.parties.first_person + half + (self.day // 6 * 7_919 + gang * 104_729) % half
        return np.where(self.rng.random(count) < 0.5, self.rng.choice(self.mules(count + 1), count), outside)

    def strangers(self, count: int) -> Ints:
        """Outside persons whom nobody knows."""
        parties = self.world.parties
        return self.rng.integers(parties.first_person + parties.persons // 2, parties.first_merchant, count)

    def crew(self) -> Crew:
        """A gang, the busy ones more often."""
        number = int(self.world.crews * self.rng.random() ** 1.5)
        return Crew(number, cities().names.index(_CREW_TOWNS[number % len(_CREW_TOWNS)]))

    def crew_device(self, crew: Crew) -> int:
        """One of the three phones the gang uses until it changes them."""
        shift = (self.day + 3 * crew.number) // 9
        return CREW_DEVICES + (crew.number * 4096 + shift) * 4 + int(self.rng.integers(3))

    def crew_network(self, crew: Crew) -> int:
        return (
            CREW_NETWORKS
            + (crew.number * 4096 + (self.day + crew.number) // 4) * 8
            + int(self.rng.integers(4))
        )

    def shops(self, count: int, mccs: tuple[str, ...], *, online: bool) -> Ints:
        """Merchant parties of some of the categories, the popular ones more often."""
        trades = self.world.trades
        kinds = np.array([categories().position(code) for code in mccs])
        keys = trade_key(kinds, online)
        if not trades.weight(keys).any():
            keys = trade_key(kinds, not online)
        weight = trades.weight(keys)
        return trades.draw(self.rng.choice(keys, count, p=weight / weight.sum()), self.rng)

    def transfers(self, time_ms: Ints, payer: Ints, payee: Ints, amount: Ints, **given: Ints | int) -> Ledger:
        """Transfers in the payers' own manner, except for the columns `given`."""
        kind = int(PaymentKind.TRANSFER)
        told = _OWN | {"payer": payer, "payee": payee, "amount_minor": np.maximum(amount, 100), "kind": kind}
        return ledger(time_ms, **(told | given))

    def purchases(
        self, time_ms: Ints, payer: Ints, shop: Ints, amount: Ints, channel: int, **given: Ints | int
    ) -> Ledger:
        """Purchases, or withdrawals, in the payers' own manner, except for the columns `given`."""
        kind = PaymentKind.CASH if channel in (Channel.ATM, Channel.AEPS) else PaymentKind.PURCHASE
        category = self.world.merchants.category[self.world.merchants.position(shop)]
        told = _OWN | {"payer": payer, "payee": shop, "amount_minor": np.maximum(amount, 100)}
        return ledger(
            time_ms, **(told | {"channel": channel, "kind": int(kind), "category": category} | given)
        )

    def refused(self, n: int, share: float) -> Ints:
        """Statuses of which about `share` are declined."""
        return np.where(self.rng.random(n) < share, Status.DECLINED, Status.COMPLETED)

    def new_vpa(self, payer: Ints) -> Ints:
        """The VPA registered anew on another SIM."""
        return payer * SLOTS + NEW_VPA


def rising(start_ms: int, gaps_ms: Floats) -> Ints:
    """Instants that begin at `start_ms` and follow each other by `gaps_ms`."""
    return start_ms + np.concatenate([[0.0], np.cumsum(gaps_ms)]).astype(np.int64)


def round_sums(amount: Floats, step_rupees: int = 1_000) -> Ints:
    """Paise rounded to whole steps of rupees, at least one step."""
    step = step_rupees * 100
    return np.maximum(np.rint(amount / step), 1).astype(np.int64) * step


@dataclass(frozen=True)
class Episode:
    """What one episode leaves behind: its frauds, and genuine payments that belong to its story."""

    frauds: Ledger
    genuine: Ledger = field(default_factory=lambda: concatenate([]))
