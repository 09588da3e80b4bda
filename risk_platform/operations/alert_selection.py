"""Which alerts are wanted, in the order of the queue, and with what each is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from risk_platform.operations.schema import ALERT_STATES, ALERTS, USERS

AlertState = Literal["open", "acknowledged", "resolved"]
STATE = sa.func.coalesce(ALERT_STATES.c.state, "open").label("state")
WITH_STATES = ALERTS.outerjoin(ALERT_STATES, ALERT_STATES.c.sequence == ALERTS.c.sequence)
WITH_PEOPLE = WITH_STATES.outerjoin(USERS, USERS.c.user_id == ALERT_STATES.c.assigned_to)
SHOWN = (
    ALERTS,
    STATE,
    ALERT_STATES.c.assigned_to,
    USERS.c.email.label("assignee_email"),
    ALERT_STATES.c.changed_time,
    ALERT_STATES.c.is_fraud,
    ALERT_STATES.c.note,
)
QUEUE_ORDER = (ALERTS.c.expected_loss.desc(), ALERTS.c.uncertainty.desc(), ALERTS.c.sequence)


@dataclass(frozen=True)
class AlertPlace:
    """Where an alert stands in the queue: greatest expected loss first, then uncertainty, then age."""

    expected_loss: float
    uncertainty: float
    sequence: int


@dataclass(frozen=True)
class AssignedTo:
    """Alerts of one user, or of nobody for None."""

    user_id: str | None


@dataclass(frozen=True)
class AlertFilter:
    """Which alerts are wanted; None leaves it open. Times in µs, the last excluded."""

    state: AlertState | None = None
    level: str | None = None
    customer_id: str | None = None
    channel: str | None = None
    from_time: int | None = None
    to_time: int | None = None
    assignee: AssignedTo | None = None


def one_alert(sequence: int) -> sa.Select[Any]:
    """The alert of that number as it is shown."""
    return sa.select(*SHOWN).select_from(WITH_PEOPLE).where(ALERTS.c.sequence == sequence)


def conditions(wanted: AlertFilter) -> Sequence[sa.ColumnElement[bool]]:
    """What an alert must be to be among the wanted."""
    found = []
    if wanted.state is not None:
        found.append(STATE.element == wanted.state)
    for column, value in (
        (ALERTS.c.level, wanted.level),
        (ALERTS.c.customer_id, wanted.customer_id),
        (ALERTS.c.channel, wanted.channel),
    ):
        if value is not None:
            found.append(column == value)
    if wanted.from_time is not None:
        found.append(ALERTS.c.raised_time >= wanted.from_time)
    if wanted.to_time is not None:
        found.append(ALERTS.c.raised_time < wanted.to_time)
    if wanted.assignee is not None:
        # Equal to None is IS NULL here, which an alert without a state is as well.
        found.append(ALERT_STATES.c.assigned_to == wanted.assignee.user_id)
    return found


def behind(place: AlertPlace) -> sa.ColumnElement[bool]:
    """That an alert comes later in the queue."""
    loss, uncertainty, sequence = ALERTS.c.expected_loss, ALERTS.c.uncertainty, ALERTS.c.sequence
    later = sa.or_(
        uncertainty < place.uncertainty,
        sa.and_(uncertainty == place.uncertainty, sequence > place.sequence),
    )
    return sa.or_(loss < place.expected_loss, sa.and_(loss == place.expected_loss, later))
