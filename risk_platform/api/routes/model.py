"""The kill switch: payments decided by rules alone, and by the model again."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from risk_platform.api.guard import SignedIn, requires
from risk_platform.api.repeatable import IdempotencyKey, answered_once
from risk_platform.api.roles import Permission
from risk_platform.api.service import Service, Wired

router = APIRouter(prefix="/model", tags=["model"])


class Why(BaseModel):
    """Why the switch is thrown; it stays in the control history."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=3, max_length=500, examples=["Scores jumped after the release."])]


class Switched(BaseModel):
    """From which event of the inbox on the model decides, or does not."""

    kill_switch: bool
    sequence: int


@router.post("/kill", response_model=Switched, dependencies=requires(Permission.CONTROL_MODEL))
async def kill(
    body: Why, request: Request, session: SignedIn, service: Wired, idempotency_key: IdempotencyKey = None
) -> Response:
    """Let rules alone decide from the next payment on, none of them LOW."""
    return await _switched(service, session, request, idempotency_key, True, body)


@router.post("/restore", response_model=Switched, dependencies=requires(Permission.CONTROL_MODEL))
async def restore(
    body: Why, request: Request, session: SignedIn, service: Wired, idempotency_key: IdempotencyKey = None
) -> Response:
    """Let the model decide again from the next payment on."""
    return await _switched(service, session, request, idempotency_key, False, body)


async def _switched(
    service: Service, session: SignedIn, request: Request, key: str | None, on: bool, why: Why
) -> Response:
    async def act() -> tuple[int, Any]:
        value = {"on": on, "reason": why.reason, "user_id": session.user.user_id}
        sequence = await service.engine.control("kill_switch", value)
        return 200, {"kill_switch": on, "sequence": sequence}

    return await answered_once(service, session, request, key, act)
