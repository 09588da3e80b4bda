"""The routes that every payment takes, served without the framework's walk through all others."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from risk_platform.api.guard import Guard
from risk_platform.api.problems import Problem, problem_of
from risk_platform.api.repeatable import idempotency_key
from risk_platform.api.service import Service
from risk_platform.errors import RiskPlatformError
from risk_platform.operations.accounts import Session

_BEARER = "bearer "
Endpoint = Callable[[Request, Session, Service, str | None], Awaitable[Response]]


@dataclass(frozen=True)
class Direct:
    """An endpoint that takes a POST, and the guard before it."""

    guard: Guard
    endpoint: Endpoint


class DirectRoutes:
    """Serves `routes` (by path) itself and leaves everything else to the app.

    They are routes of the app as well, with the same guard and endpoint: their documentation comes from there.
    """

    def __init__(self, app: ASGIApp, service: Service, routes: Mapping[str, Direct]) -> None:
        self._app = app
        self._service = service
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        route = self._routes.get(scope["path"]) if scope["type"] == "http" else None
        if route is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["endpoint"] = route.endpoint
        response = await self._answered(route, Request(scope, receive))
        await response(scope, receive, send)

    async def _answered(self, route: Direct, request: Request) -> Response:
        try:
            session = await route.guard.admitted(self._service, _token(request))
            key = idempotency_key(request.headers.get("idempotency-key"))
            return await route.endpoint(request, session, self._service, key)
        except Problem as problem:
            return problem.answer()
        except RiskPlatformError as error:
            return problem_of(error).answer()
        except HTTPException as error:
            return Problem(error.status_code, error.detail, error.headers).answer()


def _token(request: Request) -> str | None:
    """The access token that the request is signed with, if any."""
    header: Any = request.headers.get("authorization")
    if header is None or header[: len(_BEARER)].lower() != _BEARER:
        return None
    return str(header[len(_BEARER) :]).strip()
