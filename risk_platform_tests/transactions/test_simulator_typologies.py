"""Every fraud typology bears its signature, exactly, in each of many episodes."""

from collections.abc import Callable

import numpy as np
import pytest

from risk_platform.transactions.simulator.calendar import DAY_MS, HOUR_MS, MINUTE_MS
from risk_platform.transactions.simulator.completion import completed
from risk_platform.transactions.simulator.config import SimulationConfig
from risk_platform.transactions.simulator.customers import ELDERLY, Persona
from risk_platform.transactions.simulator.equipment import CREW_DEVICES, NEW_VPA, ONE_OFF_DEVICES, SLOTS
from risk_platform.transactions.simulator.ledger import NONE, Channel, Ledger, PaymentKind, Status
from risk_platform.transactions.simulator.lookalikes import LOOKALIKES, collection, split_invoice
from risk_platform.transactions.simulator.scene import Episode, Scene
from risk_platform.transactions.simulator.simulation import SimulatedPayments, Simulation
from risk_platform.transactions.simulator.typologies.account_takeover import account_takeover
from risk_platform.transactions.simulator.typologies.aeps_cash_out import aeps_cash_out
from risk_platform.transactions.simulator.typologies.card_testing import LARGEST_TEST_MINOR, card_testing
from risk_platform.transactions.simulator.typologies.compromised_merchant import compromised_merchant
from risk_platform.transactions.simulator.typologies.merchant_collusion import merchant_collusion
from risk_platform.transactions.simulator.typologies.mule_ring import LONGEST_FAN_OUT_MS, mule_ring
from risk_platform.transactions.simulator.typologies.push_payment_scam import push_payment_scam
from risk_platform.transactions.simulator.typologies.registry import TYPOLOGIES
from risk_platform.transactions.simulator.typologies.rented_account import rented_account
from risk_platform.transactions.simulator.typologies.sim_swap import sim_swap
from risk_platform.transactions.simulator.typologies.structuring import (
    LIMITS_MINOR,
    LOWEST_SHARE,
    structuring,
)
from risk_platform.transactions.simulator.world import World

EPISODES = 20


@pytest.fixture(scope="module")
def world() -> World:
    return Simulation(SimulationConfig(customers=1_500, days=60, fraud_share=0)).world


@pytest.fixture(params=range(EPISODES))
def scene(request: pytest.FixtureRequest, world: World) -> Scene:
    number: int = request.param
    return Scene(world, np.random.default_rng([11, number]), day=(number * 7) % 60)


def frauds_of(typology: Callable[[Scene], Episode], scene: Scene) -> Ledger:
    return completed(scene.world, typology(scene).frauds, scene.rng)


def test_every_typology_is_present_about_in_its_share(ecosystem: SimulatedPayments) -> None:
    truth = ecosystem.ground_truth
    counts = {row["values"]: row["counts"] for row in truth["typology"].value_counts().to_pylist()}
    assert set(counts) == {typology.name for typology in TYPOLOGIES}
    assert sum(typology.share for typology in TYPOLOGIES) == pytest.approx(1)
    for typology in TYPOLOGIES:
        assert counts[typology.name] / len(truth) == pytest.approx(typology.share, abs=0.045), typology.name


def test_account_takeover_empties_one_account_within_hours(scene: Scene) -> None:
    frauds = frauds_of(account_takeover, scene)
    assert 2 <= len(frauds) <= 7
    assert len(set(frauds.payer)) == 1
    assert np.ptp(frauds.time_ms) < 2 * HOUR_MS
    foreign = frauds.device[frauds.device >= CREW_DEVICES]
    assert len(set(foreign)) <= 1 or not len(foreign)


def test_sim_swap_tries_the_new_sim_and_drains(scene: Scene) -> None:
    frauds = frauds_of(sim_swap, scene)
    assert len(set(frauds.payer)) == 1
    assert len(set(frauds.device)) == 1
    assert frauds.device[0] >= CREW_DEVICES
    assert set(frauds.instrument) == {frauds.payer[0] * SLOTS + NEW_VPA}
    assert frauds.amount_minor[0] <= 1_000
    assert len(frauds) >= 5
    assert (frauds.amount_minor[1:] >= 50_000).all()
    assert (np.diff(frauds.time_ms) > 0).all()
    assert frauds.time_ms[-1] - frauds.time_ms[1] < 2 * HOUR_MS


def test_mule_ring_fans_in_and_out_within_ten_minutes(scene: Scene) -> None:
    frauds = frauds_of(mule_ring, scene)
    (mule,) = set(frauds.payer) & set(frauds.payee)
    into, out = frauds.take(frauds.payee == mule), frauds.take(frauds.payer == mule)
    assert len(into) + len(out) == len(frauds)
    assert len(set(into.payer)) == len(into) >= 4
    assert 3 <= len(out) <= 6
    assert into.time_ms.max() < out.time_ms.min()
    assert out.time_ms.max() - into.time_ms.max() <= LONGEST_FAN_OUT_MS == 10 * MINUTE_MS
    assert 0.8 * into.amount_minor.sum() < out.amount_minor.sum() <= into.amount_minor.sum()


def test_card_testing_is_small_then_large(scene: Scene) -> None:
    frauds = frauds_of(card_testing, scene)
    first = frauds.payee[0]
    tests = frauds.take((frauds.payee == first) & (frauds.amount_minor <= LARGEST_TEST_MINOR))
    spoils = frauds.take(frauds.amount_minor > LARGEST_TEST_MINOR)
    assert len(tests) + len(spoils) == len(frauds)
    assert len(set(tests.payer)) == len(tests) >= 8
    assert np.ptp(tests.time_ms) < HOUR_MS
    assert set(frauds.channel) == {Channel.CARD}
    worked = set(tests.payer[tests.status == Status.COMPLETED])
    assert set(spoils.payer) <= worked
    assert spoils.time_ms.min(initial=frauds.time_ms.max()) >= tests.time_ms.max()


def test_compromised_merchant_was_visited_by_every_card_before(scene: Scene) -> None:
    episode = compromised_merchant(scene)
    (shop,) = set(episode.genuine.payee)
    assert set(episode.frauds.payer) == set(episode.genuine.payer)
    for card in set(episode.frauds.payer):
        visit = episode.genuine.time_ms[episode.genuine.payer == card]
        frauds = episode.frauds.take(episode.frauds.payer == card)
        assert len(visit) == 1
        assert (frauds.time_ms - visit >= 2 * DAY_MS).all()
        assert (frauds.time_ms - visit <= 18 * DAY_MS).all()
    assert (episode.genuine.typology == 0).all()
    assert np.mean(episode.frauds.payee == shop) < 0.6


def test_push_payment_scam_sends_round_sums_to_one_new_payee(scene: Scene) -> None:
    frauds = frauds_of(push_payment_scam, scene)
    assert 2 <= len(frauds) <= 6
    assert len(set(frauds.payer)) == len(set(frauds.payee)) == 1
    assert (frauds.amount_minor % 500_000 == 0).all()
    assert frauds.device.min() != NONE
    assert frauds.device.max() < CREW_DEVICES or frauds.device.max() >= ONE_OFF_DEVICES
    clock = (frauds.time_ms - scene.world.calendar.start_ms) % DAY_MS
    assert (clock >= 9.5 * HOUR_MS).all()
    assert (clock <= 19.5 * HOUR_MS).all()
    assert np.ptp(frauds.time_ms) < 3 * DAY_MS


def test_push_payment_scam_mostly_meets_the_elderly(world: World) -> None:
    victims = [
        push_payment_scam(Scene(world, np.random.default_rng(n), 5)).frauds.payer[0] for n in range(200)
    ]
    assert 0.6 < np.mean(world.customers.age_band[victims] == ELDERLY) < 0.8


def test_merchant_collusion_refunds_what_was_bought_over_a_floor(scene: Scene) -> None:
    frauds = frauds_of(merchant_collusion, scene)
    bought = frauds.take(frauds.kind == PaymentKind.PURCHASE)
    refunded = frauds.take(frauds.kind == PaymentKind.REFUND)
    assert len(set(frauds.payee)) == 1
    assert 3 <= len(set(bought.payer)) <= 7
    assert bought.amount_minor.max() <= 1.35 * min(
        f for f in (50_000, 100_000, 200_000, 500_000) if _floor(f, bought)
    )
    pairs = set(zip(bought.payer.tolist(), bought.amount_minor.tolist(), strict=True))
    assert set(zip(refunded.payer.tolist(), refunded.amount_minor.tolist(), strict=True)) <= pairs


def _floor(floor: int, bought: Ledger) -> bool:
    return bool((bought.amount_minor >= floor).all() and (bought.amount_minor <= 1.35 * floor).all())


def test_structuring_stays_just_below_one_limit(scene: Scene) -> None:
    frauds = frauds_of(structuring, scene)
    below = [limit for limit in LIMITS_MINOR if LOWEST_SHARE * limit <= frauds.amount_minor.min() < limit]
    assert len(below) == 1
    assert (frauds.amount_minor < below[0]).all()
    assert 4 <= len(frauds) <= 9
    assert len(set(frauds.payer)) == 1
    assert len(set(frauds.payee)) <= 2
    assert np.ptp(frauds.time_ms) < 3 * DAY_MS


def test_rented_account_slept_and_passes_on_what_it_gets(scene: Scene) -> None:
    frauds = frauds_of(rented_account, scene)
    (account,) = set(frauds.payer) & set(frauds.payee)
    assert scene.world.customers.persona[account] == Persona.DORMANT
    into, out = frauds.take(frauds.payee == account), frauds.take(frauds.payer == account)
    assert len(into) == len(out) >= 3
    assert (out.time_ms > into.time_ms).all()
    assert (out.amount_minor < into.amount_minor).all()


def test_aeps_cash_out_happens_at_one_agent_in_two_days(scene: Scene) -> None:
    frauds = frauds_of(aeps_cash_out, scene)
    assert set(frauds.channel) == {Channel.AEPS}
    assert set(frauds.kind) == {PaymentKind.CASH}
    assert len(set(frauds.payee)) == 1
    assert frauds.amount_minor.max() <= 1_000_000
    assert np.ptp(frauds.time_ms) < 2 * DAY_MS
    assert (frauds.device == NONE).all()


def test_genuine_episodes_have_the_same_signatures(world: World) -> None:
    scenes = [Scene(world, np.random.default_rng([5, number]), 20) for number in range(120)]
    collected = [collection(scene) for scene in scenes]
    fast = 0
    for made in collected:
        (treasurer,) = set(made.payer) & set(made.payee)
        last_in = made.time_ms[made.payee == treasurer].max()
        fast += int(made.time_ms[made.payer == treasurer].max() - last_in <= LONGEST_FAN_OUT_MS)
    assert fast > 20
    cut = [split_invoice(scene).amount_minor for scene in scenes]
    assert sum(bool((amount >= 0.93 * 1_000_000).all() and (amount < 1_000_000).all()) for amount in cut) > 5
    assert all((play(scenes[0]).typology == 0).all() for play in LOOKALIKES)
