"""Every operator of the closed list against its definition over the raw list of events."""

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from risk_platform.features.history import history_before
from risk_platform_tests.features.events import Judgement, Payment
from risk_platform_tests.features.online.feeding import MATURITY, declared, engine_of, expected, fed, wrong
from risk_platform_tests.features.online.histories import histories

WINDOWS = ["1h", "1d", "7d"]
MEASURED = {
    "sum": "amount",
    "mean": "amount",
    "std": "amount",
    "max": "latitude",
    "distinct": "devices",
    "last": "latitude",
}
STATES = ["length", "age_first", "age_before", "since"]
RUNS = [
    {"entity": "customer", "of": "fraud", "broken_by": "good", "states": STATES, "horizon": "28d"},
    {"entity": "customer", "of": "quiet", "broken_by": "good", "states": STATES, "horizon": "7d"},
]


def aggregates(agg: str) -> list[dict[str, Any]]:
    """The aggregation for every entity, over all payments, filtered ones and resolutions."""
    measure = {"measure": MEASURED[agg]} if agg in MEASURED else {}
    fixed = {**measure, "aggs": [agg], "windows": WINDOWS}
    filtered = [
        {"entity": "customer", "filter": name, **fixed} for name in ("cash", "good", "fraud", "quiet")
    ]
    return [{"entity": name, **fixed} for name in ("customer", "pair", "received")] + filtered


def narrowed(agg: str) -> dict[str, Any]:
    """The aggregation for views narrowed by a plain code, by one that stands only for accounts, and by a bit field."""
    measure = {"measure": MEASURED[agg]} if agg in MEASURED else {}
    fixed = {**measure, "aggs": [agg], "windows": WINDOWS}
    keys = {"on_device": "device_id", "to_account": "payee_account_id", "in_hours": "daypart"}
    entities = {name: {"title": "", "key": ["customer_id", column]} for name, column in keys.items()}
    asked = [{"entity": name, **fixed} for name in keys]
    asked += [{"entity": name, "filter": by, **fixed} for name in keys for by in ("cash", "good", "fraud")]
    return declared(entities=entities, aggregates=asked)


EVERYDAY = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
THOROUGH = settings(EVERYDAY, max_examples=150)
HISTORY, BATCH = histories(longest=14), st.sampled_from([1, 3, 100])
History = tuple[list[Payment], list[Judgement]]


@pytest.mark.parametrize("agg", ["count", "rate", "age_first", "age_last", *MEASURED])
@EVERYDAY
@given(history=HISTORY, batch=BATCH)
def test_an_aggregation_equals_its_definition(agg: str, history: History, batch: int) -> None:
    check(declared(aggregates=aggregates(agg)), history, batch)


@pytest.mark.parametrize("agg", ["count", "rate", "age_first", "age_last", *MEASURED])
@EVERYDAY
@given(history=HISTORY, batch=BATCH)
def test_an_aggregation_of_a_narrowed_view_equals_its_definition(
    agg: str, history: History, batch: int
) -> None:
    check(narrowed(agg), history, batch)


@EVERYDAY
@given(history=HISTORY, batch=BATCH)
def test_run_states_equal_their_definition(history: History, batch: int) -> None:
    check_runs(history, batch)


@pytest.mark.long
@pytest.mark.parametrize("agg", ["count", "rate", "age_first", "age_last", *MEASURED])
@THOROUGH
@given(history=histories(longest=40), batch=BATCH)
def test_an_aggregation_equals_its_definition_in_long_histories(
    agg: str, history: History, batch: int
) -> None:
    check(declared(aggregates=aggregates(agg)), history, batch)


@pytest.mark.long
@THOROUGH
@given(history=histories(longest=40), batch=BATCH)
def test_run_states_equal_their_definition_in_long_histories(history: History, batch: int) -> None:
    check_runs(history, batch)


def check(variables: dict[str, Any], history: History, batch: int) -> None:
    found, _ = fed(engine_of(variables), *history, batch=batch)
    assert wrong(variables, found, expected(variables, *history)) == {}


def check_runs(history: History, batch: int) -> None:
    """A run may reach back without end; engine and mart look back as far as `history_before` says."""
    variables = declared(run_states=RUNS)
    moments = [payment.event_time for payment in history[0]]
    assume(max(moments) - min(moments) < history_before(variables, MATURITY))
    check(variables, history, batch)
