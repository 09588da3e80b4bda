"""Raw payments become transactions, each batch of them is checked, and what was found is kept."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from risk_platform.lake import contract
from risk_platform.lake.contract import build_transactions, check_batch
from risk_platform.lake.ingest import ingest_file
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import DATA_QUALITY, RAW_TRANSACTIONS, TRANSACTIONS
from risk_platform.transactions.mapping import load_mapping
from risk_platform.transactions.rules import load_row_rules

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = (date(2026, 1, 1), date(2026, 1, 3))
CONTENT = """transaction_id,event_time,customer_id,amount_minor,channel
p1,2026-01-01 10:00,alice,100,UPI
p2,2026-01-02 10:00,bob,200,CARD
p3,2026-01-02 11:00,carol,300,UPI
p4,2026-01-09 11:00,carol,300,UPI
"""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    path = tmp_path / "payments.csv"
    path.write_text(CONTENT)
    ingest_file(
        lake, path, load_mapping("canonical"), timezone="Asia/Kolkata", label_maturity=timedelta(7), now=NOW
    )
    return lake


def test_transactions_are_the_raw_payments_of_the_days(lake: Lake) -> None:
    built = build_transactions(lake, *DAYS, now=NOW)
    assert (built.payments, built.flagged) == (3, {})
    assert build_transactions(lake, *DAYS, now=NOW).payments == 3
    rows = lake.read(TRANSACTIONS).to_pylist()
    assert sorted((row["transaction_id"], row["broken_rules"]) for row in rows) == [
        ("p1", []),
        ("p2", []),
        ("p3", []),
    ]


def test_a_payment_that_breaks_a_rule_of_today_stays_and_is_flagged(lake: Lake) -> None:
    """Seen from the day before it happened, p2 lies in the future: as good as a rule that came later."""
    earlier = datetime(2026, 1, 1, tzinfo=UTC)
    built = build_transactions(lake, *DAYS, now=earlier)
    assert (built.payments, built.flagged) == (3, {"event_time_not_future": 2})


@pytest.mark.parametrize("part", [500_000, 1])
def test_every_expectation_is_recorded_by_day(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setattr(contract, "_CHECKED_ROWS", part)
    build_transactions(lake, *DAYS, now=NOW)
    earlier = datetime(2026, 1, 1, tzinfo=UTC)
    results = check_batch(lake, *DAYS, tmp_path / "docs", timezone="Asia/Kolkata", now=earlier)
    assert len(results) == len(load_row_rules("payments")) + 3
    assert [result.expectation for result in results if not result.success] == ["event_time_not_future"]
    assert not any(result.blocking and not result.success for result in results)
    rows = lake.read(DATA_QUALITY).to_pylist()
    assert len(rows) == 2 * len(results)
    assert {
        row["event_date"]: (row["row_count"], row["unexpected_count"], row["success"])
        for row in rows
        if row["expectation"] == "event_time_not_future"
    } == {date(2026, 1, 1): (1, 0, True), date(2026, 1, 2): (2, 2, False)}
    assert [path.name for path in (tmp_path / "docs").iterdir()] == ["contract_2026-01-01_2026-01-03.html"]


def test_a_batch_without_rows_blocks(lake: Lake, tmp_path: Path) -> None:
    nothing = date(2025, 5, 5)
    build_transactions(lake, nothing, nothing, now=NOW)
    results = check_batch(lake, nothing, nothing, tmp_path / "docs", timezone="Asia/Kolkata", now=NOW)
    assert [(r.expectation, r.blocking) for r in results if not r.success] == [("rows_present", True)]
    assert lake.read(RAW_TRANSACTIONS).num_rows == 4
