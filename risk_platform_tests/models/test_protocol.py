from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_platform.errors import InputError
from risk_platform.models.payments import DAY, Ints, Judgements, LabelledPayments
from risk_platform.models.protocol import (
    Fold,
    Windows,
    day_date,
    day_number,
    day_start,
    fold_at,
    plan_folds,
    train_rows,
)
from risk_platform.models.protocol import (
    test_rows as rows_to_test,
)

UTC_ZONE = ZoneInfo("UTC")


def _payments(
    days: list[int],
    customers: list[int],
    frauds: list[int],
    delay: int = 7,
    late: dict[int, int] | None = None,
) -> LabelledPayments:
    """One payment at noon of each day; `frauds` are row numbers, reported `delay` days later, or as `late` says."""
    time = np.asarray(days, dtype=np.int64) * DAY + DAY // 2
    rows = np.asarray(frauds, dtype=np.int64)
    known = time[rows] + np.asarray([(late or {}).get(row, delay) for row in frauds], dtype=np.int64) * DAY
    return LabelledPayments(
        time,
        np.asarray(days, dtype=np.int64),
        np.asarray(customers, dtype=np.int64),
        np.full(len(days), 100, dtype=np.int64),
        Judgements.sorted(rows, known, np.ones(len(rows), dtype=np.bool_)),
    )


def _list(rows: Ints) -> list[int]:
    return [int(row) for row in rows]


def test_folds_of_the_published_protocol() -> None:
    folds = plan_folds(Windows(7, 7, 7), day_number(date(2018, 8, 29)), 4, day_number(date(2018, 4, 1)))
    assert [day_date(fold.train_from).isoformat() for fold in folds] == [
        "2018-07-25",
        "2018-08-01",
        "2018-08-08",
        "2018-08-15",
    ]
    assert folds[0].describe() == "train 2018-07-25 to 2018-07-31, test 2018-08-08 to 2018-08-14"
    assert folds[-1].describe() == "train 2018-08-15 to 2018-08-21, test 2018-08-29 to 2018-09-04"


def test_all_history_begins_with_the_data() -> None:
    assert fold_at(Windows(7, 7, None), 100, 3) == Fold(3, 93, 100, 107)
    assert fold_at(Windows(7, 7, 30), 40, 20) == Fold(20, 33, 40, 47)


@pytest.mark.parametrize("lengths", [(0, 7, 7), (7, -1, 7), (7, 7, 0)])
def test_impossible_windows_are_refused(lengths: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match="at least one day"):
        Windows(*lengths)


def test_a_label_reported_after_the_test_began_is_not_learned() -> None:
    """Payment 1 is a fraud that is reported on day 20, after the test began on day 15."""
    payments = _payments([1, 2, 3], [1, 2, 3], [0, 1], late={1: 18})
    as_of = day_start(15, UTC_ZONE)
    assert payments.frauds(as_of).tolist() == [True, False, False]
    assert payments.frauds().tolist() == [True, True, False]
    assert payments.known_before(as_of).frauds().tolist() == [True, False, False]


def test_the_latest_known_judgement_wins() -> None:
    judgements = Judgements.sorted(np.array([0, 0]), np.array([50 * DAY, 20 * DAY]), np.array([False, True]))
    payments = LabelledPayments(
        *(np.array([10 * DAY]), np.array([10]), np.array([0]), np.array([1])), judgements
    )
    assert payments.frauds(30 * DAY).tolist() == [True]
    assert payments.frauds(60 * DAY).tolist() == [False]
    assert payments.judged(10 * DAY).tolist() == [False]


def test_payments_too_young_to_be_judged_are_not_learned_unless_they_were() -> None:
    """With a gap of 2 days but labels after 7, days 6 to 9 are silent; payment 8 was judged early."""
    payments = _payments([2, 3, 6, 8, 9], [1, 2, 3, 4, 5], [3], late={3: 1})
    fold = fold_at(Windows(3, 2, 8), 12, 0)
    assert _list(train_rows(payments, fold, day_start(12, UTC_ZONE), 7 * DAY)) == [0, 1, 3]
    assert _list(train_rows(payments, fold, day_start(12, UTC_ZONE), 2 * DAY)) == [0, 1, 2, 3, 4]


def test_customers_already_reported_leave_the_test() -> None:
    """Train days 7 to 13, gap 14 to 20, test 21 to 27, label delay 7 days.

    Customer 1 was defrauded in the train week: out. Customer 2 on day 14, known on day 21, so out from day 22 on.
    Customer 3 on day 5, before the last 7 days ahead of the gap: stays, however long the train window.
    """
    days = [8, 14, 5, 21, 21, 21, 22, 22, 22]
    customers = [1, 2, 3, 1, 2, 3, 1, 2, 3]
    payments = _payments(days, customers, [0, 1, 2])
    for train_days in (7, None):
        fold = fold_at(Windows(7, 7, train_days), 21, 0)
        assert _list(rows_to_test(payments, fold, 7)) == [4, 5, 8]


def test_nobody_is_removed_where_no_customers_are_named() -> None:
    payments = _payments([8, 21, 22], [0, 0, 0], [0])
    assert _list(rows_to_test(payments, fold_at(Windows(7, 7, 7), 21, 0), 7)) == [1, 2]


def test_a_business_day_begins_at_midnight_of_its_zone() -> None:
    day = day_number(date(2026, 3, 1))
    assert day_start(day, ZoneInfo("Asia/Kolkata")) == day_start(day, UTC_ZONE) - int(5.5 * 3600) * 1_000_000


@given(
    st.integers(1, 10),
    st.integers(0, 10),
    st.one_of(st.none(), st.integers(1, 30)),
    st.integers(1, 6),
    st.integers(60, 90),
)
@settings(max_examples=100, deadline=None)
def test_folds_tile_the_test_days_and_never_touch_their_training(
    test_days: int, delay_days: int, train_days: int | None, count: int, test_from: int
) -> None:
    folds = plan_folds(Windows(test_days, delay_days, train_days), test_from, count, 0)
    assert folds[-1].test_from == test_from
    assert all(earlier.test_to == later.test_from for earlier, later in pairwise(folds))
    assert all(fold.train_to + delay_days == fold.test_from for fold in folds)


def test_day_arithmetic_is_its_own_inverse() -> None:
    assert day_date(day_number(date(2024, 2, 29)) + 1) == date(2024, 2, 29) + timedelta(days=1)
