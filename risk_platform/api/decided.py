"""A payment and its decision as the service shows them, in answers and in the live stream."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from risk_platform.decisions.levels import Advice, Level

PARTIES = ("customer_id", "counterparty_id", "instrument_id")


class Risk(BaseModel):
    """A payment and the decision on it; its parties are null for who may not see them."""

    sequence: int
    source: str
    transaction_id: str
    event_time: datetime
    known_time: datetime
    customer_id: str | None
    counterparty_id: str | None
    instrument_id: str | None
    amount_minor: int
    currency: str
    channel: str
    decision_id: str
    decided_time: datetime
    probability: float | None
    score: float
    level: Level
    advice: Advice
    alerted: bool
    degraded_reason: str | None
    reason_codes: list[str]
    rule_hits: list[str]


def risk_fields(
    payment: Mapping[str, Any], decision: Mapping[str, Any], known_time: int, *, sees_parties: bool
) -> dict[str, Any]:
    """Everything known of a decided payment, by name; `known_time` is in µs."""
    hidden = {} if sees_parties else dict.fromkeys(PARTIES)
    given = dict.fromkeys(PARTIES) | dict(payment) | dict(decision) | hidden
    given["known_time"] = moment(known_time)
    return given


def moment(instant: int) -> datetime:
    """An instant in µs since 1970 as a time."""
    return datetime.fromtimestamp(instant / 1_000_000, UTC)
