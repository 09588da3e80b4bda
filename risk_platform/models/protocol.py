"""The evaluation protocol: train window, label-delay gap, test window, folds shifted back by a test length.

Source: Le Borgne, Siblini, Lebichot, Bontempi, Reproducible Machine Learning for Credit Card Fraud Detection,
chapter 5.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from risk_platform.errors import InputError
from risk_platform.models.payments import Bools, Ints, LabelledPayments

_EPOCH = date(1970, 1, 1)
_COMPROMISED_DAYS = 7
"""Frauds of so many days before the gap, or later, take their customer out of the test."""


def day_number(day: date) -> int:
    """Days from 1970-01-01 to `day`."""
    return (day - _EPOCH).days


def day_date(day: int) -> date:
    """The date of business day `day` (days since 1970)."""
    return _EPOCH + timedelta(days=day)


def day_start(day: int, zone: ZoneInfo) -> int:
    """When business day `day` (days since 1970) begins in `zone`, in microseconds since 1970."""
    midnight = datetime.combine(_EPOCH + timedelta(days=day), datetime.min.time(), tzinfo=zone)
    return int(midnight.astimezone(UTC).timestamp()) * 1_000_000


@dataclass(frozen=True)
class Windows:
    """What is common to all folds: lengths in days; `train_days` None takes all history there is."""

    test_days: int
    delay_days: int
    train_days: int | None

    def __post_init__(self) -> None:
        if self.test_days < 1 or self.delay_days < 0 or (self.train_days is not None and self.train_days < 1):
            raise InputError(
                "Test and training windows are at least one day long and the delay is not negative."
            )


@dataclass(frozen=True)
class Fold:
    """One split: business days since 1970, half-open: [train_from, train_to) and [test_from, test_to)."""

    train_from: int
    train_to: int
    test_from: int
    test_to: int

    def describe(self) -> str:
        """The two windows as dates, last days included."""
        spans = ((self.train_from, self.train_to), (self.test_from, self.test_to))
        train, test = (f"{day_date(a)} to {day_date(b - 1)}" for a, b in spans)
        return f"train {train}, test {test}"


def fold_at(windows: Windows, test_from: int, first_day: int) -> Fold:
    """The fold whose test begins on day `test_from`, in data whose first day is `first_day`."""
    train_to = test_from - windows.delay_days
    train_from = first_day if windows.train_days is None else max(first_day, train_to - windows.train_days)
    return Fold(train_from, train_to, test_from, test_from + windows.test_days)


def plan_folds(windows: Windows, test_from: int, count: int, first_day: int) -> tuple[Fold, ...]:
    """`count` folds, oldest first: the latest tests from `test_from`, each other a test length earlier."""
    starts = (test_from - windows.test_days * back for back in reversed(range(count)))
    return tuple(fold_at(windows, start, first_day) for start in starts)


def train_rows(payments: LabelledPayments, fold: Fold, as_of: int, maturity: int) -> Ints:
    """Row numbers of the payments of the train window that somebody could judge before `as_of`.

    A payment younger than `maturity` (microseconds) at `as_of` is left out unless it was judged by then.
    """
    inside = (payments.event_day >= fold.train_from) & (payments.event_day < fold.train_to)
    ripe = payments.event_time + maturity <= as_of
    return np.flatnonzero(inside & (ripe | payments.judged(as_of)))


def test_rows(payments: LabelledPayments, fold: Fold, delay_days: int) -> Ints:
    """Row numbers of the test payments, without customers whose fraud was reported before that day began.

    A fraud counts when it fell into the 7 days before the gap or later, and is taken as reported `delay_days`
    after it. With fewer than two customers in the data nobody is removed: such a column names no customers.
    """
    inside = np.flatnonzero((payments.event_day >= fold.test_from) & (payments.event_day < fold.test_to))
    first_reported = _first_reported_day(payments, fold, delay_days)
    if first_reported is None:
        return inside
    return inside[payments.event_day[inside] < first_reported[payments.customer[inside]]]


def _first_reported_day(payments: LabelledPayments, fold: Fold, delay_days: int) -> Ints | None:
    """For each customer code the first day that begins with a fraud of the customer already reported."""
    customers = int(payments.customer.max(initial=-1)) + 1
    if customers < 2:
        return None
    compromising: Bools = payments.frauds() & (payments.event_day >= fold.train_to - _COMPROMISED_DAYS)
    first = np.full(customers, np.iinfo(np.int64).max, dtype=np.int64)
    np.minimum.at(first, payments.customer[compromising], payments.event_day[compromising] + delay_days + 1)
    return first
