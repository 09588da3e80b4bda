"""Why the engine does not take a submission."""

from risk_platform.errors import RiskPlatformError


class EngineBusy(RiskPlatformError):  # noqa: N818 - a state of the engine, not a fault
    """The engine's queue is full; nothing of the submission was taken."""


class EngineStopped(RiskPlatformError):  # noqa: N818
    """The engine is stopping or has failed; what it had not answered may or may not be in the inbox."""
