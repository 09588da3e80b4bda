"""The dbt project on its own: its unit tests, data tests and contract, an empty lake, a failing model."""

from pathlib import Path

import pytest

from risk_platform.errors import ContractError
from risk_platform.features.build import run_dbt
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import PAYMENT_FEATURES
from risk_platform_tests.features.events import random_history, write


def test_models_unit_tests_and_data_tests_pass(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    write(lake, *random_history(seed=2, count=60))
    finished: list[str] = []
    run_dbt(lake, ["build"], {}, tmp_path / "work", finished.append)
    assert any("labels_turn_as_they_become_known" in line for line in finished)
    assert lake.dataset(PAYMENT_FEATURES).count_rows() > 60


def test_an_empty_lake_gives_an_empty_mart(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    run_dbt(lake, ["run"], {}, tmp_path / "work")
    assert lake.dataset(PAYMENT_FEATURES).count_rows() == 0


def test_a_failing_model_is_named(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    write(lake, *random_history(seed=2, count=5))
    with pytest.raises(ContractError, match="int_payments"):
        run_dbt(lake, ["run"], {"timezone": "Mars/Olympus"}, tmp_path / "work")
    assert not lake.exists(PAYMENT_FEATURES)
