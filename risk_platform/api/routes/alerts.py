"""The alert queue: listed by what is at stake, assigned, acknowledged, resolved into judgements."""

from datetime import timedelta
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Path, Query, Request, Response

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
from risk_platform.api.roles import Permission, allowed, roles_with
from risk_platform.api.routes.alert_bodies import (
    Acknowledgement,
    Alert,
    AlertPage,
    AlertStats,
    Assignee,
    AssigneePage,
    AssigneeStats,
    Assignment,
    Resolution,
    UserName,
)
from risk_platform.api.routes.alert_owners import assignee_of, owner_asked_for
from risk_platform.api.service import Service, Wired
from risk_platform.decisions.levels import Level
from risk_platform.intake.events import micros
from risk_platform.operations.alert_selection import AlertFilter, AlertPlace, AlertState
from risk_platform.operations.alerts import refuse_assigning, refuse_resolving

router = APIRouter(prefix="/alerts", tags=["alerts"])
_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ProblemDetails}}
_RESPONSES = _NOT_FOUND | {
    409: {"model": ProblemDetails, "description": "The state of the alert does not allow it."},
}
# Alerts of history are numbered below zero.
AlertId = Annotated[int, Path(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER, examples=[4711])]
Owner = Annotated[
    UserName | None,
    Query(description="`me`, `none` for nobody's, a `user_id`, or the address of a user.", examples=["me"]),
]


def wanted_alerts(
    session: SignedIn,
    service: Wired,
    state: AlertState | None = None,
    level: Level | None = None,
    customer_id: Annotated[str | None, Query(max_length=200)] = None,
    channel: Annotated[str | None, Query(max_length=20)] = None,
    assignee: Owner = None,
    from_time: FromTime = None,
    to_time: ToTime = None,
) -> AlertFilter:
    """What of the queue a request asks for; raises a 403 or 422 problem when it may not, or cannot be."""
    if customer_id is not None and not allowed(session.user.role, Permission.SEE_PARTIES):
        raise Problem(403, "Only who may see parties may ask for one.", field="customer_id")
    whose = None if assignee is None else owner_asked_for(service, session.user, assignee)
    begin, end = instant(from_time, "from"), instant(to_time, "to")
    return AlertFilter(state, level, customer_id, channel, begin, end, whose)


@router.get("", dependencies=requires(Permission.READ_ALERTS))
def alerts(
    session: SignedIn,
    service: Wired,
    wanted: Annotated[AlertFilter, Depends(wanted_alerts)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> AlertPage:
    """The alert queue, filtered."""
    after = None if cursor is None else AlertPlace(*place_of(cursor, float, float, int))
    found = service.alerts.page(wanted, after, limit)
    following = None
    if len(found) == limit:
        last = found[-1]
        following = cursor_of(float(last["expected_loss"]), float(last["uncertainty"]), last["sequence"])
    return AlertPage(items=[Alert.of(row, session.user.role) for row in found], next_cursor=following)


@router.get("/stats", dependencies=requires(Permission.READ_ALERTS))
def stats(session: SignedIn, service: Wired, days: Annotated[int, Query(ge=1, le=366)] = 30) -> AlertStats:
    """Alerts of the last days by state, level and verdict, and by whose they are."""
    since = micros(service.clock() - timedelta(days=days))
    counts = service.alerts.assignee_counts(since)
    assignees = [AssigneeStats.of(count, session.user.role) for count in counts]
    return AlertStats(**service.alerts.stats(since), assignees=assignees)


@router.get("/assignees", dependencies=requires(Permission.WORK_ALERTS))
def assignees(service: Wired, limit: Limit = 50, cursor: Cursor = None) -> AssigneePage:
    """Those whom an alert can be assigned to: active users who may work on alerts."""
    after = "" if cursor is None else place_of(cursor, str)[0]
    found = service.accounts.page(after, limit, "active", roles_with(Permission.WORK_ALERTS))
    following = cursor_of(found[-1].email) if len(found) == limit else None
    items = [Assignee(user_id=user.user_id, email=user.email) for user in found]
    return AssigneePage(items=items, next_cursor=following)


@router.get("/{alert_id}", responses=_NOT_FOUND, dependencies=requires(Permission.READ_ALERTS))
async def alert(alert_id: AlertId, session: SignedIn, service: Wired) -> Alert:
    """One alert, whose it is and what was done about it."""
    return Alert.of(await _found(service, alert_id), session.user.role)


@router.post(
    "/{alert_id}/assign",
    response_model=Alert,
    responses=_RESPONSES,
    dependencies=requires(Permission.WORK_ALERTS),
)
async def assign(
    alert_id: AlertId,
    body: Assignment,
    request: Request,
    session: SignedIn,
    service: Wired,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Give an alert to somebody, who then finds it open, or to nobody. Whose it is already, it stays as it is."""

    async def act() -> tuple[int, Any]:
        refuse_assigning(await _found(service, alert_id))
        assignee = await run_sync(assignee_of, service, body)
        row = await run_sync(service.alerts.assign, alert_id, assignee, session.user.user_id, service.now)
        return 200, Alert.of(row, session.user.role).model_dump(mode="json")

    return await answered_once(service, session, request, idempotency_key, act)


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
        return 200, Alert.of(row, session.user.role).model_dump(mode="json")

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
        return 200, Alert.of(row, session.user.role).model_dump(mode="json")

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
