"""kill -9 of a real engine at seeded points: nothing acknowledged is lost, nothing counts twice, nothing differs."""

import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from risk_platform.home import prepare_home
from risk_platform.intake.faults import POINTS
from risk_platform.models.bundle import Bundle
from risk_platform.models.champion import crown
from risk_platform.settings import Settings
from risk_platform_tests.intake.engine_process import send_all, stored_decisions
from risk_platform_tests.intake.events import payment
from risk_platform_tests.operations.postgresql_server import postgresql_server
from risk_platform_tests.services import require_service

_BATCHES, _SIZE = 12, 20
_EVERY_RUN = 1_000_000
_FEW = 25


@pytest.fixture(scope="module")
def batches() -> list[list[dict[str, Any]]]:
    """Payments of the last hours, for the engine's clock is the real one."""
    began = datetime.now(UTC) - timedelta(hours=3)
    return [
        [
            payment(number, event_time=(began + timedelta(seconds=number)).isoformat())
            for number in range(first, first + _SIZE)
        ]
        for first in range(0, _BATCHES * _SIZE, _SIZE)
    ]


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, model: Bundle, batches: list[list[dict[str, Any]]]
) -> dict[str, dict[str, Any]]:
    """The decisions of an engine that nobody kills."""
    settings = installed(tmp_path_factory.mktemp("undisturbed") / "home", model)
    assert send_all(settings, batches, None, _EVERY_RUN) == 0
    return stored_decisions(settings.home)


def installed(home: Path, model: Bundle, database: str | None = None) -> Settings:
    settings = Settings(_env_file=None, home=home, database_url=database)  # type: ignore[call-arg]
    crown(prepare_home(settings).bundles, model, "1")
    return settings


def killed_run(
    seed: int,
    home: Path,
    model: Bundle,
    batches: list[list[dict[str, Any]]],
    database: str | None = None,
) -> dict[str, dict[str, Any]]:
    """The decisions after an engine was killed where the seed says."""
    choice = random.Random(seed)
    point = POINTS[seed % len(POINTS)]
    times = 1 if point == "during_snapshot" else choice.randint(1, _BATCHES - 1)
    settings = installed(home, model, database)
    snapshot_events = _FEW if point == "during_snapshot" or choice.random() < 0.5 else _EVERY_RUN
    assert send_all(settings, batches, f"{point}:{times}", snapshot_events) == 1
    decisions = stored_decisions(settings.home, database)
    shutil.rmtree(settings.home)
    return decisions


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_engine_loses_nothing(
    seed: int,
    tmp_path: Path,
    model: Bundle,
    batches: list[list[dict[str, Any]]],
    undisturbed: dict[str, dict[str, Any]],
) -> None:
    assert killed_run(seed * 2, tmp_path / "home", model, batches) == undisturbed


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_hundred_killed_engines_lose_nothing(
    tmp_path: Path,
    model: Bundle,
    batches: list[list[dict[str, Any]]],
    undisturbed: dict[str, dict[str, Any]],
) -> None:
    for seed in range(100, 200):
        assert killed_run(seed, tmp_path / f"{seed}", model, batches) == undisturbed, f"seed {seed}"


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("first", range(200, 300, 10))
def test_killed_engines_on_postgresql_lose_nothing(
    first: int,
    tmp_path: Path,
    model: Bundle,
    batches: list[list[dict[str, Any]]],
    undisturbed: dict[str, dict[str, Any]],
) -> None:
    require_service("postgresql")
    with postgresql_server() as address:
        for seed in range(first, first + 10):
            with psycopg.connect(address, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE killed_{seed}".encode())
            database = address.removesuffix("postgres") + f"killed_{seed}"
            decided = killed_run(seed, tmp_path / f"{seed}", model, batches, database)
            assert decided == undisturbed, f"seed {seed}"
