"""The values that pages and the data module exchange."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta


@dataclass(frozen=True)
class Period:
    """Business days from `first` to `last`, both included."""

    first: date
    last: date

    def last_days(self, days: int | None) -> "Period":
        """Its last `days` days, all of it for None."""
        return (
            self if days is None else Period(max(self.first, self.last - timedelta(days=days - 1)), self.last)
        )


@dataclass(frozen=True)
class AlertFilter:
    """Which alerts are wanted; an empty choice means all, `search` is part of an identifier."""

    period: Period
    levels: Sequence[str] = ()
    channels: Sequence[str] = ()
    judged: str | None = None
    search: str = ""


@dataclass(frozen=True)
class Moments:
    """Times of the latest payment and the latest decision, None while there are none."""

    event_time: datetime | None
    decided_time: datetime | None


@dataclass(frozen=True)
class PaymentKey:
    """What names a payment."""

    source: str
    transaction_id: str


@dataclass(frozen=True)
class Decision:
    """A stored decision with the names of the features it was made from."""

    decision_id: str
    decided_time: datetime
    decided_by: str
    probability: float | None
    score: float
    margin: float | None
    level: str
    advice: str
    alerted: bool
    degraded_reason: str | None
    bundle_hash: str | None
    thresholds_hash: str
    features_version: int
    feature_values: list[float | None]
    attributions: list[float] | None
    reason_codes: list[str]
    rule_hits: list[str]
    features: list[str] | None
    model_version: str | None
