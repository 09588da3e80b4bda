"""The stage of one episode: who is free to play a part, and the few ways in which its payments are written down."""

from dataclasses import dataclass, field

import numpy as np

from risk_platform.transactions.simulator.calendar import DAY_MS, HOUR_MS
from risk_platform.transactions.simulator.customers import ELDERLY
from risk_platform.transactions.simulator.equipment import (
    CREW_DEVICES,
    CREW_NETWORKS,
    SLOTS,
    at_terminal,
    devices,
    hidden,
    instruments,
    networks,
)
from risk_platform.transactions.simulator.everyday import ordinary_statuses, transfer_channels
from risk_platform.transactions.simulator.ledger import (
    Bools,
    Channel,
    Ints,
    Ledger,
    PaymentKind,
    Status,
    concatenate,
    ledger,
)
from risk_platform.transactions.simulator.places import categories, cities
from risk_platform.transactions.simulator.world import World

CREWS = 24
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
        """A UTC instant (ms) between two hours of the Indian clock, of the first day unless another is given."""
        within = self.rng.uniform(from_hour, to_hour) * HOUR_MS
        return self.world.calendar.start_ms + (self.day if day is None else day) * DAY_MS + int(within)

    def customers(self, count: int, among: Bools | None = None) -> Ints:
        """Up to `count` distinct active customers, of those `among` if there are any."""
        active = self.world.customers.active(self.day) & (self.world.customers.rate > 0.1)
        pool = np.flatnonzero(active if among is None else active & among)
        if not len(pool):
            pool = np.flatnonzero(active)
        return self.rng.choice(pool, min(count, len(pool)), replace=False)

    def elderly(self) -> Bools:
        return self.world.customers.age_band == ELDERLY

    def mules(self, count: int) -> Ints:
        """Up to `count` accounts that are lent out these days; any lent account when none is."""
        window, mules = self.world.mule_from, self.world.mules
        lent = mules[(window <= self.day) & (self.day < window + _MULE_DAYS)]
        pool = lent if len(lent) >= count else mules
        return self.rng.choice(pool, min(count, len(pool)), replace=False)

    def strangers(self, count: int) -> Ints:
        """Outside persons whom nobody knows."""
        parties = self.world.parties
        return self.rng.integers(parties.first_person + parties.persons // 2, parties.first_merchant, count)

    def crew(self) -> Crew:
        """A gang, the busy ones more often."""
        number = int(CREWS * self.rng.random() ** 1.5)
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

    def shop(self, mcc: tuple[str, ...], *, online: bool) -> int:
        """A merchant party of one of the categories, the popular ones more often."""
        merchants = self.world.merchants
        kinds = [categories().position(code) for code in mcc]
        fits = np.isin(merchants.category, kinds)
        placed = fits & ((merchants.city < 0) == online)
        pool = np.flatnonzero(placed if placed.any() else fits)
        weight = merchants.popularity[pool] ** 0.7
        return merchants.first_party + int(self.rng.choice(pool, p=weight / weight.sum()))

    def days(self, time_ms: Ints) -> Ints:
        """Day of the period of each instant."""
        return (time_ms - self.world.calendar.start_ms) // DAY_MS

    def transfers(self, time_ms: Ints, payer: Ints, payee: Ints, amount: Ints, **given: Ints | int) -> Ledger:
        """Transfers made by the payers on their own equipment, except for the columns `given`."""
        amount = np.maximum(amount, 100)
        channel = np.broadcast_to(
            np.asarray(given.pop("channel", transfer_channels(amount, self.rng))), len(amount)
        )
        columns = self._own(time_ms, payer, channel) | {"kind": int(PaymentKind.TRANSFER), "payee": payee}
        return ledger(time_ms, **(columns | {"amount_minor": amount} | given))

    def purchases(
        self, time_ms: Ints, payer: Ints, shop: Ints, amount: Ints, channel: int, **given: Ints | int
    ) -> Ledger:
        """Purchases made by the payers on their own equipment, except for the columns `given`."""
        position = self.world.merchants.position(shop)
        town = self.world.merchants.city[position]
        rails = np.full(len(payer), channel)
        columns = self._own(time_ms, payer, rails)
        terminal = at_terminal(rails, town < 0)
        columns["device"] = hidden(columns["device"], terminal)
        columns["network"] = hidden(columns["network"], terminal)
        columns["city"] = np.where(town < 0, columns["city"], town)
        kind = PaymentKind.CASH if channel in (Channel.ATM, Channel.AEPS) else PaymentKind.PURCHASE
        columns |= {"kind": np.full(len(payer), kind), "category": self.world.merchants.category[position]}
        return ledger(time_ms, **(columns | {"payee": shop, "amount_minor": np.maximum(amount, 100)} | given))

    def _own(self, time_ms: Ints, payer: Ints, channel: Ints) -> dict[str, Ints | int]:
        day = self.days(time_ms)
        city = self.world.customers.whereabouts(payer, day)
        return {
            "payer": payer,
            "channel": channel,
            "status": ordinary_statuses(len(payer), self.rng),
            "instrument": instruments(self.world, payer, day, channel),
            "device": devices(self.world, payer, day, self.rng),
            "network": networks(payer, city, self.rng),
            "city": city,
        }

    def refused(self, n: int, share: float) -> Ints:
        """Statuses of which about `share` are declined."""
        return np.where(self.rng.random(n) < share, Status.DECLINED, Status.COMPLETED)

    def new_vpa(self, payer: Ints) -> Ints:
        """The VPA registered anew on another SIM."""
        return payer * SLOTS + 6


def rising(start_ms: int, gaps_ms: "np.typing.NDArray[np.float64]") -> Ints:
    """Instants that begin at `start_ms` and follow each other by `gaps_ms`."""
    return start_ms + np.concatenate([[0.0], np.cumsum(gaps_ms)]).astype(np.int64)


def round_sums(amount: "np.typing.NDArray[np.float64]", step_rupees: int = 1_000) -> Ints:
    """Paise rounded to whole steps of rupees, at least one step."""
    step = step_rupees * 100
    return np.maximum(np.rint(amount / step), 1).astype(np.int64) * step


@dataclass(frozen=True)
class Episode:
    """What one episode leaves behind: its frauds, and genuine payments that belong to its story."""

    frauds: Ledger
    genuine: Ledger = field(default_factory=lambda: concatenate([]))
