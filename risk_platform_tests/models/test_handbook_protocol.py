"""The protocol on the published payments: a perfect ranking reaches the published ceiling of .419."""

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from risk_platform.models import metrics
from risk_platform.models.payments import DAY, Judgements, LabelledPayments
from risk_platform.models.protocol import Windows, day_number, day_start, plan_folds, train_rows
from risk_platform.models.protocol import test_rows as rows_to_test
from risk_platform.models.scored import Scored

HANDBOOK = Path(__file__).parents[2].parent / "shared/data/handbook/transactions.parquet"
pytestmark = [
    pytest.mark.handbook,
    pytest.mark.skipif(not HANDBOOK.exists(), reason=f"the handbook payments are not at {HANDBOOK}"),
]


@pytest.fixture(scope="module")
def payments() -> LabelledPayments:
    columns = ["TX_DATETIME", "CUSTOMER_ID", "TX_AMOUNT", "TX_FRAUD"]
    frame = pl.read_parquet(HANDBOOK, columns=columns)
    time = frame["TX_DATETIME"].cast(pl.Datetime("us")).to_physical().to_numpy()
    rows = np.flatnonzero(frame["TX_FRAUD"].to_numpy() == 1)
    return LabelledPayments(
        time,
        time // DAY,
        frame["CUSTOMER_ID"].cast(pl.Int64).to_numpy(),
        (frame["TX_AMOUNT"].to_numpy() * 100).round().astype(np.int64),
        Judgements.sorted(rows, time[rows] + 7 * DAY, np.ones(len(rows), dtype=np.bool_)),
    )


@pytest.mark.parametrize(
    ("train_days", "trained"),
    [(7, [67240, 66975, 67080, 67049]), (None, [1169723, 1236698, 1303778, 1370827])],
)
def test_windows_and_ceiling_are_the_published_ones(
    payments: LabelledPayments, train_days: int | None, trained: list[int]
) -> None:
    first = day_number(date(2018, 4, 1))
    folds = plan_folds(Windows(7, 7, train_days), day_number(date(2018, 8, 29)), 4, first)
    utc = ZoneInfo("UTC")
    assert [len(train_rows(payments, f, day_start(f.test_from, utc), 7 * DAY)) for f in folds] == trained
    tests = [rows_to_test(payments, fold, 7) for fold in folds]
    assert [len(rows) for rows in tests] == [58264, 57937, 58337, 57604]
    fraud = payments.frauds()
    ceilings = [
        metrics.card_precision(
            Scored.ranked(
                fraud[rows].astype(np.float64),
                fraud[rows],
                payments.event_day[rows],
                payments.customer[rows],
                payments.amount[rows],
            )
        )
        for rows in tests
    ]
    assert ceilings == pytest.approx([0.397143, 0.408571, 0.42, 0.451429], abs=1e-6)
    assert np.mean([value for value in ceilings if value is not None]) == pytest.approx(0.419, abs=5e-4)
