"""The service as an ASGI application; each worker process has one."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts

from risk_platform.api.direct import Direct, DirectRoutes
from risk_platform.api.guard import refuse_unguarded_routes
from risk_platform.api.limits import Rates
from risk_platform.api.middleware import LimitedBodies, Measured, SafeHeaders
from risk_platform.api.problems import ProblemDetails, answer_problems
from risk_platform.api.protocol import BoundedHttp, BoundedWebSockets
from risk_platform.api.routes import (
    alerts,
    audit,
    auth,
    documents,
    explain,
    health,
    model,
    reports,
    risk,
    stream,
    transactions,
    users,
)
from risk_platform.api.service import Clock, Service
from risk_platform.home import prepare_home
from risk_platform.intake.faults import fault_point
from risk_platform.operations.store import Reached
from risk_platform.settings import Settings, settings

PREFIX = "/api/v1"
# Paths of requests name customers and payments, so no log of them; an address that a caller can write is not asked.
SERVER_OPTIONS: dict[str, Any] = {
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,
    "http": BoundedHttp,
    "ws": BoundedWebSockets,
    # Payment systems keep their connections; nobody likes to find one closed.
    "timeout_keep_alive": 75,
    # Listeners have nothing to say; a message would be compressed for each of them anew.
    "ws_max_size": 4096,
    "ws_per_message_deflate": False,
}
_DESCRIPTION = (
    "Payments in, decisions out. Sign in with `POST /api/v1/auth/login` and hand the `access_token` to "
    "Authorize. Errors are problem details (RFC 9457); requests that change something take an `Idempotency-Key`."
)
_ROUTERS: tuple[APIRouter, ...] = (
    auth.router,
    users.router,
    transactions.router,
    reports.router,
    risk.router,
    alerts.router,
    explain.router,
    model.router,
    audit.router,
    health.router,
    stream.router,
)
DIRECT = {
    PREFIX + "/transactions": Direct(transactions.GUARD, transactions.decide),
    PREFIX + "/transactions/batch": Direct(transactions.GUARD, transactions.decide_batch),
}
_LARGER_BODIES = {"/transactions/batch": transactions.LARGEST_BATCH}


def create_app(current: Settings, clock: Clock, rates: Rates, reached: Reached = lambda _: None) -> FastAPI:
    """The service of an installation, which opens its store when it starts; `reached` is told its stages.

    Raises SettingsError when a route declares no permission or the signing key is not safe, ServiceError when the
    store cannot be reached.
    """
    service = Service.open(current, prepare_home(current), clock, rates, reached)
    app = FastAPI(
        title="Risk platform",
        version="1",
        description=_DESCRIPTION,
        lifespan=_lifespan(service),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        responses={"default": {"model": ProblemDetails, "description": "What is wrong, and how to mend it."}},
    )
    app.state.service = service
    for router in _ROUTERS:
        app.include_router(router, prefix=PREFIX)
    app.include_router(health.metrics_router)
    app.include_router(documents.router)
    app.include_router(stream.stream_router)
    documents.serve_assets(app)
    refuse_unguarded_routes(app, frozenset({documents.ASSETS_PATH}))
    answer_problems(app)
    app.add_middleware(DirectRoutes, service=service, routes=DIRECT)
    app.add_middleware(LimitedBodies, larger={PREFIX + path: size for path, size in _LARGER_BODIES.items()})
    app.add_middleware(Measured, metrics=service.metrics, paths=_paths(app))
    app.add_middleware(SafeHeaders)
    return app


def served() -> FastAPI:
    """The service of this process's settings."""
    return create_app(settings(), lambda: datetime.now(UTC), Rates(), fault_point(os.environ))


def _paths(app: FastAPI) -> dict[object, str]:
    return {context.endpoint: str(context.path) for context in iter_route_contexts(app.routes)}


def _lifespan(service: Service) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await service.close()

    return lifespan
