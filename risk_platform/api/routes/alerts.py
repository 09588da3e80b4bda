"""The alert queue: listed by what is at stake, acknowledged, resolved into judgements."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from risk_platform.api.guard import SignedIn, requires
from risk_platform.api.paging import (
    LARGEST_NUMBER,
    Cursor,
    FromTime,
    Limit,
    ToTime,
    cursor_of,
    instant,
    place_of,
)
from risk_platform.api.problems import Problem, ProblemDetails, refusal
from risk_platform.api.repeatable import IdempotencyKey, answered_once
from risk_platform.api.roles import Permission, allowed
from risk_platform.api.service import Service, Wired
from risk_platform.decisions.levels import Advice, Level
from risk_platform.intake.events import micros
from risk_platform.operations.accounts import Session
from risk_platform.operations.alerts import AlertFilter, AlertPlace, AlertState, refuse_resolving

router = APIRouter(prefix="/alerts", tags=["alerts"])
_RESPONSES: dict[int | str, dict[str, Any]] = {
    404: {"model": ProblemDetails},
    409: {"model": ProblemDetails, "description": "The state of the alert does not allow it."},
}


AlertId = Annotated[int, Path(ge=1, le=LARGEST_NUMBER)]


class Alert(BaseModel):
    """An alert, what it is about, and what was done about it."""

    alert_id: int
    source: str
    transaction_id: str
    decision_id: str
    raised_time: datetime
    level: Level
    advice: Advice
    score: float
    probability: float | None
    customer_id: str | None
    amount_minor: int | None
    currency: str | None
    channel: str | None
    expected_loss: float = Field(description="Probability × amount, in minor units.")
    unresolved_of_customer: int | None = Field(
        None, description="Alerts of the customer that wait, this included."
    )
    state: AlertState
    assigned_to: str | None
    changed_time: datetime | None
    is_fraud: bool | None
    note: str | None


class AlertPage(BaseModel):
    """Alerts by expected loss, then by how uncertain the model is, then the oldest first."""

    items: list[Alert]
    next_cursor: str | None


class AlertStats(BaseModel):
    """How many alerts were raised, by state, level and verdict."""

    states: dict[str, int]
    levels: dict[str, int]
    verdicts: dict[str, int]


class Acknowledgement(BaseModel):
    """Take an alert; one that is another user's only on purpose."""

    model_config = ConfigDict(extra="forbid")

    take_over: bool = False


class Resolution(BaseModel):
    """The verdict on an alert: true positive (fraud) or false positive."""

    model_config = ConfigDict(extra="forbid")

    is_fraud: bool
    note: Annotated[str | None, Field(max_length=2000)] = None


@router.get("", dependencies=requires(Permission.READ_ALERTS))
def alerts(
    session: SignedIn,
    service: Wired,
    limit: Limit = 50,
    cursor: Cursor = None,
    state: AlertState | None = None,
    level: Level | None = None,
    customer_id: Annotated[str | None, Query(max_length=200)] = None,
    channel: Annotated[str | None, Query(max_length=20)] = None,
    from_time: FromTime = None,
    to_time: ToTime = None,
) -> AlertPage:
    """The alert queue, filtered."""
    if customer_id is not None and not allowed(session.user.role, Permission.SEE_PARTIES):
        raise Problem(403, "Only who may see parties may ask for one.", field="customer_id")
    wanted = AlertFilter(
        state, level, customer_id, channel, instant(from_time, "from"), instant(to_time, "to")
    )
    after = None if cursor is None else AlertPlace(*place_of(cursor, float, float, int))
    found = service.alerts.page(wanted, after, limit)
    following = None
    if len(found) == limit:
        last = found[-1]
        following = cursor_of(float(last["expected_loss"]), float(last["uncertainty"]), last["sequence"])
    return AlertPage(items=[_shown(row, session) for row in found], next_cursor=following)


@router.get("/stats", dependencies=requires(Permission.READ_ALERTS))
def stats(service: Wired, days: Annotated[int, Query(ge=1, le=366)] = 30) -> AlertStats:
    """Alerts of the last days by state, level and verdict."""
    since = micros(service.clock() - timedelta(days=days))
    return AlertStats(**service.alerts.stats(since))


@router.post(
    "/{alert_id}/acknowledge",
    response_model=Alert,
    responses=_RESPONSES,
    dependencies=requires(Permission.WORK_ALERTS),
)
async def acknowledge(
    alert_id: AlertId,
    request: Request,
    session: SignedIn,
    service: Wired,
    body: Acknowledgement | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Take an alert: it is acknowledged and yours."""
    take_over = body is not None and body.take_over

    async def act() -> tuple[int, Any]:
        await _found(service, alert_id)
        row = await run_sync(
            lambda: service.alerts.acknowledge(
                alert_id, session.user.user_id, service.now, take_over=take_over
            )
        )
        return 200, _shown(row, session).model_dump(mode="json")

    return await answered_once(service, session, request, idempotency_key, act)


@router.post(
    "/{alert_id}/resolve",
    response_model=Alert,
    responses=_RESPONSES,
    dependencies=requires(Permission.WORK_ALERTS),
)
async def resolve(
    alert_id: AlertId,
    body: Resolution,
    request: Request,
    session: SignedIn,
    service: Wired,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Close an alert; the verdict becomes a judgement in the inbox and flows into training."""

    async def act() -> tuple[int, Any]:
        alert = await _found(service, alert_id)
        refuse_resolving(alert, session.user.user_id, body.is_fraud)
        await _judge(service, alert, body.is_fraud)
        row = await run_sync(
            lambda: service.alerts.resolve(
                alert_id, session.user.user_id, service.now, is_fraud=body.is_fraud, note=body.note
            )
        )
        return 200, _shown(row, session).model_dump(mode="json")

    return await answered_once(service, session, request, idempotency_key, act)


async def _judge(service: Service, alert: dict[str, Any], is_fraud: bool) -> None:
    """Put the verdict into the inbox; a repetition after a crash in between is a duplicate there."""
    judgement = {
        "judgement_id": f"alert-{alert['sequence']}",
        "source": alert["source"],
        "transaction_id": alert["transaction_id"],
        "is_fraud": is_fraud,
        "judged_by": "analyst",
    }
    answer = (await service.engine.submit("judgement", [judgement]))[0]
    service.metrics.events.labels("judgement", answer["status"]).inc()
    if answer["status"] == "refused":
        raise refusal(answer)


async def _found(service: Service, alert_id: int) -> dict[str, Any]:
    alert = await run_sync(service.alerts.find, alert_id)
    if alert is None:
        raise Problem(404, f"There is no alert {alert_id}.")
    return alert


def _shown(row: dict[str, Any], session: Session) -> Alert:
    given = row | {"alert_id": row["sequence"]}
    for name in ("raised_time", "changed_time"):
        given[name] = None if row[name] is None else datetime.fromtimestamp(row[name] / 1_000_000, UTC)
    if not allowed(session.user.role, Permission.SEE_PARTIES):
        given["customer_id"] = None
    return Alert.model_validate({name: given.get(name) for name in Alert.model_fields})
