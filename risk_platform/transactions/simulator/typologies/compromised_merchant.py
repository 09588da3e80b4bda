"""Compromised merchant: cards are skimmed during genuine purchases and used elsewhere, or there again."""

import numpy as np

from risk_platform.transactions.simulator.amounts import shop_amounts
from risk_platform.transactions.simulator.calendar import DAY_MS
from risk_platform.transactions.simulator.customers import CARD_HOLDER
from risk_platform.transactions.simulator.ledger import Channel, Ints, Ledger, Status, concatenate
from risk_platform.transactions.simulator.places import categories, clock_times
from risk_platform.transactions.simulator.scene import Crew, Episode, Scene

_SKIMMED_SHOPS = ("5541", "5812", "5411", "5912")
_SPOIL_SHOPS = ("5732", "5399", "6540", "4511", "5651", "5816")


def compromised_merchant(scene: Scene) -> Episode:
    """Five to twelve cards: a genuine purchase each within five days, one to four frauds 2 to 18 days on."""
    rng, people = scene.rng, scene.world.customers
    shop = int(scene.shops(1, _SKIMMED_SHOPS, online=False)[0])
    town = scene.world.merchants.city[shop - scene.world.parties.first_merchant]
    cards = scene.customers(
        int(rng.integers(5, 13)),
        scene.world.groups.residents(int(town)),
        lambda drawn: people.card_love[drawn] > CARD_HOLDER,
    )
    visit = _opening_hours(scene, shop, scene.day + rng.integers(0, 5, len(cards)))
    paid = _prices(scene, np.full(len(cards), shop), cards, 1.0)
    skimmed = scene.purchases(
        visit, cards, np.full(len(cards), shop), paid, Channel.CARD, status=int(Status.COMPLETED)
    )
    used = np.repeat(np.arange(len(cards)), rng.integers(1, 5, len(cards)))
    lag = (DAY_MS * rng.uniform(2, 16, len(cards)))[used] + DAY_MS * rng.uniform(0, 1.5, len(used))
    time, used = visit[used] + lag.astype(np.int64), cards[used]
    crew, online = scene.crew(), rng.random(len(used)) < 0.6
    frauds = [
        _online(scene, crew, time[online], used[online]),
        _cloned(scene, crew, time[~online], used[~online], shop),
    ]
    return Episode(concatenate(frauds), skimmed)


def _online(scene: Scene, crew: Crew, time: Ints, cards: Ints) -> Ledger:
    shops = scene.shops(len(cards), _SPOIL_SHOPS, online=True)
    equipment = {"device": scene.crew_device(crew), "network": scene.crew_network(crew)}
    return scene.purchases(time, cards, shops, _prices(scene, shops, cards, 2.0), Channel.CARD, **equipment)


def _cloned(scene: Scene, crew: Crew, time: Ints, cards: Ints, skimmed_at: int) -> Ledger:
    """Purchases with a copy of the card: in the gang's city, one in four at the merchant that was skimmed."""
    town = np.full(len(cards), crew.city)
    again = scene.rng.random(len(cards)) < 0.25
    shops = np.where(again, skimmed_at, scene.world.shops.draw(town, scene.rng))
    return scene.purchases(time, cards, shops, _prices(scene, shops, cards, 2.0), Channel.CARD)


def _prices(scene: Scene, shops: Ints, cards: Ints, factor: float) -> Ints:
    category = scene.world.merchants.category[scene.world.merchants.position(shops)]
    return shop_amounts(category, factor * scene.world.customers.means[cards], scene.rng)


def _opening_hours(scene: Scene, shop: int, day: Ints) -> Ints:
    category = scene.world.merchants.category[scene.world.merchants.position(np.full(len(day), shop))]
    return scene.world.calendar.instants(day, clock_times(categories().profile[category], scene.rng))
