"""Validation folds: the protocol moved back before anything is tested, as far as the history allows."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from risk_platform.errors import InputError
from risk_platform.models.payments import Ints, LabelledPayments
from risk_platform.models.protocol import Fold, Windows, day_date, fold_at

MOST_FOLDS = 6
_FEWEST_FOLDS = 2
_FEWEST_TRAIN_FRAUDS = 10
_FEWEST_TEST_FRAUDS = 5
_LAST_RESORT_FRAUDS = 2


@dataclass(frozen=True)
class ValidationPlan:
    """Validation folds, oldest first; `note` says in words what they could not be, empty when all is well."""

    folds: tuple[Fold, ...]
    note: str


def plan_validation(
    payments: LabelledPayments, windows: Windows, test_from: int, most: int = MOST_FOLDS
) -> ValidationPlan:
    """Up to `most` folds whose tests are judged when the first real test begins on day `test_from`.

    `payments` hold only what was known then. Where history is short the validation tests get shorter, and at
    last one split without a gap is all there is. Raises InputError when not even that has two frauds a side.
    """
    first_day, last_day = int(payments.event_day.min()), test_from - windows.delay_days
    frauds = np.bincount(
        np.clip(payments.event_day[payments.frauds()] - first_day, 0, None),
        minlength=max(last_day - first_day, 1),
    )
    for shortest, length in _attempts(windows, last_day - first_day):
        shorter = Windows(length, windows.delay_days, windows.train_days)
        folds = _usable(shorter, frauds, first_day, last_day, shortest, most)
        if len(folds) >= _FEWEST_FOLDS:
            return ValidationPlan(folds, _note(len(folds), most, length, windows.test_days))
    split = _one_split(frauds, first_day, last_day)
    return ValidationPlan((split,), "validated on one split without a gap: history is short")


def _attempts(windows: Windows, history_days: int) -> Iterator[tuple[int, int]]:
    """Least training days and test days to try, the best first: half of what the real fold has, then what there is."""
    real = history_days if windows.train_days is None else min(windows.train_days, history_days)
    length = windows.test_days
    while length >= 1:
        yield real // 2, length
        yield 1, length
        length //= 2


def _usable(
    windows: Windows, frauds: Ints, first_day: int, last_day: int, shortest: int, most: int
) -> tuple[Fold, ...]:
    folds: list[Fold] = []
    start = last_day - windows.test_days
    while len(folds) < most and start - windows.delay_days - first_day >= shortest:
        fold = fold_at(windows, start, first_day)
        trained = frauds[fold.train_from - first_day : fold.train_to - first_day].sum()
        tested = frauds[fold.test_from - first_day : fold.test_to - first_day].sum()
        if trained >= _FEWEST_TRAIN_FRAUDS and tested >= _FEWEST_TEST_FRAUDS:
            folds.append(fold)
        start -= windows.test_days
    return tuple(reversed(folds))


def _one_split(frauds: Ints, first_day: int, last_day: int) -> Fold:
    known = np.cumsum(frauds[: max(last_day - first_day, 0)])
    total = int(known[-1]) if len(known) else 0
    cut = int(np.searchsorted(known, total * 2 / 3)) + 1 if total else 0
    before = int(known[cut - 1]) if cut else 0
    if min(before, total - before) < _LAST_RESORT_FRAUDS:
        known_by = f"Only {total} frauds from before {day_date(last_day)} were reported in time"
        raise InputError(f"{known_by}, too few to validate on; start the test later.")
    return Fold(first_day, first_day + cut, first_day + cut, last_day)


def _note(folds: int, most: int, length: int, wanted: int) -> str:
    notes = []
    if folds < most:
        notes.append(f"{folds} validation folds instead of {most}")
    if length < wanted:
        notes.append(f"validation tests of {length} days instead of {wanted}")
    return f"{' and '.join(notes)}: history is short or frauds are few" if notes else ""
