from dataclasses import fields, replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from risk_platform.decisions.engine import DecisionEngine
from risk_platform.decisions.levels import Thresholds
from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.decisions.rules.columns import Features
from risk_platform.lake.tables import DECISIONS
from risk_platform.models.bundle import Bundle
from risk_platform.models.payments import Floats, Matrix
from risk_platform_tests.decisions.small_model import FEATURES, NO_RULES, rule_book

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)


def payments(amounts: list[float], ratios: list[float | None]) -> pa.Table:
    count = len(amounts)
    return pa.table(
        {
            "source": ["test"] * count,
            "transaction_id": [f"t{at}" for at in range(count)],
            "event_time": pa.array([NOON] * count, pa.timestamp("us", tz="UTC")),
            "event_date": [date(2026, 3, 20)] * count,
            "amount": pa.array(amounts, pa.float64()),
            "customer_amount_to_mean_90d": pa.array(ratios, pa.float64()),
        }
    )


@pytest.fixture(scope="module")
def engine(model: Bundle, thresholds: Thresholds) -> DecisionEngine:
    return DecisionEngine(model, thresholds, ReasonDictionary.shipped(), rule_book())


def decide(engine: DecisionEngine, table: pa.Table) -> pa.RecordBatch:
    return engine.decide(
        table, Features.of(table, FEATURES), decided_time=NOON, decided_by="batch", features_version=3
    )


def test_decisions_have_the_registry_schema_and_the_order_of_the_payments(engine: DecisionEngine) -> None:
    decisions = decide(engine, payments([2e4, 5e5, 1e4], [1.0, 9.0, None]))
    assert decisions.schema.equals(DECISIONS.schema)
    assert decisions["transaction_id"].to_pylist() == ["t0", "t1", "t2"]
    assert decisions["feature_values"].to_pylist() == [[2e4, 1.0], [5e5, 9.0], [1e4, None]]
    assert decisions["features_version"].to_pylist() == [3, 3, 3]


def test_what_is_not_low_is_explained(engine: DecisionEngine) -> None:
    decisions = decide(engine, payments([2e4, 5e5], [1.0, 9.0]))
    assert decisions["alerted"].to_pylist() == [False, True]
    assert decisions["level"].to_pylist()[0] == "LOW"
    assert decisions["advice"].to_pylist()[0] == "allow"
    assert decisions["reason_codes"].to_pylist()[0] == []
    assert decisions["attributions"].to_pylist()[0] is None
    assert sorted(decisions["reason_codes"].to_pylist()[1]) == ["R-AMOUNT", "R-AMOUNT-OWN-HABIT"]
    assert sum(decisions["attributions"].to_pylist()[1]) == pytest.approx(
        decisions["margin"].to_pylist()[1], abs=1e-6
    )


def test_the_strongest_reason_comes_first(engine: DecisionEngine) -> None:
    decision = decide(engine, payments([5e5], [9.0])).to_pylist()[0]
    amount, habit, _ = decision["attributions"]
    assert decision["reason_codes"][0] == ("R-AMOUNT" if amount > habit else "R-AMOUNT-OWN-HABIT")


def test_decision_ids_depend_on_payment_bundle_and_thresholds_alone(
    engine: DecisionEngine, model: Bundle, thresholds: Thresholds
) -> None:
    table = payments([2e4, 3e4], [1.0, 1.0])
    first = decide(engine, table)["decision_id"].to_pylist()
    assert decide(engine, table.slice(1))["decision_id"].to_pylist() == first[1:]
    assert len(set(first)) == 2
    for other in (
        DecisionEngine(
            replace(model, alert_budget=0.04), thresholds, ReasonDictionary.shipped(), rule_book()
        ),
        DecisionEngine(model, replace(thresholds, alert=0.7), ReasonDictionary.shipped(), rule_book()),
        DecisionEngine(model, thresholds, ReasonDictionary.shipped(), rule_book(NO_RULES + "# later\n")),
    ):
        assert set(decide(other, table)["decision_id"].to_pylist()).isdisjoint(first)


def test_a_decision_does_not_depend_on_its_batch(engine: DecisionEngine, thresholds: Thresholds) -> None:
    table = payments([2e4, 5e5, 1e4] * 8, [1.0, 9.0, None] * 8)
    without_model = DecisionEngine(None, thresholds, ReasonDictionary.shipped(), rule_book())
    for deciding in (engine, without_model):
        together = decide(deciding, table)
        alone = pa.concat_batches([decide(deciding, table.slice(at, 1)) for at in range(24)])
        assert together.equals(alone)


def test_no_payments_give_no_decisions(engine: DecisionEngine) -> None:
    decisions = decide(engine, payments([], []))
    assert decisions.num_rows == 0
    assert decisions.schema.equals(DECISIONS.schema)


class Broken(Bundle):
    """A bundle whose attributions miss the margin and whose margin of an unknown ratio is no number."""

    def margins(self, values: Matrix) -> Floats:
        return np.where(np.isnan(values[:, 1]), np.nan, super().margins(values))

    def attributions(self, values: Matrix) -> Floats:
        return super().attributions(values) + 1e-5


@pytest.fixture
def broken(model: Bundle, thresholds: Thresholds) -> DecisionEngine:
    return DecisionEngine(Broken(**vars_of(model)), thresholds, ReasonDictionary.shipped(), rule_book())


def vars_of(model: Bundle) -> dict[str, Any]:
    return {field.name: getattr(model, field.name) for field in fields(model)}


def assert_degraded(decision: dict[str, Any], reason: str) -> None:
    assert decision["degraded_reason"] == reason
    assert (decision["level"], decision["advice"], decision["score"]) == ("MEDIUM", "step_up", 0.5)
    assert decision["probability"] is decision["margin"] is decision["attributions"] is None
    assert decision["reason_codes"] == ["R-DEGRADED"]
    assert not decision["alerted"]


def test_attributions_that_do_not_add_up_degrade_the_decision(broken: DecisionEngine) -> None:
    low, raised = decide(broken, payments([2e4, 5e5], [1.0, 9.0])).to_pylist()
    assert low["degraded_reason"] is None
    assert low["level"] == "LOW"
    assert_degraded(raised, "the attributions miss the margin")


def test_a_margin_that_is_no_number_is_never_a_score(broken: DecisionEngine) -> None:
    known, unknown = decide(broken, payments([2e4, 2e4], [1.0, None])).to_pylist()
    assert known["degraded_reason"] is None
    assert_degraded(unknown, "the model's margin is no finite number")


@pytest.mark.parametrize("kill_switch", [True, False])
def test_without_a_model_rules_decide(model: Bundle, thresholds: Thresholds, kill_switch: bool) -> None:
    engine = DecisionEngine(
        model if kill_switch else None,
        thresholds,
        ReasonDictionary.shipped(),
        rule_book(),
        kill_switch=kill_switch,
        no_bundle_reason="the bundle is corrupt",
    )
    decision = decide(engine, payments([2e4], [1.0])).to_pylist()[0]
    assert_degraded(decision, "kill switch" if kill_switch else "the bundle is corrupt")
    assert decision["feature_values"] == ([2e4, 1.0] if kill_switch else [])
    assert (decision["bundle_hash"] is None) is not kill_switch


def test_features_that_could_not_be_computed_degrade_the_decision(engine: DecisionEngine) -> None:
    table = payments([2e4], [1.0])
    unseen = engine.decide(table, None, decided_time=NOON, decided_by="engine", features_version=-1)
    assert_degraded(unseen.to_pylist()[0], "no features")
    assert unseen["feature_values"].to_pylist() == [[None, None]]
    partly = decide(engine, table.drop_columns(["customer_amount_to_mean_90d"])).to_pylist()[0]
    assert_degraded(partly, "features are missing: customer_amount_to_mean_90d")
