"""Train and test windows filled with feature values: what a protocol's folds look like to the learner."""

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np

from risk_platform.models.learner import Sample, thin
from risk_platform.models.mart import FeatureMart
from risk_platform.models.payments import Ints, LabelledPayments
from risk_platform.models.protocol import Fold, Windows, day_start, test_rows, train_rows
from risk_platform.models.selection import ValidationFold


@dataclass(frozen=True)
class Protocol:
    """How models are judged: windows, the zone of a business day, the age at which no report means good."""

    windows: Windows
    zone: ZoneInfo
    maturity: timedelta

    def as_of(self, fold: Fold) -> int:
        """The instant at which the training labels of `fold` are read, in microseconds since 1970.

        A validation fold without a gap reads them a delay after its training window, when they have come.
        """
        return day_start(max(fold.test_from, fold.train_to + self.windows.delay_days), self.zone)

    def train_rows(self, payments: LabelledPayments, fold: Fold) -> Ints:
        """Row numbers to train `fold` on."""
        return train_rows(payments, fold, self.as_of(fold), self.maturity // timedelta(microseconds=1))

    def test_rows(self, payments: LabelledPayments, fold: Fold) -> Ints:
        """Row numbers to test `fold` on."""
        return test_rows(payments, fold, self.windows.delay_days)


@dataclass(frozen=True)
class Thinned:
    """Rows of a window with what each stands for."""

    rows: Ints
    weight: "np.ndarray[tuple[int], np.dtype[np.float64]]"


def load_folds(
    mart: FeatureMart,
    payments: LabelledPayments,
    protocol: Protocol,
    folds: tuple[Fold, ...],
    features: tuple[str, ...],
    most_others: int,
) -> tuple[ValidationFold, ...]:
    """The folds with the values of `features`; a window keeps every fraud and `most_others` others at most.

    `payments` are the mart's with the judgements known when the folds are looked at. Every day is read once.
    """
    rng = np.random.default_rng(20)

    def window(rows: Ints, as_of: int | None) -> Thinned:
        kept, weight = thin(payments.frauds(as_of)[rows], most_others, rng)
        return Thinned(rows[kept], weight)

    trains = [window(protocol.train_rows(payments, fold), protocol.as_of(fold)) for fold in folds]
    tests = [window(protocol.test_rows(payments, fold), None) for fold in folds]
    rows = np.unique(np.concatenate([thinned.rows for thinned in (*trains, *tests)]))
    values = mart.values(rows, features, np.float32)

    def sample(thinned: Thinned, as_of: int | None) -> Sample:
        places = np.searchsorted(rows, thinned.rows)
        return Sample(values[places], payments.frauds(as_of)[thinned.rows], thinned.weight)

    return tuple(
        ValidationFold(sample(train, protocol.as_of(fold)), sample(test, None))
        for fold, train, test in zip(folds, trains, tests, strict=True)
    )
