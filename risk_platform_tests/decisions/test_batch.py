from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from risk_platform.decisions.batch import DecisionCounts, decide_range
from risk_platform.decisions.engine import DecisionEngine
from risk_platform.decisions.levels import Thresholds
from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import DECISIONS, PAYMENT_FEATURES, TRANSACTIONS
from risk_platform.models.bundle import Bundle
from risk_platform_tests.decisions.small_model import rule_book

FIRST, LAST = date(2026, 3, 9), date(2026, 3, 13)
NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
PER_DAY = 40


def features_of(day: date) -> pa.Table:
    rng = np.random.default_rng(day.toordinal())
    moment = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
    amounts = rng.lognormal(10, 1, PER_DAY)
    amounts[:2] = 5e5
    return pa.table(
        {
            "source": ["test"] * PER_DAY,
            "transaction_id": [f"{day}-{at}" for at in range(PER_DAY)],
            "event_time": pa.array([moment] * PER_DAY, pa.timestamp("us", tz="UTC")),
            "event_date": [day] * PER_DAY,
            "known_time": pa.array([moment] * PER_DAY, pa.timestamp("us", tz="UTC")),
            "amount": amounts,
            "customer_amount_to_mean_90d": np.where(amounts > 4e5, 9.0, 1.0),
        }
    )


def decide(
    lake: Lake, model: Bundle, thresholds: Thresholds, first: date, last: date, moment: datetime
) -> DecisionCounts:
    engine = DecisionEngine(model, thresholds, ReasonDictionary.shipped(), rule_book())
    return decide_range(lake, engine, model.trained_on, first, last, moment)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    days = [FIRST + timedelta(days=at) for at in range(5)]
    lake.replace_range(PAYMENT_FEATURES, pa.concat_tables(map(features_of, days)), FIRST, LAST)
    return lake


def test_only_days_after_the_training_span_are_decided(
    lake: Lake, model: Bundle, thresholds: Thresholds
) -> None:
    counts = decide(lake, model, thresholds, FIRST, LAST, NOON)
    assert (counts.decided, counts.skipped_training_span, counts.already_decided) == (120, 80, 0)
    decided = lake.read(DECISIONS)
    assert decided.num_rows == 120
    assert min(decided["event_date"].to_pylist()) == date(2026, 3, 11)
    assert set(decided["decided_by"].to_pylist()) == {"batch"}
    assert sum(counts.levels.values()) == 120
    assert sum(counts.alerts.values()) == sum(decided["alerted"].to_pylist()) >= 6


def test_a_rerun_adds_nothing(lake: Lake, model: Bundle, thresholds: Thresholds) -> None:
    decide(lake, model, thresholds, FIRST, date(2026, 3, 12), NOON)
    version = lake.version(DECISIONS)
    again = decide(lake, model, thresholds, FIRST, date(2026, 3, 12), NOON + timedelta(days=1))
    assert (again.decided, again.already_decided) == (0, 80)
    assert lake.version(DECISIONS) == version
    rest = decide(lake, model, thresholds, FIRST, LAST, NOON)
    assert (rest.decided, rest.already_decided) == (40, 80)
    assert lake.read(DECISIONS).num_rows == 120


def test_a_decision_of_the_engine_is_left_alone(lake: Lake, model: Bundle, thresholds: Thresholds) -> None:
    decide(lake, model, thresholds, LAST, LAST, NOON)
    one = lake.read(DECISIONS).slice(0, 1)
    live = one.set_column(
        one.schema.get_field_index("decided_by"), DECISIONS.schema.field("decided_by"), [["engine"]]
    )
    fresh = Lake(str(Path(lake._root).parent / "other"))
    fresh.replace_range(PAYMENT_FEATURES, lake.read(PAYMENT_FEATURES), FIRST, LAST)
    fresh.insert_if_absent(DECISIONS, live)
    counts = decide(fresh, model, thresholds, LAST, LAST, NOON)
    assert (counts.decided, counts.already_decided) == (39, 1)
    assert sorted(fresh.read(DECISIONS)["decided_by"].to_pylist()) == ["batch"] * 39 + ["engine"]


def test_a_range_inside_the_training_span_decides_nothing(
    lake: Lake, model: Bundle, thresholds: Thresholds
) -> None:
    counts = decide(lake, model, thresholds, FIRST, date(2026, 3, 10), NOON)
    assert (counts.decided, counts.skipped_training_span) == (0, 80)
    assert not lake.exists(DECISIONS)


def test_what_came_in_live_waits_for_its_own_decision(
    lake: Lake, model: Bundle, thresholds: Thresholds
) -> None:
    """A micro-batch brings payments a moment before the engine's decisions on them."""
    features = lake.read(PAYMENT_FEATURES, filter=pc.field("event_date") == LAST)
    first = features.slice(0, 1).to_pylist()[0]
    live = dict.fromkeys(TRANSACTIONS.column_names) | {
        "partition": 0, "kind": "purchase", "status": "completed", "customer_id": "C1", "amount_minor": 100,
        "currency": "INR", "channel": "UPI", "broken_rules": [], "sequence": 7,
    }  # fmt: skip
    live |= {
        name: first[name] for name in ("source", "transaction_id", "event_time", "event_date", "known_time")
    }
    lake.replace_range(TRANSACTIONS, pa.Table.from_pylist([live], TRANSACTIONS.schema), LAST, LAST)
    counts = decide(lake, model, thresholds, LAST, LAST, NOON)
    assert counts.decided == PER_DAY - 1
    assert first["transaction_id"] not in lake.read(DECISIONS)["transaction_id"].to_pylist()
