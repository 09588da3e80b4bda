"""A small installation with a live engine: real features, a small real model, the SQLite store."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path

import pytest

from risk_platform.home import Home, prepare_home
from risk_platform.intake.process import Running, running_engine
from risk_platform.models.bundle import Bundle
from risk_platform.models.champion import crown
from risk_platform.settings import Settings
from risk_platform_tests.decisions.small_model import train_small_model
from risk_platform_tests.intake.events import NOW

StartEngine = Callable[[], AbstractContextManager[Running]]


@pytest.fixture(scope="session")
def model() -> Bundle:
    return train_small_model(date(2026, 3, 10))


@pytest.fixture
def installation(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, home=tmp_path / "home")  # type: ignore[call-arg]


@pytest.fixture
def home(installation: Settings, model: Bundle) -> Home:
    prepared = prepare_home(installation)
    crown(prepared.bundles, model, "1")
    return prepared


@pytest.fixture
def start(installation: Settings, home: Home) -> StartEngine:
    return lambda: running_engine(installation, home, lambda: NOW, lambda _: None)


@pytest.fixture
def running(start: StartEngine) -> Iterator[Running]:
    with start() as engine:
        yield engine
