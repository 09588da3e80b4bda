"""Training of a challenger: what the lake knew at one moment, tested on the latest days judged by then."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from risk_platform.errors import InputError
from risk_platform.lake.lake import Lake
from risk_platform.models.bundle import Bundle
from risk_platform.models.development import BRISK, Development, Effort, develop
from risk_platform.models.evaluation import FoldResult, check_labels, evaluate_fold, judge
from risk_platform.models.mart import FeatureMart, LakeVersions
from risk_platform.models.protocol import Fold, Windows, day_number, fold_at
from risk_platform.models.windows import Protocol

Progress = Callable[[str], None]
_TEST_DAYS = 7
_FEWEST_TRAIN_DAYS = 7


@dataclass(frozen=True)
class TrainedModel:
    """A challenger: its development, its result on the test fold with the very bundle that would serve."""

    development: Development
    result: FoldResult
    protocol: Protocol
    as_of: datetime
    versions: LakeVersions

    @property
    def bundle(self) -> Bundle:
        return self.result.bundle


def open_mart(lake: Lake, as_of: datetime) -> FeatureMart:
    """The mart with only those judgements that were known before `as_of`."""
    mart = FeatureMart.open(lake)
    return replace(mart, payments=mart.payments.known_before(microseconds(as_of)))


def challenger_protocol(zone: ZoneInfo, maturity: timedelta, train_days: int | None = None) -> Protocol:
    """Seven test days after a gap as long as labels take; all history before it, or `train_days` of it."""
    delay_days = -(-maturity // timedelta(days=1))
    return Protocol(Windows(_TEST_DAYS, delay_days, train_days), zone, maturity)


def latest_fold(mart: FeatureMart, protocol: Protocol, as_of: datetime) -> Fold:
    """The fold with the latest test days whose payments were all old enough to be judged at `as_of`.

    Raises InputError when the history is too short for it.
    """
    days = mart.payments.event_day
    judged_until = day_number((as_of - protocol.maturity).astimezone(protocol.zone).date())
    fold = fold_at(
        protocol.windows, min(judged_until, int(days.max()) + 1) - protocol.windows.test_days, int(days.min())
    )
    if fold.train_to - fold.train_from < _FEWEST_TRAIN_DAYS:
        needed = _FEWEST_TRAIN_DAYS + protocol.windows.test_days + 2 * protocol.windows.delay_days
        raise InputError(
            f"Training needs at least {needed} days of payments before {as_of.date()}; ingest more."
        )
    return fold


def train_challenger(
    lake: Lake,
    as_of: datetime,
    *,
    zone: ZoneInfo,
    label_maturity: timedelta,
    alert_budget: float,
    train_days: int | None = None,
    effort: Effort = BRISK,
    progress: Progress = lambda _: None,
) -> TrainedModel:
    """A model made of what the lake knew at `as_of`, tested on the latest days judged by then.

    The tested model is the one that would serve: it is not trained again on the days it was tested on.
    Raises InputError when there is too little history, or one class only.
    """
    mart = open_mart(lake, as_of)
    protocol = challenger_protocol(zone, label_maturity, train_days)
    fold = latest_fold(mart, protocol, as_of)
    progress(f"challenger: {fold.describe()}")
    check_labels(mart.payments, protocol, (fold,))
    development = develop(mart, protocol, fold.test_from, alert_budget, effort, progress)
    result = evaluate_fold(mart, protocol, development, fold)
    progress(f"average precision {result.metrics.average_precision:.4f} on the test fold")
    return TrainedModel(development, result, protocol, as_of, mart.versions)


def judge_on_same_fold(lake: Lake, trained: TrainedModel, champion: Bundle) -> FoldResult:
    """What the champion achieves on the challenger's test fold, with the same labels."""
    return judge(open_mart(lake, trained.as_of), trained.protocol, champion, trained.result.fold)


def microseconds(moment: datetime) -> int:
    """Microseconds from 1970 to `moment`."""
    return (moment - datetime.fromtimestamp(0, moment.tzinfo)) // timedelta(microseconds=1)
