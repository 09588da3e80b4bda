"""What became known later: judgements and outcomes."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from risk_platform.api.bodies import (
    JUDGEMENT_EXAMPLE,
    OUTCOME_EXAMPLE,
    documented,
    event_schema,
    json_body,
)
from risk_platform.api.guard import SignedIn, requires
from risk_platform.api.problems import ProblemDetails, refusal
from risk_platform.api.repeatable import IdempotencyKey, answered_once
from risk_platform.api.roles import Permission
from risk_platform.api.service import Service, Wired
from risk_platform.intake.prepared import ReportKind

router = APIRouter(tags=["reports"])


class Reported(BaseModel):
    """Where the report stands in the inbox."""

    status: str = Field(examples=["accepted"], description="accepted, or duplicate: it came in before.")
    sequence: int


_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": Reported, "description": "The report came in before."},
    201: {"model": Reported},
    422: {"model": ProblemDetails, "description": "A field breaks a rule; it is named."},
}


@router.post(
    "/judgements",
    status_code=201,
    responses=_RESPONSES,
    openapi_extra=documented(event_schema("judgements", JUDGEMENT_EXAMPLE)),
    dependencies=requires(Permission.JUDGE),
)
async def judge(
    request: Request, session: SignedIn, service: Wired, idempotency_key: IdempotencyKey = None
) -> Response:
    """Report that a payment was fraud, or was not; it is known from now on and flows into training."""
    return await _reported(service, session, request, idempotency_key, "judgement")


@router.post(
    "/outcomes",
    status_code=201,
    responses=_RESPONSES,
    openapi_extra=documented(event_schema("outcomes", OUTCOME_EXAMPLE)),
    dependencies=requires(Permission.SEND_OUTCOMES),
)
async def follow_up(
    request: Request, session: SignedIn, service: Wired, idempotency_key: IdempotencyKey = None
) -> Response:
    """Report what happened to a payment after its decision: declined, completed, reversed, stepped up."""
    return await _reported(service, session, request, idempotency_key, "outcome")


async def _reported(
    service: Service, session: SignedIn, request: Request, key: str | None, kind: ReportKind
) -> Response:
    _, event = await json_body(request)

    async def act() -> tuple[int, Any]:
        answer = (await service.engine.submit(kind, [event]))[0]
        service.metrics.events.labels(kind, answer["status"]).inc()
        if answer["status"] == "refused":
            raise refusal(answer)
        return (200 if answer["status"] == "duplicate" else 201), answer

    return await answered_once(service, session, request, key, act)
