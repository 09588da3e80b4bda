"""Window edges, siblings, nulls, late arrivals and changed verdicts, worked out by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from risk_platform_tests.features.conftest import Build, Mart
from risk_platform_tests.features.events import Judgement, Payment, in_world

NOON = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
TICK = timedelta(microseconds=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def paid(
    name: str,
    before: timedelta,
    amount: int = 100,
    late: timedelta = timedelta(0),
    counterparty: str | None = "m",
) -> Payment:
    """A payment `before` NOON that became known `late` after it happened."""
    return Payment(name, NOON - before, NOON - before + late, "c", amount, counterparty)


def judged(name: str, payment: Payment, after: timedelta, is_fraud: bool) -> Judgement:
    return Judgement(name, payment.transaction_id, is_fraud, payment.event_time + after)


NOW = paid("now", timedelta(0))
OLD = paid("old", 20 * DAY)
WORLDS: dict[str, tuple[list[Payment], list[Judgement]]] = {
    "exact": (
        [NOW, paid("at", HOUR), paid("out", HOUR + TICK), paid("in", TICK), paid("sibling", timedelta(0))],
        [],
    ),
    "floor": ([NOW, paid("at", 7 * DAY + HOUR / 2), paid("out", 7 * DAY + HOUR / 2 + TICK)], []),
    "nulls": ([paid("now", timedelta(0), counterparty=None), paid("e", HOUR, counterparty=None)], []),
    "late": ([NOW, paid("unknown", HOUR / 2, 1, late=HOUR), paid("known", HOUR / 2, 10, late=HOUR / 4)], []),
    "good": ([NOW, OLD], []),
    "retracted": ([NOW, OLD], [judged("j", OLD, 3 * DAY, True), judged("k", OLD, 5 * DAY, False)]),
    "after maturity": ([NOW, OLD], [judged("j", OLD, 9 * DAY, True)]),
    "at maturity": ([NOW, OLD], [judged("j", OLD, 7 * DAY, True)]),
    "reported now": ([NOW, OLD], [Judgement("j", "old", True, NOON)]),
    "run": (
        [NOW, *(paid(f"e{days}", days * DAY) for days in (19, 18, 17, 16, 15))],
        [judged(f"j{days}", paid(f"e{days}", days * DAY), 7 * DAY, True) for days in (18, 16, 15)],
    ),
}


@pytest.fixture(scope="module")
def mart(build: Build) -> Mart:
    worlds = [in_world(world, *history) for world, history in WORLDS.items()]
    return build(
        [p for payments, _ in worlds for p in payments], [j for _, judgements in worlds for j in judgements]
    )


CASES = [
    ("exact", "customer_payment_count_1h", 2),
    ("exact", "customer_amount_sum_1h", 200),
    ("exact", "customer_payment_age_last_90d", TICK / DAY),
    ("floor", "customer_payment_count_7d", 1),
    ("floor", "customer_payment_count_30d", 2),
    ("nulls", "customer_payment_count_1d", 1),
    ("nulls", "counterparty_payment_count_1d", None),
    ("nulls", "customer_counterparties_distinct_7d", None),
    ("nulls", "customer_devices_distinct_7d", None),
    ("nulls", "device_payment_count_1h", None),
    ("nulls", "customer_device_novelty_90d", None),
    ("late", "customer_amount_sum_1h", 10),
    ("late", "counterparty_payment_count_1h", 1),
    ("good", "customer_good_amount_mean_90d", 100),
    ("good", "customer_good_amount_std_90d", None),
    ("good", "counterparty_fraud_rate_42d", 0),
    ("good", "counterparty_fraud_run_length_42d", 0),
    ("retracted", "counterparty_fraud_rate_42d", 0.5),
    ("retracted", "customer_good_amount_mean_90d", 100),
    ("retracted", "counterparty_fraud_run_length_42d", 0),
    ("retracted", "counterparty_quiet_run_since_42d", 1),
    ("after maturity", "counterparty_fraud_rate_42d", 0.5),
    ("after maturity", "counterparty_fraud_run_age_before_42d", 20),
    ("at maturity", "counterparty_fraud_rate_42d", 1),
    ("at maturity", "customer_good_amount_mean_90d", None),
    ("reported now", "counterparty_fraud_rate_42d", 0),
    ("run", "counterparty_fraud_run_length_42d", 2),
    ("run", "counterparty_fraud_run_age_first_42d", 16),
    ("run", "counterparty_fraud_run_age_before_42d", 17),
    ("run", "counterparty_fraud_age_first_42d", 18),
    ("run", "counterparty_quiet_run_since_42d", 0),
]


@pytest.mark.parametrize(("world", "feature", "expected"), CASES)
def test_feature_of_the_payment_at_noon(mart: Mart, world: str, feature: str, expected: float | None) -> None:
    assert mart[f"{world}/now"][feature] == expected
