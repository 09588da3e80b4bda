"""The shipped features live: equal to their definition, however the history is cut, interrupted and shuffled."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from risk_platform.errors import ContractError
from risk_platform.features.online.engine import OnlineFeatures
from risk_platform.features.spec import load_feature_spec, load_feature_vars
from risk_platform_tests.features.events import Judgement, Payment, random_history
from risk_platform_tests.features.online.feeding import (
    NOON,
    TOLERANCE,
    declared,
    engine_of,
    expected,
    fed,
    judgements_of,
    observed,
    table_of,
    through_disk,
    wrong,
)
from risk_platform_tests.features.online.histories import histories
from risk_platform_tests.features.reference import Reference

DAY = timedelta(days=1)
SMALL = declared(
    aggregates=[
        {"entity": "customer", "aggs": ["count", "age_first"], "windows": ["1h", "7d"]},
        {"entity": "customer", "measure": "amount", "aggs": ["sum", "std"], "windows": ["7d"]},
        {"entity": "customer", "measure": "latitude", "aggs": ["last"], "windows": ["7d"]},
        {"entity": "customer", "filter": "fraud", "aggs": ["rate"], "windows": ["28d"]},
        {"entity": "received", "aggs": ["count"], "windows": ["1d"]},
    ],
    run_states=[
        {"entity": "customer", "of": "quiet", "broken_by": "good", "states": ["age_before"], "horizon": "7d"}
    ],
)


def paid(name: str, before: timedelta, amount: int = 100, late: timedelta = timedelta(0)) -> Payment:
    return Payment(name, NOON - before, NOON - before + late, "c", amount, "m")


@pytest.mark.parametrize("batch", [1, 60])
def test_every_shipped_feature_equals_its_definition(batch: int) -> None:
    variables = load_feature_vars()
    payments, judgements = random_history(seed=5, count=60)
    found, _ = fed(engine_of(variables, 4 * DAY), payments, judgements, batch)
    by_definition = Reference(load_feature_spec(), payments, judgements, 7 * DAY, 120 * DAY).values
    assert wrong(variables, found, by_definition) == {}


def test_two_threads_answer_as_one_does() -> None:
    variables = load_feature_vars()
    payments, _ = random_history(seed=8, count=400)
    together, on_two = fed(engine_of(variables, 4 * DAY), payments, [], batch=400)
    alone, on_one = fed(engine_of(variables, 4 * DAY), payments, [], batch=1)
    assert together == alone
    assert on_two.state_hash() == on_one.state_hash()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(longest=12), batch=st.sampled_from([1, 2, 5]))
def test_snapshots_in_between_change_nothing(
    history: tuple[list[Payment], list[Judgement]], batch: int, tmp_path: Path
) -> None:
    found, interrupted = fed(engine_of(SMALL), *history, batch, through_disk(tmp_path))
    assert wrong(SMALL, found, expected(SMALL, *history)) == {}
    _, undisturbed = fed(engine_of(SMALL), *history, batch)
    assert interrupted.state_hash() == undisturbed.state_hash()


@settings(max_examples=10, deadline=None)
@given(history=histories(longest=12), batches=st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_the_state_does_not_know_how_its_history_was_cut(
    history: tuple[list[Payment], list[Judgement]], batches: tuple[int, int]
) -> None:
    one, other = (fed(engine_of(SMALL), *history, batch)[1] for batch in batches)
    assert one.state_hash() == other.state_hash()


@pytest.mark.parametrize(
    ("payments", "reason"),
    [
        ([paid("late", 3 * DAY, late=3 * DAY)], "late is further behind"),
        ([paid("first", timedelta(0))], "first was observed before"),
        ([paid("new", -DAY), paid("new", -DAY)], "new was observed before"),
        ([paid("b", -2 * DAY), paid("a", -DAY)], "sort by known_time"),
        ([paid("future", -9 * DAY, late=-8 * DAY)], "future is further ahead"),
        ([paid("huge", -DAY, amount=2**47)], "huge has an amount"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(payments: list[Payment], reason: str) -> None:
    engine = engine_of(SMALL)
    observed(engine, [paid("first", timedelta(0))])
    before = engine.state_hash()
    with pytest.raises(ContractError, match=reason):
        engine.observe(table_of(payments))
    assert engine.state_hash() == before


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (pa.array(["1.50"]), "amount_minor of the payments is string; it must be a whole number"),
        (pa.array([1.5]), "amount_minor of the payments is double; it must be a whole number"),
    ],
)
def test_a_column_of_another_type_is_refused_by_name(column: pa.Array, reason: str) -> None:
    engine = engine_of(SMALL)
    table = table_of([paid("first", timedelta(0))])
    with pytest.raises(ContractError, match=reason):
        engine.observe(table.set_column(table.schema.get_field_index("amount_minor"), "amount_minor", column))


def test_an_absent_column_is_refused_by_name() -> None:
    with pytest.raises(ContractError, match="lack the column city"):
        engine_of(SMALL).observe(table_of([paid("first", timedelta(0))]).drop_columns("city"))


def busy(number: int, payer: str, minutes: int) -> Payment:
    moment = NOON + timedelta(minutes=minutes)
    return Payment(f"b{number}", moment, NOON + timedelta(minutes=number), payer, 100, "shop")


def test_distinct_counts_of_a_busy_payee_equal_their_definition() -> None:
    variables = declared(
        entities={"shop": {"title": "", "key": ["counterparty_id"]}},
        measures={"payers": {"title": "", "column": "customer_id_code"}},
        filters={},
        deviations={},
        aggregates=[{"entity": "shop", "measure": "payers", "aggs": ["distinct"], "windows": ["1h", "2d"]}],
    )
    # Every seventh payment comes an hour late, and after 600 of them two days pass.
    payments = [
        busy(at, f"payer{at * at % 89}", at - 60 * (at % 7 == 0) + 2_880 * (at > 600))
        for at in range(60, 760)
    ]
    found, _ = fed(engine_of(variables, 4 * DAY), payments, [], 50)
    assert wrong(variables, found, expected(variables, payments, [])) == {}


def test_an_account_is_not_the_merchant_of_the_same_name() -> None:
    variables = declared(
        entities={"to_account": {"title": "", "key": ["customer_id", "payee_account_id"]}},
        aggregates=[{"entity": "to_account", "aggs": ["count", "age_last"], "windows": ["1h"]}],
    )
    payees = ("merchant", "person", "merchant", "person", None, "person")
    payments = [
        replace(paid(f"p{at}", timedelta(minutes=-at)), counterparty_id="x", counterparty_type=payee)
        for at, payee in enumerate(payees)
    ]
    found, _ = fed(engine_of(variables), payments, [])
    assert wrong(variables, found, expected(variables, payments, [])) == {}
    assert [found[f"p{at}"]["to_account_payment_count_1h"] for at in range(6)] == [None, 0, None, 1, None, 2]


def test_a_judgement_older_than_what_was_seen_is_refused() -> None:
    engine = engine_of(SMALL)
    observed(engine, [paid("first", timedelta(0))])
    before = engine.state_hash()
    with pytest.raises(ContractError, match="older than what was observed"):
        engine.report(judgements_of([Judgement("j", "first", True, NOON - DAY)]))
    assert engine.state_hash() == before


def test_refuse_late_names_what_the_tolerance_does_not_cover() -> None:
    engine = engine_of(SMALL)
    observed(engine, [paid("first", timedelta(0))])
    at_edge, beyond = paid("edge", TOLERANCE), paid("beyond", TOLERANCE + timedelta(microseconds=1))
    leap = paid("leap", -10 * DAY)
    late = engine.refuse_late(table_of([at_edge, beyond, leap, paid("now", timedelta(0))]))
    assert late.tolist() == [False, True, False, True]


def test_state_is_bounded_by_windows_not_by_history() -> None:
    engine = engine_of(SMALL)
    sizes = []
    for week in range(60):
        moments = [timedelta(weeks=-week, minutes=-minute) for minute in range(200)]
        engine.observe(table_of([paid(f"{week}-{-at}", at) for at in moments]))
        sizes.append(engine.nbytes)
    assert sizes[-1] == sizes[40] < 3 * sizes[20]


def test_an_engine_that_owns_a_part_refuses_the_rest() -> None:
    engine = OnlineFeatures(
        SMALL, label_maturity=7 * DAY, timezone="UTC", late_tolerance=DAY, partitions=frozenset({3})
    )
    with pytest.raises(ContractError, match="does not own"):
        engine.observe(table_of([paid("first", timedelta(0))]))


def test_null_keys_give_null_features() -> None:
    variables = declared(aggregates=[{"entity": "pair", "aggs": ["count"], "windows": ["1d"]}])
    values = engine_of(variables).observe(table_of([paid("first", timedelta(0))]))
    assert np.isnan(values[0, -1])
