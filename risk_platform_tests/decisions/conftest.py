from datetime import date

import pytest

from risk_platform.decisions.levels import Thresholds
from risk_platform.models.bundle import Bundle
from risk_platform.settings import Settings
from risk_platform_tests.decisions.small_model import train_small_model


@pytest.fixture(scope="session")
def model() -> Bundle:
    return train_small_model(date(2026, 3, 10))


@pytest.fixture(scope="session")
def thresholds() -> Thresholds:
    return Thresholds.from_settings(Settings(_env_file=None))  # type: ignore[call-arg]
