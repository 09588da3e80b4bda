"""The guard before each route: who asks, whether they may, and how often; a route without one stops start-up."""

from collections.abc import Sequence
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import Depends, FastAPI, Request, Security, WebSocket
from fastapi.params import Depends as DependsParameter
from fastapi.requests import HTTPConnection
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.routing import Mount

from risk_platform.api.problems import Problem
from risk_platform.api.roles import Permission, allowed
from risk_platform.api.service import Service, Wired
from risk_platform.errors import SettingsError
from risk_platform.operations.accounts import Session

_BEARER = HTTPBearer(
    auto_error=False, bearerFormat="JWT", description="The access_token that /api/v1/auth/login answers."
)
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]


class Guard:
    """Lets a request through when its access token is of a session whose user has the permission right now."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request, service: Wired, credentials: _Credentials) -> None:
        """Note the session for the route; raises a 401, 403 or 429 problem."""
        token = None if credentials is None else credentials.credentials
        request.state.session = await self.admitted(service, token)

    async def admitted(self, service: Service, token: str | None) -> Session:
        """The session of the access token; raises a 401, 403 or 429 problem."""
        if token is None:
            headers = {"WWW-Authenticate": "Bearer"}
            raise Problem(
                401, "Sign in first and send the access token as `Authorization: Bearer …`.", headers
            )
        session = await service.sessions.of_token(token, service.now)
        if session is None:
            headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            raise Problem(
                401, "The access token is not valid any more; refresh it or sign in again.", headers
            )
        role = session.user.role
        await service.limits.request(session.user.user_id, role)
        if not allowed(role, self.permission):
            raise Problem(403, f"The role {role} has not the permission {self.permission.value}.")
        return session


class Ticketed:
    """Lets a WebSocket through that a page of ours, or no page, opens with an unused ticket of somebody allowed."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, socket: WebSocket, service: Wired, ticket: str = "") -> None:
        """Note the session for the route; raises a 401, 403 or 429 problem."""
        await service.limits.public_request(address_of(socket))
        origin = socket.headers.get("origin")
        own = (f"http://{socket.headers.get('host')}", f"https://{socket.headers.get('host')}")
        if origin is not None and origin not in (*own, *service.allowed_origins):
            raise Problem(
                403, f"Pages of {origin[:100]} may not listen; RISK_ALLOWED_ORIGINS names those that may."
            )
        session = await run_sync(_session_of_ticket, service, ticket)
        if session is None:
            raise Problem(401, "The ticket is not good any more; ask POST /api/v1/auth/ticket for a new one.")
        if not allowed(session.user.role, self.permission):
            raise Problem(
                403, f"The role {session.user.role} has not the permission {self.permission.value}."
            )
        socket.state.session = session


class Public:
    """Lets anybody through, a limited number of times."""

    async def __call__(self, request: Request, service: Wired) -> None:
        """Raises a 429 problem when it is once too often."""
        await service.limits.public_request(address_of(request))


class Unlimited:
    """Lets anybody through who is near enough to ask: probes and the collector of metrics."""

    async def __call__(self) -> None:
        """Never refuses."""


def requires(permission: Permission) -> Sequence[Any]:
    """The dependencies of a route for who has the permission."""
    return [Depends(Guard(permission))]


def ticketed(permission: Permission) -> Sequence[Any]:
    """The dependencies of a WebSocket for who has the permission."""
    return [Depends(Ticketed(permission))]


PUBLIC: Sequence[Any] = [Depends(Public())]
UNLIMITED: Sequence[Any] = [Depends(Unlimited())]


async def session_of(connection: HTTPConnection) -> Session:
    """The session that the guard found."""
    session: Session = connection.state.session
    return session


SignedIn = Annotated[Session, Depends(session_of)]


def address_of(connection: HTTPConnection) -> str:
    """Network address of the caller; headers that a caller can write are not asked."""
    return connection.client.host if connection.client else "local"


def guard_of(route: APIRoute | APIWebSocketRoute) -> Guard | Ticketed | Public | Unlimited | None:
    """The guard that a route declares."""
    guards = [
        parameter.dependency
        for parameter in route.dependencies
        if isinstance(parameter, DependsParameter)
        and isinstance(parameter.dependency, Guard | Ticketed | Public | Unlimited)
    ]
    return guards[0] if len(guards) == 1 else None


def refuse_unguarded_routes(app: FastAPI, open_mounts: frozenset[str]) -> None:
    """Raise SettingsError naming the routes that declare no permission, so that such an app never starts."""
    unguarded = []
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute | APIWebSocketRoute) and guard_of(route) is not None:
            continue
        if isinstance(route, Mount) and route.path in open_mounts:
            continue
        unguarded.append(str(context.path))
    if unguarded:
        raise SettingsError(
            f"Routes without a declared permission: {', '.join(unguarded)}; declare one each."
        )


def _session_of_ticket(service: Service, ticket: str) -> Session | None:
    session_id = service.tickets.take(ticket, service.now)
    return None if session_id is None else service.accounts.session(session_id, service.now)
