"""Payments in, decisions out: one or up to ten thousand at once, each answered after its commit."""

from collections import Counter
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from risk_platform.api.bodies import MOST_PAYMENTS, PAYMENT_EXAMPLE, documented, event_schema, json_body
from risk_platform.api.guard import Guard, SignedIn
from risk_platform.api.problems import Problem, ProblemDetails, refusal
from risk_platform.api.repeatable import IdempotencyKey, answered_once
from risk_platform.api.roles import Permission
from risk_platform.api.service import Service, Wired
from risk_platform.intake.async_client import EngineLink
from risk_platform.intake.major_amounts import in_minor_units

router = APIRouter(prefix="/transactions", tags=["transactions"])
LARGEST_BATCH = 16 << 20
GUARD = Guard(Permission.SEND_PAYMENTS)
_PAYMENT = event_schema("payments", PAYMENT_EXAMPLE)
_BATCH = {
    "type": "object",
    "properties": {"transactions": {"type": "array", "maxItems": MOST_PAYMENTS, "items": _PAYMENT}},
    "required": ["transactions"],
    "additionalProperties": False,
}


class Decision(BaseModel):
    """What was decided on a payment, and where it stands in the inbox."""

    status: str = Field(
        examples=["accepted"], description="accepted, or duplicate: answered as the first time."
    )
    source: str = Field(examples=["upi"])
    transaction_id: str = Field(examples=["T-1001"])
    sequence: int = Field(examples=[4711])
    decision_id: str
    probability: float | None = Field(description="Calibrated; null where rules alone decided.")
    score: float = Field(examples=[0.83])
    level: str = Field(examples=["CRITICAL"])
    advice: str = Field(examples=["block"])
    alerted: bool
    degraded_reason: str | None
    reason_codes: list[str]
    rule_hits: list[str]


class Refused(BaseModel):
    """Why one payment of a batch was not taken."""

    status: str = "refused"
    rule: str = Field(examples=["amount_in_range"])
    column: str = Field(examples=["amount_minor"])
    value: str


class BatchAnswer(BaseModel):
    """One result for each payment, in the order they were sent."""

    results: list[Decision | Refused]
    accepted: int
    duplicates: int
    refused: int


_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": Decision, "description": "The payment came in before; the decision of then."},
    201: {"model": Decision},
    409: {"model": ProblemDetails, "description": "The identifier was used for another payment."},
    422: {"model": ProblemDetails, "description": "A field breaks a rule; it is named."},
    503: {"model": ProblemDetails, "description": "The engine is behind or not there."},
}


@router.post(
    "",
    status_code=201,
    responses=_RESPONSES,
    openapi_extra=documented(_PAYMENT),
    dependencies=[Depends(GUARD)],
)
async def decide(
    request: Request, session: SignedIn, service: Wired, idempotency_key: IdempotencyKey = None
) -> Response:
    """Decide one payment. The answer leaves when payment and decision are durable."""
    _, payment = await json_body(request)

    async def act() -> tuple[int, Any]:
        answer = (await _decided(service, service.engine, [payment]))[0]
        if answer["status"] == "refused":
            raise refusal(answer)
        return (200 if answer["status"] == "duplicate" else 201), answer

    return await answered_once(service, session, request, idempotency_key, act)


@router.post(
    "/batch",
    responses={200: {"model": BatchAnswer}, 422: _RESPONSES[422], 503: _RESPONSES[503]},
    openapi_extra=documented(_BATCH),
    dependencies=[Depends(GUARD)],
)
async def decide_batch(
    request: Request, session: SignedIn, service: Wired, idempotency_key: IdempotencyKey = None
) -> Response:
    """Decide up to 10,000 payments, in their order; a bad one is refused by name and the others go on."""
    _, body = await json_body(request)
    payments = _listed(body)

    async def act() -> tuple[int, Any]:
        # The engine takes so many at once; the next wait here, and are only refused when too many do.
        async with service.batch_turns:
            results = await _decided(service, service.batches, payments)
        counts = [item["status"] for item in results]
        totals = {name: counts.count(status) for name, status in _TOTALS.items()}
        return 200, {"results": results, **totals}

    return await answered_once(service, session, request, idempotency_key, act)


_TOTALS = {"accepted": "accepted", "duplicates": "duplicate", "refused": "refused"}


def _listed(body: dict[str, Any]) -> list[dict[str, Any]]:
    payments = body.get("transactions")
    if not isinstance(payments, list) or set(body) != {"transactions"}:
        raise Problem(422, "The body has the one field `transactions`, a list.", field="transactions")
    if not 1 <= len(payments) <= MOST_PAYMENTS:
        raise Problem(
            422, f"A batch has 1 to {MOST_PAYMENTS:,} payments, not {len(payments):,}.", field="transactions"
        )
    for at, payment in enumerate(payments):
        if not isinstance(payment, dict):
            raise Problem(422, f"Payment {at} is no JSON object.", field=f"transactions.{at}")
    return payments


async def _decided(
    service: Service, link: EngineLink, payments: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """One answer for each payment in its order, accepted ones with their decision and key."""
    minor = in_minor_units(payments)
    answers: list[dict[str, Any]] = [{} for _ in payments]
    for item in minor.refusals.items:
        answers[item.position] = {
            "status": "refused", "rule": item.rule, "column": item.column, "value": item.value,
        }  # fmt: skip
    told = await link.submit("payment", minor.events) if minor.events else []
    for position, event, answer in zip(minor.positions, minor.events, told, strict=True):
        if answer["status"] != "refused":
            answer |= {"source": event["source"], "transaction_id": event["transaction_id"]}
        answers[position] = answer
    _count(service, answers)
    return answers


def _count(service: Service, answers: list[dict[str, Any]]) -> None:
    for status, count in Counter(answer["status"] for answer in answers).items():
        service.metrics.events.labels("payment", status).inc(count)
    levels = Counter(answer["level"] for answer in answers if answer["status"] == "accepted")
    for level, count in levels.items():
        service.metrics.decisions.labels(level).inc(count)
