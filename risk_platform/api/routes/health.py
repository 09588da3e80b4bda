"""Probes and numbers: does the process live, can it serve, what has it done."""

from typing import Any, Literal

import sqlalchemy as sa
from anyio.to_thread import run_sync
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from risk_platform.api.guard import UNLIMITED
from risk_platform.api.service import Service, Wired
from risk_platform.errors import RiskPlatformError

router = APIRouter(tags=["health"])
metrics_router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Health(BaseModel):
    """Whether payments can be decided; `faults` says why not."""

    status: Literal["healthy", "unhealthy"]
    database: Literal["connected", "unreachable"]
    streaming: Literal["active", "stopped"] = Field(description="The engine that decides payments.")
    kill_switch: bool | None = Field(None, description="True while rules alone decide.")
    bundle_hash: str | None = None
    faults: list[str] = Field(default_factory=list)
    warnings: list[str] = Field(
        default_factory=list, description="What is amiss though payments are decided."
    )


@router.get("/health/live", dependencies=UNLIMITED)
async def live() -> Alive:
    """Liveness: restart the process when this does not answer, and only then."""
    return Alive()


@router.get("/health", dependencies=UNLIMITED, responses={503: {"model": Health}})
async def health(response: Response, service: Wired) -> Health:
    """Readiness: 503, with what is wrong, while payments cannot be decided."""
    faults = []
    database = await run_sync(_database_fault, service)
    status: dict[str, Any] = {}
    if database is not None:
        faults.append(database)
    try:
        status = await service.engine.status()
    except RiskPlatformError as error:
        faults.append(str(error))
    response.status_code = 503 if faults else 200
    return Health(
        status="unhealthy" if faults else "healthy",
        database="connected" if database is None else "unreachable",
        streaming="active" if status else "stopped",
        kill_switch=status.get("kill_switch"),
        bundle_hash=status.get("bundle_hash"),
        faults=faults,
        warnings=[] if service.limits.fault is None else [service.limits.fault],
    )


@metrics_router.get("/metrics", dependencies=UNLIMITED)
def metrics(service: Wired) -> Response:
    """Numbers for Prometheus."""
    return Response(service.metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _database_fault(service: Service) -> str | None:
    try:
        with service.database.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError as error:
        return f"The operational store does not answer ({type(error).__name__})."
    return None
