"""The live door and the door of ingestion give the same verdicts."""

from datetime import timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_platform.intake.door import LiveDoor
from risk_platform.intake.events import Columns, micros, read_events
from risk_platform.intake.lines import as_table
from risk_platform.intake.refusals import Refusals
from risk_platform.transactions.door import Door
from risk_platform.transactions.rules import load_row_rules
from risk_platform.transactions.times import INSTANT
from risk_platform_tests.intake.events import NOW, payment

TEXTS = st.sampled_from(
    ["", "a", "C1", "x" * 128, "x" * 129, "tab\there", "é", "\x7f", "UPI", "INR", "IN", None]
)
FIELDS = {
    "source": TEXTS,
    "transaction_id": TEXTS,
    "customer_id": TEXTS,
    "device_id": TEXTS,
    "mcc": TEXTS,
    "city": TEXTS,
    "kind": st.sampled_from(["purchase", "refund", "gift", None]),
    "status": st.sampled_from(["completed", "lost", None]),
    "channel": st.sampled_from(["UPI", "CARD", "PIGEON", None]),
    "currency": st.sampled_from(["INR", "JPY", "XXX", None]),
    "country": st.sampled_from(["IN", "ZZ", None]),
    "counterparty_type": st.sampled_from(["merchant", "robot", None]),
    "amount_minor": st.sampled_from([0, 1, -1, 10**14, 10**14 + 1, None]),
    "latitude": st.sampled_from([0.0, 90.0, 90.1, -91.0, None]),
    "longitude": st.sampled_from([180.0, -180.5, None]),
    "event_time": st.sampled_from(
        [NOW, NOW + timedelta(days=1), NOW + timedelta(days=1, microseconds=1), NOW.replace(year=1989), None]
    ),
}


@settings(deadline=None, max_examples=150)
@given(st.lists(st.fixed_dictionaries({}, optional=FIELDS), min_size=1, max_size=8))
def test_both_doors_refuse_the_same_events_for_the_same_rule(changes: list[dict[str, Any]]) -> None:
    events = [payment(at, **change) for at, change in enumerate(changes)]
    refusals = Refusals(len(events))
    columns = read_events("payments", events, refusals)
    assert not refusals.items
    LiveDoor("payments").check(columns, NOW, refusals)
    assert {item.position: item.rule for item in refusals.items} == _by_polars(columns)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.fixed_dictionaries({}, optional=FIELDS), min_size=1, max_size=3),
    st.fixed_dictionaries({}, optional=FIELDS),
)
def test_many_events_seen_at_once_are_refused_like_each_alone(
    changes: list[dict[str, Any]], everywhere: dict[str, Any]
) -> None:
    events = [payment(at, **everywhere) for at in range(16)]
    events += [payment(16 + at, **change) for at, change in enumerate(changes)]
    read = Refusals(len(events))
    columns = read_events("payments", events, read)
    assert not read.items
    alone, together = Refusals(len(events)), Refusals(len(events))
    door = LiveDoor("payments")
    door.check(columns, NOW, alone)
    door.check(columns, NOW, together, as_table(columns, "payments"))
    assert together.items == alone.items


def _by_polars(columns: Columns) -> dict[int, str]:
    """The first rule that each event breaks at the other door."""
    frame = pl.DataFrame(columns | {"known_time": [micros(NOW)] * len(columns["source"])}, strict=False)
    text = [name for name, dtype in frame.schema.items() if dtype == pl.Null]
    numbers = {"latitude", "longitude"}
    frame = frame.with_columns(
        pl.col(name).cast(
            pl.Float64 if name in numbers else pl.Int64 if name == "amount_minor" else pl.String
        )
        for name in text
        if not name.endswith("_time")
    ).with_columns(pl.col("event_time", "known_time").cast(pl.Int64).cast(INSTANT))
    first: dict[int, str] = {}
    for item in Door(rule for rule in load_row_rules("payments") if rule.at_door).breaks(frame, NOW):
        for position in item.rows.arg_true().to_list():
            first.setdefault(position, item.rule)
    return first
