import numpy as np
import pytest

from risk_platform.errors import InputError
from risk_platform.models.payments import DAY, Judgements, LabelledPayments
from risk_platform.models.protocol import Fold, Windows
from risk_platform.models.validation import plan_validation


def _payments(days: int, frauds_a_day: int, first_fraud_day: int = 0) -> LabelledPayments:
    """Ten payments a day from day 0 on, the first of each day frauds."""
    day = np.repeat(np.arange(days), 10)
    rows = np.flatnonzero((np.arange(len(day)) % 10 < frauds_a_day) & (day >= first_fraud_day))
    time = day * DAY
    ones = np.ones(len(rows), dtype=np.bool_)
    return LabelledPayments(
        time,
        day,
        np.arange(len(day)) % 97,
        np.full(len(day), 5),
        Judgements.sorted(rows, time[rows] + 7 * DAY, ones),
    )


def test_validation_ends_before_the_first_test_and_is_the_protocol_moved_back() -> None:
    plan = plan_validation(_payments(120, 3), Windows(7, 7, 7), 110)
    assert plan.note == ""
    assert len(plan.folds) == 6
    assert plan.folds[-1] == Fold(82, 89, 96, 103)
    assert plan.folds[0] == Fold(47, 54, 61, 68)


def test_with_all_history_no_fold_learns_from_less_than_half_of_it() -> None:
    plan = plan_validation(_payments(120, 3), Windows(7, 7, None), 110)
    assert [fold.train_to for fold in plan.folds] == [54, 61, 68, 75, 82, 89]
    short = plan_validation(_payments(60, 3), Windows(7, 7, None), 57)
    assert [fold.train_to for fold in short.folds] == [29, 36]
    assert short.note == "2 validation folds instead of 6: history is short or frauds are few"


def test_short_history_gets_shorter_tests() -> None:
    plan = plan_validation(_payments(40, 5), Windows(14, 7, 7), 30)
    assert plan.folds == (Fold(0, 2, 9, 16), Fold(2, 9, 16, 23))
    assert plan.note.startswith(
        "2 validation folds instead of 6 and validation tests of 7 days instead of 14"
    )


def test_the_last_resort_is_one_split_without_a_gap() -> None:
    plan = plan_validation(_payments(30, 3), Windows(7, 7, 7), 14)
    assert plan.folds == (Fold(0, 5, 5, 7),)
    assert plan.note == "validated on one split without a gap: history is short"


def test_too_few_frauds_are_said_in_one_sentence() -> None:
    with pytest.raises(InputError, match="Only 0 frauds from before 1970-01-23 were reported in time"):
        plan_validation(_payments(60, 1, first_fraud_day=40), Windows(7, 7, 7), 29)
