"""Merchants, cash machines and banking agents: where they are, what they sell, how popular they are."""

from dataclasses import dataclass

import numpy as np

from risk_platform.transactions.simulator.ledger import Bools, Floats, Ints
from risk_platform.transactions.simulator.places import categories, cities

# Zipf and Mandelbrot: the exponent of popularity by rank, and what keeps the first from taking all.
_ZIPF_EXPONENT = 1.1
_ZIPF_OFFSET = 5


@dataclass(frozen=True)
class Merchants:
    """One entry per merchant: category and city positions (city -1: online), price level, days, coordinates.

    A merchant's party number is `first_party` plus its position.
    """

    first_party: int
    category: Ints
    city: Ints
    price_level: Floats
    opened_day: Ints
    popularity: Floats
    latitude: Floats
    longitude: Floats

    def __len__(self) -> int:
        return len(self.category)

    def position(self, party: Ints) -> Ints:
        return party - self.first_party


@dataclass(frozen=True)
class Directory:
    """Merchants grouped by a key (a town, a trade), for draws by popularity."""

    parties: Ints
    ladder: Floats
    starts: Ints

    def weight(self, key: Ints) -> Floats:
        """Joint popularity of the merchants of each key, 0 where there is none."""
        return self.ladder[self.starts[key + 1]] - self.ladder[self.starts[key]]

    def draw(self, key: Ints, rng: np.random.Generator) -> Ints:
        """One party for each key, popular ones more often."""
        low, high = self.ladder[self.starts[key]], self.ladder[self.starts[key + 1]]
        step = np.searchsorted(self.ladder, low + rng.random(len(key)) * (high - low), side="right") - 1
        return self.parties[np.minimum(step, self.starts[key + 1] - 1)]


def online_key() -> int:
    """The key under which a directory keeps online merchants."""
    return len(cities().names)


def build_merchants(first_party: int, count: int, rng: np.random.Generator) -> Merchants:
    """`count` merchants, and enough of them that every city has shops, cash machines and agents."""
    cash, agent = categories().position("6011"), categories().position("6012")
    town = np.concatenate([_everywhere(6), _by_size(count, rng)])
    category = rng.choice(
        len(categories().mccs), len(town), p=categories().weight / categories().weight.sum()
    )
    online = rng.random(len(town)) < categories().online_share[category] * 0.25
    online[: len(_everywhere(6))] = False
    cash_towns = np.concatenate([_everywhere(2), _by_size(count // 25, rng)])
    agent_towns = np.concatenate([_everywhere(2), _by_size(count // 40, rng)])
    category = np.concatenate([category, np.full(len(cash_towns), cash), np.full(len(agent_towns), agent)])
    town = np.concatenate([np.where(online, -1, town), cash_towns, agent_towns])
    shuffled = rng.permutation(len(town))
    return _described(first_party, category[shuffled].astype(np.int64), town[shuffled].astype(np.int64), rng)


def _described(first_party: int, category: Ints, town: Ints, rng: np.random.Generator) -> Merchants:
    n = len(category)
    rank = rng.permutation(n) + _ZIPF_OFFSET
    spread = 0.05
    return Merchants(
        first_party,
        category,
        town,
        np.exp(0.35 * rng.standard_normal(n)),
        -rng.integers(0, 2_500, n),
        (rank / n) ** -_ZIPF_EXPONENT * np.where(town < 0, 5.0, 1.0),
        cities().latitude[np.maximum(town, 0)] + spread * rng.standard_normal(n),
        cities().longitude[np.maximum(town, 0)] + spread * rng.standard_normal(n),
    )


def by_town(merchants: Merchants, member: Bools) -> Directory:
    """The directory of the merchants for which `member` is true, by city and `online_key`."""
    key = np.where(merchants.city < 0, online_key(), merchants.city)
    return _directory(merchants, np.flatnonzero(member), key, online_key() + 1)


def by_trade(merchants: Merchants) -> Directory:
    """The directory of all merchants by `trade_key`."""
    key = trade_key(merchants.category, merchants.city < 0)
    return _directory(merchants, np.arange(len(merchants)), key, 2 * len(categories().mccs))


def trade_key(category: Ints, online: Bools | bool) -> Ints:
    """The key under which a directory by trade keeps the merchants of a category, online or not."""
    return category * 2 + online


def _directory(merchants: Merchants, chosen: Ints, key: Ints, keys: int) -> Directory:
    order = chosen[np.argsort(key[chosen], kind="stable")]
    ladder = np.concatenate([[0.0], np.cumsum(merchants.popularity[order])])
    return Directory(merchants.first_party + order, ladder, np.searchsorted(key[order], np.arange(keys + 1)))


def _everywhere(each: int) -> Ints:
    return np.repeat(np.arange(len(cities().names)), each)


def _by_size(count: int, rng: np.random.Generator) -> Ints:
    weight = cities().weight
    return rng.choice(len(weight), count, p=weight / weight.sum())
