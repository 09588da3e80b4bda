"""What listeners hear of the engine."""

from typing import Any

from risk_platform.errors import RiskPlatformError
from risk_platform.intake.async_client import EngineLink


async def engine_health(engine: EngineLink) -> dict[str, Any]:
    """Whether payments can be decided, and by what; `fault` says why not."""
    try:
        status = await engine.status()
    except RiskPlatformError as error:
        return {"status": "unhealthy", "streaming": "stopped", "fault": str(error)}
    return {
        "status": "healthy",
        "streaming": "active",
        "kill_switch": status["kill_switch"],
        "bundle_hash": status["bundle_hash"],
    }
