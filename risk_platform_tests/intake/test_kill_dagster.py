"""kill -9 of real Dagster runs at named points: the daemon goes on by itself, and the lake holds everything once."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from risk_platform.home import Home
from risk_platform.intake.client import EngineClient
from risk_platform.intake.service import socket_path
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import DECISIONS, MICRO_BATCHES, RAW_TRANSACTIONS
from risk_platform.models.bundle import Bundle
from risk_platform_tests.intake.dagster_daemon import daemon, runs, wait_until
from risk_platform_tests.intake.drain_process import keys_in
from risk_platform_tests.intake.engine_process import _stopped_well, start_engine, stored_decisions
from risk_platform_tests.intake.events import payment
from risk_platform_tests.intake.test_kill import installed

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
_BATCHES, _SIZE = 3, 40
_PATIENCE = 300


def is_drained(home: Home, sequence: int) -> bool:
    """Whether the lake holds the inbox up to that sequence."""
    done = Lake(str(home.root / "lake")).read(MICRO_BATCHES, ["last_sequence"])["last_sequence"].to_pylist()
    return max(done, default=0) >= sequence


def sent(home: Home) -> set[str]:
    """The payments sent to the engine, in batches that are runs of their own."""
    began = datetime.now(UTC) - timedelta(hours=3)
    names = set()
    with EngineClient(socket_path(home)) as client:
        for first in range(0, _BATCHES * _SIZE, _SIZE):
            events = [
                payment(at, event_time=(began + timedelta(seconds=at)).isoformat())
                for at in range(first, first + _SIZE)
            ]
            assert {answer["status"] for answer in client.submit("payment", events)} == {"accepted"}
            names |= {event["transaction_id"] for event in events}
    return names


@pytest.mark.parametrize(
    ("point", "goes_on"),
    [("before_lake_write:1", False), ("during_lake_write:2", False), ("after_lake_commit:1", True)],
)
def test_a_killed_run_is_made_good(point: str, goes_on: bool, tmp_path: Path, model: Bundle) -> None:
    """Where each run gets a step further before it is killed, the same daemon ends with everything drained."""
    settings = installed(tmp_path / "home", model)
    home = Home(settings.home)
    engine = start_engine(settings, None, 1_000_000)
    names = sent(home)
    last = 3 + _BATCHES * _SIZE
    with daemon(home, point):
        wait_until(lambda: runs(home, dg.DagsterRunStatus.FAILURE) >= 1, _PATIENCE, "no run was killed")
        if goes_on:
            wait_until(lambda: is_drained(home, last), _PATIENCE, "the daemon did not go on")
    if not goes_on:
        assert not is_drained(home, last)
        with daemon(home, None):
            wait_until(lambda: is_drained(home, last), _PATIENCE, "the next daemon did not go on")
    assert _stopped_well(engine)
    assert stored_decisions(home.root).keys() == names
    assert keys_in(home.root, RAW_TRANSACTIONS) == Counter(names)
    assert keys_in(home.root, DECISIONS) == Counter(names)
