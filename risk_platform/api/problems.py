"""Problem details (RFC 9457): what every refused or failed request is answered."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError, ValidationException, WebSocketRequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from risk_platform.errors import AuditError, InputError, RiskPlatformError
from risk_platform.intake.failures import EngineBusy
from risk_platform.operations.alerts import AlertConflictError

MEDIA_TYPE = "application/problem+json"


class ProblemDetails(BaseModel):
    """One problem: what is wrong with the request, or with the service, and how to mend it."""

    model_config = ConfigDict(extra="allow")

    type: str = Field("about:blank", description="The status says it all; `rule` is for machines.")
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["The field `currency` breaks the rule currency_known."])
    field: str | None = Field(None, description="The field of the body that is wrong.")
    rule: str | None = Field(None, description="The rule that it breaks.")
    value: str | None = Field(None, description="What it held, cut to 200 characters.")


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """A request that is refused with that status; `members` go into the problem details."""

    def __init__(
        self, status: int, detail: str, headers: Mapping[str, str] | None = None, **members: object
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members

    def answer(self) -> Response:
        """The response that tells it."""
        title = HTTPStatus(self.status).phrase
        content = {"type": "about:blank", "title": title, "status": self.status, "detail": self.detail}
        body = orjson.dumps(content | self.members)
        return Response(body, self.status, self.headers, media_type=MEDIA_TYPE)


def answer_problems(app: FastAPI) -> None:
    """Have every error of the app answered as problem details."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(WebSocketRequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RiskPlatformError, _refused)
    app.add_exception_handler(Exception, _failed)


def refusal(answer: Mapping[str, Any]) -> Problem:
    """The problem of an event that the engine refused."""
    rule, field = answer["rule"], answer["column"]
    status = 409 if rule == "conflicting_body" else 422
    return Problem(
        status,
        f"The field `{field}` breaks the rule {rule}.",
        field=field,
        rule=rule,
        value=answer["value"],
    )


def problem_of(error: RiskPlatformError) -> Problem:
    """The problem that an error of the platform is to a caller."""
    if isinstance(error, EngineBusy):
        return Problem(503, str(error), {"Retry-After": "1"})
    if isinstance(error, AlertConflictError):
        return Problem(409, str(error))
    if isinstance(error, InputError):
        return Problem(422, str(error))
    if isinstance(error, AuditError):
        return Problem(500, str(error))
    return Problem(503, str(error), {"Retry-After": "5"})


async def _problem(_: Request, error: Exception) -> Response:
    return cast(Problem, error).answer()


async def _refused(_: Request, error: Exception) -> Response:
    return problem_of(cast(RiskPlatformError, error)).answer()


async def _http(_: Request, error: Exception) -> Response:
    told = cast(HTTPException, error)
    return Problem(told.status_code, str(told.detail), told.headers).answer()


async def _invalid(_: Request, error: Exception) -> Response:
    told = cast(ValidationException, error).errors()
    # The given value is left out: it may be a password.
    faults = [{"field": _field(item["loc"]), "fault": item["msg"]} for item in told]
    first = faults[0]
    unreadable = told[0]["type"] == "json_invalid"
    detail = f"{first['field']}: {first['fault']}."
    return Problem(400 if unreadable else 422, detail, field=first["field"], errors=faults).answer()


async def _failed(_: Request, __: Exception) -> Response:
    return Problem(500, "The service failed; the request may be sent again.").answer()


def _field(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location[1:]) or str(location[0])
