"""The plan of all episodes: frauds up to the wanted share, and genuine ones that look like them."""

from dataclasses import replace

import numpy as np

from risk_platform.transactions.simulator.completion import completed
from risk_platform.transactions.simulator.everyday import daily_rates
from risk_platform.transactions.simulator.ledger import Ledger, concatenate
from risk_platform.transactions.simulator.lookalikes import LOOKALIKES
from risk_platform.transactions.simulator.scene import Scene
from risk_platform.transactions.simulator.standing import StandingOrders
from risk_platform.transactions.simulator.typologies.registry import TYPOLOGIES
from risk_platform.transactions.simulator.world import World

_LOOKALIKE_SHARE = 0.014
# Refunds and second attempts that an everyday payment brings with it, and monthly orders per day.
_FOLLOW_UPS = 0.013
_DAYS_PER_MONTH = 30.4


def expected_everyday_payments(world: World, orders: StandingOrders) -> float:
    """How many payments the period is expected to have before any episode is added."""
    everyday = sum(float(daily_rates(world, day).sum()) for day in range(world.calendar.days))
    return everyday * (1 + _FOLLOW_UPS) + len(orders) * world.calendar.days / _DAYS_PER_MONTH


def plan_episodes(world: World, everyday: float, rng: np.random.Generator) -> Ledger:
    """All payments of fraud and look-alike episodes within the period, by time.

    `everyday` is the expected number of other payments; frauds are `fraud_share` of the expected whole.
    """
    lookalikes = _genuine_episodes(world, everyday * _LOOKALIKE_SHARE, rng)
    genuine = everyday + len(lookalikes)
    share = world.config.fraud_share
    frauds = _fraud_episodes(world, round(genuine * share / (1 - share)), rng)
    return completed(world, concatenate([lookalikes, frauds]), rng).by_time()


def _genuine_episodes(world: World, wanted: float, rng: np.random.Generator) -> Ledger:
    parts, count = [], 0
    while count < wanted:
        play = LOOKALIKES[rng.integers(len(LOOKALIKES))]
        parts.append(_within_period(world, play(_scene(world, rng))))
        count += len(parts[-1])
    return concatenate(parts)


def _fraud_episodes(world: World, wanted: int, rng: np.random.Generator) -> Ledger:
    """Episodes of the typology that lacks most of its share, until `wanted` are made; the last is cut."""
    parts: list[Ledger] = []
    # An episode that falls after the last day counts all the same, or a short period would never end.
    played = np.zeros(len(TYPOLOGIES))
    shares = np.array([typology.share for typology in TYPOLOGIES])
    made = 0
    while made < wanted:
        number = int(np.argmax(shares * wanted - played))
        episode = TYPOLOGIES[number].generate(_scene(world, rng))
        frauds = _within_period(world, episode.frauds)
        frauds = frauds.take(np.arange(min(len(frauds), wanted - made)))
        parts += [_stamped(frauds, number + 1, len(parts)), _within_period(world, episode.genuine)]
        played[number] += len(frauds) or len(episode.frauds)
        made += len(frauds)
    return concatenate(parts)


def _scene(world: World, rng: np.random.Generator) -> Scene:
    return Scene(world, rng, int(rng.integers(world.calendar.days)))


def _within_period(world: World, made: Ledger) -> Ledger:
    """The payments before the period ends; chance may make somebody his own payee, which is no payment."""
    kept = (made.time_ms < world.calendar.end_ms) & (made.payer != made.payee)
    return made if kept.all() else made.take(kept)


def _stamped(frauds: Ledger, typology: int, episode: int) -> Ledger:
    n = len(frauds)
    return replace(frauds, typology=np.full(n, typology), episode=np.full(n, episode))
