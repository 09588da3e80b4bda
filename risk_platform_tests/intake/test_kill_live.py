"""kill -9 of engine and micro-batch, with files coming in: every line once in store and lake, each alert once."""

import csv
import random
import shutil
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from risk_platform.home import Home
from risk_platform.intake.faults import DRAIN_POINTS
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import DECISIONS, INGESTED_FILES, JUDGEMENTS, QUARANTINE, RAW_TRANSACTIONS
from risk_platform.models.bundle import Bundle
from risk_platform.operations.database import database_url
from risk_platform.operations.live_files import FileProgress
from risk_platform.operations.store import Store
from risk_platform.settings import Settings
from risk_platform_tests.intake.drain_process import alerts_of, drain_in_process, keys_in
from risk_platform_tests.intake.engine_process import _stopped_well, start_engine, stored_decisions
from risk_platform_tests.intake.events import payment
from risk_platform_tests.intake.test_kill import installed

_POINTS = ("after_inbox", "before_commit", "after_commit")
_FILES, _LINES = 2, 700
# Three parts a file; the kill comes in one of them.
_PARTS = 6
_PATIENCE_SECONDS = 120


def drop_files(home: Home) -> None:
    """Two files of payments with a bad line each, and one of judgements."""
    began = datetime.now(UTC) - timedelta(hours=3)
    for number in range(_FILES):
        first = number * _LINES
        rows = [
            payment(at, event_time=(began + timedelta(seconds=at)).isoformat())
            for at in range(first, first + _LINES)
        ]
        rows[-1]["channel"] = "PIGEON"
        _drop(home, "canonical", f"{number}.csv", rows)
    verdict = {
        "source": "upi",
        "is_fraud": "true",
        "judged_by": "chargeback",
        "known_time": began.isoformat(),
    }
    _drop(home, "canonical_judgements", "j.csv", [verdict | {"transaction_id": f"T{at}"} for at in range(9)])


def _drop(home: Home, mapping: str, name: str, rows: list[dict[str, Any]]) -> None:
    folder = home.landing_live / mapping
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{name}").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (folder / f".{name}").rename(folder / name)


def taken_in(settings: Settings) -> list[FileProgress]:
    store = Store.open(database_url(None, settings.home))
    found = store.live_files().finished(0)
    store.close()
    return found


def disturbed_run(seed: int, settings: Settings) -> tuple[int, int]:
    """Take the files in and drain them; how often the engine and a micro-batch were killed meanwhile."""
    choice = random.Random(seed)
    engine_fault = f"{_POINTS[seed % len(_POINTS)]}:{choice.randint(1, _PARTS)}"
    drain_fault = f"{DRAIN_POINTS[seed % len(DRAIN_POINTS)]}:{choice.randint(1, 3)}"
    drop_files(Home(settings.home))
    process, kills, drains = start_engine(settings, engine_fault, 1_000_000), 0, 0
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while len(taken_in(settings)) < _FILES + 1:
        assert time.monotonic() < deadline, "the files were not taken in"
        if process.exitcode is not None:
            kills += 1
            process = start_engine(settings, None, 1_000_000)
        time.sleep(0.05)
    while drain_in_process(settings.home, drain_fault if not drains else None):
        drains += 1
    assert _stopped_well(process)
    drain_in_process(settings.home, None)
    return kills, drains


def assert_once(home: Path) -> None:
    """Every good line is once in store and lake, every bad one once in quarantine, every alert there once."""
    good = {f"T{at}" for at in range(_FILES * _LINES)} - {f"T{(at + 1) * _LINES - 1}" for at in range(_FILES)}
    decided = stored_decisions(home)
    assert decided.keys() == good
    assert keys_in(home, RAW_TRANSACTIONS) == Counter(good)
    assert keys_in(home, DECISIONS) == Counter(good)
    alerted = [name for name, decision in decided.items() if decision["alerted"]]
    assert alerts_of(home) == Counter(alerted)
    assert len(alerted) > 0
    lake = Lake(str(home / "lake"))
    assert lake.read(JUDGEMENTS).num_rows == 9
    assert lake.read(QUARANTINE)["rule"].to_pylist() == ["channel_known"] * _FILES
    files = lake.read(INGESTED_FILES).to_pylist()
    assert sorted((file["read"], file["accepted"], file["quarantined"]) for file in files) == [
        (9, 9, 0),
        *[(_LINES, _LINES - 1, 1)] * _FILES,
    ]


@pytest.fixture(scope="module")
def alarming(model: Bundle) -> Bundle:
    """A model under which a large amount alone is enough for an alert."""
    return replace(model, anchor_log_odds=0.0)


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_and_nothing_comes_twice(seed: int, tmp_path: Path, alarming: Bundle) -> None:
    settings = installed(tmp_path / "home", alarming)
    assert disturbed_run(seed, settings) == (1, 1)
    assert_once(settings.home)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_forty_times_nothing_is_lost(tmp_path: Path, alarming: Bundle) -> None:
    for seed in range(100, 140):
        settings = installed(tmp_path / f"{seed}", alarming)
        assert disturbed_run(seed, settings) == (1, 1), f"seed {seed}"
        assert_once(settings.home)
        shutil.rmtree(settings.home)
