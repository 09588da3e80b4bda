"""The row rules, compiled twice, flag the same rows; what is accepted is flagged but never removed."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from risk_platform.errors import InputError
from risk_platform.transactions.canonical import PAYMENTS
from risk_platform.transactions.contract import with_broken_rules
from risk_platform.transactions.contract_report import write_report
from risk_platform.transactions.door import Door
from risk_platform.transactions.expectations import (
    EVENT_DATE_MATCHES,
    KEY_UNIQUE,
    ROWS_PRESENT,
    validate_batch,
)
from risk_platform.transactions.marked_yaml import parse_yaml
from risk_platform.transactions.rules import RowRule, load_row_rules, parse_row_rules

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GOOD: dict[str, object] = {
    "source": "shop",
    "transaction_id": "p1",
    "event_time": datetime(2026, 1, 1, 20, tzinfo=UTC),
    "event_date": date(2026, 1, 2),
    "known_time": datetime(2026, 1, 1, 20, tzinfo=UTC),
    "kind": "purchase",
    "status": "completed",
    "customer_id": "alice",
    "instrument_id": None,
    "counterparty_id": "shop-1",
    "counterparty_type": "merchant",
    "amount_minor": 150,
    "currency": "INR",
    "channel": "UPI",
    "mcc": "5411",
    "device_id": None,
    "ip_token": None,
    "latitude": 19.1,
    "longitude": 72.9,
    "city": "Mumbai",
    "country": "IN",
}
SCHEMA = pl.Schema(
    {
        name: {
            "event_time": pl.Datetime("us", "UTC"),
            "known_time": pl.Datetime("us", "UTC"),
            "event_date": pl.Date(),
            "amount_minor": pl.Int64(),
            "latitude": pl.Float64(),
            "longitude": pl.Float64(),
        }.get(name, pl.String())
        for name in GOOD
    }
)
EXTRA_RULES = """rules:
  payments:
    - {name: amount_positive, column: amount_minor, kind: positive, description: Some., since: 2026-02-01}
    - {name: longitude_finite, column: longitude, kind: finite, description: A number., since: 2026-02-01}
    - name: small
      column: amount_minor
      kind: between
      min: 0
      max: 100
      description: Few.
      since: 2026-02-01
"""


def rules_of(text: str) -> tuple[RowRule, ...]:
    return parse_row_rules(parse_yaml(text, "rules.yaml"))["payments"]


def frame_of(*changes: dict[str, object]) -> pl.DataFrame:
    rows = [{**GOOD, "transaction_id": f"p{i}", **change} for i, change in enumerate(changes)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


words = st.one_of(
    st.none(),
    st.sampled_from(
        [
            "shop",
            "UPI",
            "CARD",
            "purchase",
            "completed",
            "merchant",
            "INR",
            "XXQ",
            "IN",
            "ZZ",
            "",
            "\n",
            "x\n",
        ]
    ),
    st.text(max_size=5),
    st.integers(60, 140).map(lambda length: "é" * length),
)
moments = st.one_of(
    st.none(),
    st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(
        [
            NOW,
            NOW + timedelta(days=1),
            NOW + timedelta(days=1, microseconds=1),
            datetime(1990, 1, 1, tzinfo=UTC),
        ]
    ),
)
degrees = st.one_of(st.none(), st.floats(allow_nan=False), st.sampled_from([90.0, -90.0, 180.0, -180.00001]))
amounts = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.sampled_from([0, -1, 1, 100, 101, 10**14, 10**14 + 1])
)
rows = st.fixed_dictionaries(
    {
        name: {"amount_minor": amounts, "latitude": degrees, "longitude": degrees}.get(
            name, moments if name.endswith("_time") else words
        )
        for name in GOOD
        if name != "event_date"
    }
)


@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(st.lists(rows, min_size=30, max_size=60))
def test_door_and_suite_flag_the_same_rows(generated: list[dict[str, object]]) -> None:
    frame = pl.DataFrame(
        [{**row, "event_date": date(2026, 1, 1)} for row in generated], schema=SCHEMA, orient="row"
    )
    rules = (*load_row_rules("payments"), *rules_of(EXTRA_RULES))
    flags = Door(rules).flags(frame, NOW)
    at_door = {rule.name: tuple(flags[rule.name].arg_true().to_list()) for rule in rules}
    results = validate_batch(frame, rules, PAYMENTS, timezone="Asia/Kolkata", now=NOW)
    in_suite = {result.expectation: result.unexpected_rows for result in results if not result.blocking}
    assert in_suite == at_door
    assert {result.expectation: result.unexpected_count for result in results if not result.blocking} == {
        name: len(broken) for name, broken in at_door.items()
    }
    assert all(
        result.success == (not result.unexpected_count) for result in results if result.expectation in at_door
    )


def test_a_good_payment_breaks_nothing() -> None:
    assert Door(load_row_rules("payments")).breaks(frame_of({}), NOW) == []
    results = validate_batch(
        frame_of({}), load_row_rules("payments"), PAYMENTS, timezone="Asia/Kolkata", now=NOW
    )
    assert [result.expectation for result in results if not result.success] == []


def test_a_rule_added_later_flags_and_removes_nothing() -> None:
    rules = (*load_row_rules("payments"), *rules_of(EXTRA_RULES))
    flagged = with_broken_rules(frame_of({}, {"amount_minor": 0}, {"amount_minor": 50}), rules, NOW)
    assert flagged["broken_rules"].to_list() == [["small"], ["amount_positive"], []]
    assert with_broken_rules(frame_of({}), load_row_rules("payments"), NOW)["broken_rules"].to_list() == [[]]


def test_what_must_hold_of_the_table_blocks() -> None:
    rules = load_row_rules("payments")
    frame = frame_of({}, {"transaction_id": "p0"}, {"event_date": date(2026, 1, 1)})
    results = {
        r.expectation: r for r in validate_batch(frame, rules, PAYMENTS, timezone="Asia/Kolkata", now=NOW)
    }
    broken = {name: r.unexpected_rows for name, r in results.items() if not r.success}
    assert broken == {KEY_UNIQUE: (0, 1), EVENT_DATE_MATCHES: (2,)}
    assert all(results[name].blocking for name in broken)
    assert results[EVENT_DATE_MATCHES].unexpected_by_day == {date(2026, 1, 1): 1}
    empty = validate_batch(frame_of(), rules, PAYMENTS, timezone="Asia/Kolkata", now=NOW)
    assert [result.expectation for result in empty if not result.success] == [ROWS_PRESENT]


def test_the_report_is_one_page_that_fetches_nothing(tmp_path: Path) -> None:
    frame = frame_of({"city": "<script>\n"})
    results = validate_batch(frame, load_row_rules("payments"), PAYMENTS, timezone="Asia/Kolkata", now=NOW)
    path = write_report(
        results, tmp_path / "docs", from_date=date(2026, 1, 2), to_date=date(2026, 1, 2), checked=NOW
    )
    page = path.read_text()
    assert path.name == "contract_2026-01-02_2026-01-02.html"
    assert "city_printable" in page
    assert "http" not in page
    assert "<script>" not in page


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        (
            "column: amount_minor, kind: positive",
            "column: amount_mino, kind: positive",
            "line 3: 'amount_mino' is no column of payments, did you mean 'amount_minor'?",
        ),
        ("kind: finite", "kind: finit", "line 4: "),
        ("max: 100", "max: many", "line 5: "),
        ("max: 100", "max: 2026-01-01", "min and max must both be numbers or both be days"),
        ("name: small", "name: amount_positive", "line 5: two rules are called 'amount_positive'"),
        (
            "column: longitude",
            "column: city",
            "line 4: finite says nothing about city, which is of type text",
        ),
        ("since: 2026-02-01}\n    - name: small", "sinc: 2026-02-01}\n    - name: small", "line 4: "),
    ],
)
def test_a_wrong_rule_is_refused_with_its_line(right: str, wrong: str, sentence: str) -> None:
    assert right in EXTRA_RULES
    with pytest.raises(InputError) as refused:
        rules_of(EXTRA_RULES.replace(right, wrong))
    assert sentence in str(refused.value)
