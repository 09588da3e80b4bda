"""Requests with an Idempotency-Key: carried out once, answered the same as often as they come."""

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import orjson
from anyio.to_thread import run_sync
from fastapi import Header, Request
from fastapi.responses import Response

from risk_platform.api.problems import Problem
from risk_platform.api.service import Service
from risk_platform.operations.accounts import Session
from risk_platform.operations.idempotency import InFlightError, KeptAnswer, OtherRequestError

MEDIA_TYPE = "application/json"
_LONGEST_KEY, _KEY = 200, r"^[\x21-\x7e]+$"
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=_LONGEST_KEY,
        pattern=_KEY,
        description="Any text of yours; the same key with the same body is carried out once.",
    ),
]
Act = Callable[[], Awaitable[tuple[int, Any]]]


def idempotency_key(given: str | None) -> str | None:
    """The key that a request states; raises a 422 problem when it is none."""
    if given is not None and (len(given) > _LONGEST_KEY or not re.fullmatch(_KEY, given)):
        raise Problem(
            422,
            f"An Idempotency-Key has 1 to {_LONGEST_KEY} printable characters without blanks.",
            field="idempotency-key",
        )
    return given


async def answered_once(
    service: Service, session: Session, request: Request, key: str | None, act: Act
) -> Response:
    """The answer of `act` (status and JSON content), or the kept one when the key was used before.

    Raises a 422 problem when the key was used for another request, 409 while the first is in flight.
    """
    if key is None:
        return _answer(KeptAnswer(*_packed(await act())))
    user_id = session.user.user_id
    kept = await _claimed(service, user_id, key, await _request_hash(request))
    if kept is not None:
        return _answer(kept, {"Idempotent-Replayed": "true"})
    service.reached("after_claim")
    try:
        answer = KeptAnswer(*_packed(await act()))
    except BaseException:
        await run_sync(service.keys.release, user_id, key)
        raise
    service.reached("after_engine")
    await run_sync(service.keys.keep, user_id, key, answer)
    service.reached("after_keep")
    return _answer(answer)


async def _claimed(service: Service, user_id: str, key: str, request_hash: str) -> KeptAnswer | None:
    try:
        return await run_sync(service.keys.claim, user_id, key, request_hash, service.now)
    except OtherRequestError:
        raise Problem(422, "This Idempotency-Key was used for another request; choose a new one.") from None
    except InFlightError:
        raise Problem(
            409, "The first request with this Idempotency-Key is not answered yet.", {"Retry-After": "1"}
        ) from None


async def _request_hash(request: Request) -> str:
    line = f"{request.method} {request.url.path}\n".encode()
    return hashlib.sha256(line + await request.body()).hexdigest()


def _packed(answer: tuple[int, Any]) -> tuple[int, bytes]:
    status, content = answer
    return status, orjson.dumps(content)


def _answer(answer: KeptAnswer, headers: dict[str, str] | None = None) -> Response:
    return Response(answer.body, answer.status, headers, media_type=MEDIA_TYPE)
