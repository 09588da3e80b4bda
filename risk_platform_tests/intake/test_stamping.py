"""What the inbox adds to a payment."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pyarrow as pa
import pytest

from risk_platform.intake.events import read_events
from risk_platform.intake.lines import as_table
from risk_platform.intake.refusals import Refusals
from risk_platform.intake.stamping import stamped
from risk_platform.lake.tables import PAYMENT_COLUMNS
from risk_platform.transactions.partition import partitions_of
from risk_platform_tests.intake.events import payment, payments

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 10, 18, 30, tzinfo=UTC)


def read(events: list[dict[str, object]]) -> pa.Table:
    return as_table(read_events("payments", events, Refusals(len(events))), "payments")


def test_a_payment_gets_its_place_its_moment_and_its_partition() -> None:
    rows = stamped(read(payments(1, 3)), 7, 1_000, "Asia/Kolkata")
    assert rows.schema == pa.schema([(column.name, column.type) for column in PAYMENT_COLUMNS])
    assert rows["sequence"].to_pylist() == [7, 8, 9]
    assert [moment - EPOCH for moment in rows["known_time"].to_pylist()] == [
        timedelta(microseconds=micros) for micros in (1_000, 1_001, 1_002)
    ]
    customers = pl.Series(rows["customer_id"].to_pylist())
    assert rows["partition"].to_pylist() == partitions_of(customers).to_list()


@pytest.mark.parametrize(
    ("zone", "days"),
    [("Asia/Kolkata", [date(2026, 3, 10), date(2026, 3, 11)]), ("UTC", [date(2026, 3, 10)] * 2)],
)
def test_the_business_day_begins_at_midnight_of_the_zone(zone: str, days: list[date]) -> None:
    moments = [MIDNIGHT - timedelta(microseconds=1), MIDNIGHT]
    events = [payment(at, event_time=moment.isoformat()) for at, moment in enumerate(moments)]
    assert stamped(read(events), 1, 1, zone)["event_date"].to_pylist() == days


def test_events_in_pieces_are_stamped_as_one() -> None:
    whole = read(payments(1, 4))
    pieces = pa.concat_tables([whole.slice(0, 1), whole.slice(1)])
    assert stamped(pieces, 1, 1, "Asia/Kolkata").equals(stamped(whole, 1, 1, "Asia/Kolkata"))
