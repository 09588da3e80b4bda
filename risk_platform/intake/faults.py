"""Where a test may kill the engine, the API or a micro-batch: named in the environment, read once at the start."""

import os
import signal
from collections.abc import Callable, Mapping

from risk_platform.errors import SettingsError

VARIABLE = "RISK_FAULT_POINT"
API_POINTS = ("after_claim", "after_engine", "after_keep")
DRAIN_POINTS = ("before_lake_write", "during_lake_write", "after_lake_commit")
POINTS = ("after_validate", "after_inbox", "before_commit", "after_commit", "during_snapshot")
_KNOWN = (*POINTS, *API_POINTS, *DRAIN_POINTS)


def fault_point(environment: Mapping[str, str]) -> Callable[[str], None]:
    """What is called at each point reached: nothing happens, unless `RISK_FAULT_POINT=point:n` names it.

    The process then ends itself by SIGKILL, as a power cut would, when the point is reached for the nth time.
    Raises SettingsError when the variable names no point.
    """
    stated = environment.get(VARIABLE)
    if stated is None:
        return lambda _: None
    point, _, count = stated.partition(":")
    if point not in _KNOWN or not count.isdigit():
        raise SettingsError(
            f"{VARIABLE} is {stated!r}; write one of {', '.join(_KNOWN)}, a colon and a number."
        )
    left = int(count)

    def reached(name: str) -> None:
        nonlocal left
        left -= name == point
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    return reached
