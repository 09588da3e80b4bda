"""A real engine process that may be killed, and what its store holds afterwards."""

import multiprocessing
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from risk_platform.audit.keeping import exported_heads, heads_file, public_key_file, read_public_key
from risk_platform.errors import RiskPlatformError, ServiceError
from risk_platform.home import Home, prepare_home
from risk_platform.intake.client import EngineClient
from risk_platform.intake.faults import VARIABLE, fault_point
from risk_platform.intake.service import SnapshotPace, serve, socket_path
from risk_platform.operations.audit_verify import verify_trail
from risk_platform.operations.database import database_url, open_database
from risk_platform.operations.store import Store
from risk_platform.settings import Settings

# Children of a server that has imported everything start in a moment, and are processes like any other.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["risk_platform_tests.intake.engine_process"])
_START_SECONDS = 300


def start_engine(settings: Settings, fault: str | None, snapshot_events: int) -> BaseProcess:
    """A running engine, ready for callers; `fault` is where it shall be killed, such as `before_commit:3`."""
    process = _PROCESSES.Process(target=_run, args=(settings, fault, snapshot_events))
    process.start()
    path, deadline = socket_path(Home(settings.home)), time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.is_alive():
        try:
            EngineClient(path).close()
        except ServiceError:
            time.sleep(0.02)
        else:
            return process
    raise AssertionError(f"the engine did not start, exit code {process.exitcode}")


def _run(settings: Settings, fault: str | None, snapshot_events: int) -> None:
    environment = {} if fault is None else {VARIABLE: fault}
    pace = SnapshotPace(snapshot_events, timedelta(days=1))
    clock = lambda: datetime.now(UTC)  # noqa: E731
    serve(settings, prepare_home(settings), clock, pace, lambda _: None, fault_point(environment))


def send_all(
    settings: Settings, batches: list[list[dict[str, Any]]], fault: str | None, snapshot_events: int
) -> int:
    """Send every batch until it is answered, with a new engine wherever one was killed; returns how many were.

    Asserts that no acknowledged answer is ever contradicted.
    """
    process, kills = start_engine(settings, fault, snapshot_events), 0
    acknowledged: dict[str, dict[str, Any]] = {}
    at = 0
    while at < len(batches):
        try:
            with EngineClient(socket_path(Home(settings.home))) as client:
                while at < len(batches):
                    # The batch before is sent again with every second one: it must be known, and known the same.
                    again = batches[at - 1] if at % 2 else []
                    _note(
                        acknowledged, client.submit("payment", [*again, *batches[at]]), [*again, *batches[at]]
                    )
                    at += 1
        except RiskPlatformError as error:
            process.join(60)
            if process.exitcode != -9:
                raise AssertionError("an engine that nobody killed stopped answering") from error
            kills += 1
            process = start_engine(settings, None, snapshot_events)
    while not _stopped_well(process):
        kills += 1
        process = start_engine(settings, None, snapshot_events)
    return kills


def _stopped_well(process: BaseProcess) -> bool:
    """Whether SIGTERM ended the engine in good order, not the kill during its last snapshot."""
    process.terminate()
    process.join(60)
    assert process.exitcode in (0, -9)
    return process.exitcode == 0


def _note(
    acknowledged: dict[str, dict[str, Any]], answers: list[dict[str, Any]], events: list[dict[str, Any]]
) -> None:
    for event, answer in zip(events, answers, strict=True):
        told = {name: value for name, value in answer.items() if name != "status"}
        assert answer["status"] in ("accepted", "duplicate"), answer
        assert acknowledged.setdefault(event["transaction_id"], told) == told


def stored_decisions(home: Path, database: str | None = None) -> dict[str, dict[str, Any]]:
    """Every decision in the store (that of `home`, or at an address) by transaction, but for the clock's share.

    Sequences have no gap, and the audit log is intact up to the head that the engine signed when it stopped.
    """
    _audited(home, database)
    store = Store.open(database_url(database, home))
    decisions: dict[str, dict[str, Any]] = {}
    expected = 1
    for run in store.runs():
        assert run.sequence == expected
        expected += run.events
        if run.kind == "payment":
            for row in store.decisions_of_run(run.sequence).drop_columns(["decided_time"]).to_pylist():
                assert decisions.setdefault(row["transaction_id"], row) is row
    store.close()
    return decisions


def _audited(home: Path, database: str | None) -> None:
    engine = open_database(database_url(database, home))
    heads = exported_heads(heads_file(home), read_public_key(public_key_file(home)))
    result = verify_trail(engine, heads, lambda _name, _done, _total: None)
    engine.dispose()
    assert result.finding is None, result.finding
    assert result.attested == result.leaves > 0
