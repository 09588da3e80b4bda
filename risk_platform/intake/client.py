"""A caller's side of the engine's socket."""

import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from risk_platform.errors import InputError, RiskPlatformError, ServiceError
from risk_platform.intake.events import Event
from risk_platform.intake.failures import EngineBusy, EngineStopped
from risk_platform.intake.prepared import ReportKind
from risk_platform.intake.wire import frame, receive

_FAULTS: Mapping[str, type[RiskPlatformError]] = {
    "busy": EngineBusy,
    "input": InputError,
    "stopped": EngineStopped,
}


class EngineClient:
    """One connection to the engine of an installation; not for several threads at once.

    Raises ServiceError when no engine listens there.
    """

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise ServiceError(
                f"No engine listens at {path} ({error.strerror or error}); start one with `risk-platform engine`."
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def submit(self, kind: ReportKind, events: Sequence[Event]) -> list[dict[str, Any]]:
        """One answer for each event, after their commit: accepted, duplicate or refused, with the decision.

        Raises EngineBusy when the engine is behind, EngineStopped when it is stopping.
        """
        self.send(kind, events)
        return self.answers()

    def send(self, kind: ReportKind, events: Sequence[Event]) -> None:
        """Send events without waiting; `answers` later gives the answers, in the order of sending."""
        self._send({"op": "submit", "kind": kind, "events": list(events)})

    def answers(self) -> list[dict[str, Any]]:
        """The answers to the oldest events sent and not yet answered."""
        answers: list[dict[str, Any]] = self._receive()["answers"]
        return answers

    def control(self, name: str, value: Mapping[str, Any]) -> int:
        """Change what decides; returns the sequence of the control event. Raises InputError when it is refused."""
        self._send({"op": "control", "name": name, "value": value})
        return int(self._receive()["answers"][0]["sequence"])

    def status(self) -> dict[str, Any]:
        """Where the inbox ends and what decides."""
        self._send({"op": "status"})
        return self._receive()

    def _send(self, message: Mapping[str, Any]) -> None:
        try:
            self._socket.sendall(frame(message))
        except OSError as error:
            raise ServiceError(
                f"The engine is gone ({error.strerror or error}); nothing more was sent."
            ) from error

    def _receive(self) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = receive(self._socket)
        except OSError as error:
            raise ServiceError(f"The engine is gone ({error.strerror or error}).") from error
        if "error" in answer:
            raise fault_of(answer)
        return answer


def fault_of(answer: Mapping[str, Any]) -> RiskPlatformError:
    """The refusal that an answer of the engine tells of."""
    return _FAULTS[answer["error"]](answer["message"])
