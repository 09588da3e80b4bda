"""Replay against the mart: no mismatch where there is none, and a changed value is found."""

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from risk_platform.cli.main import app
from risk_platform.errors import ContractError
from risk_platform.features.parity import replay
from risk_platform.features.spec import load_feature_spec
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import PAYMENT_FEATURES
from risk_platform.settings import settings
from risk_platform_tests.features.conftest import MATURITY, build_mart
from risk_platform_tests.features.events import FIRST_DATE, LAST_DATE, ZONE, random_history, write

DATES = ["--from", "2025-01-01", "--to", "2026-12-31"]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(str(tmp_path_factory.mktemp("replayed") / "lake"))
    write(lake, *random_history(seed=3, count=300))
    build_mart(lake, tmp_path_factory.mktemp("dbt"))
    return lake


@pytest.fixture
def changed(lake: Lake, tmp_path: Path) -> Lake:
    """The same lake with another amount in one row of the mart."""
    copy = Lake(str(tmp_path / "changed"))
    write(copy, *random_history(seed=3, count=300))
    rows = pl.DataFrame(lake.read(PAYMENT_FEATURES))
    other = pl.when(pl.col("transaction_id") == "p7").then(pl.col("amount") + 1).otherwise(pl.col("amount"))
    copy.replace_range(
        PAYMENT_FEATURES, rows.with_columns(other.alias("amount")).to_arrow(), FIRST_DATE, LAST_DATE
    )
    return copy


def test_the_engine_finds_what_the_mart_holds(lake: Lake) -> None:
    found = replay(lake, from_date=FIRST_DATE, to_date=LAST_DATE, label_maturity=MATURITY, timezone=str(ZONE))
    assert (found.mismatches, found.events) == ({}, lake.read(PAYMENT_FEATURES).num_rows)
    assert found.values_compared == found.events * len(load_feature_spec().names)


def test_a_part_of_the_dates_sees_the_history_before_them(lake: Lake) -> None:
    day = date(2026, 3, 2)
    found = replay(
        lake, from_date=day, to_date=day + timedelta(days=3), label_maturity=MATURITY, timezone=str(ZONE)
    )
    assert found.events > 0
    assert found.mismatches == {}


def test_a_mart_that_lacks_payments_is_refused(tmp_path: Path) -> None:
    empty = Lake(str(tmp_path))
    write(empty, *random_history(seed=3, count=20))
    with pytest.raises(ContractError, match="rebuild it"):
        replay(empty, from_date=FIRST_DATE, to_date=LAST_DATE, label_maturity=MATURITY, timezone=str(ZONE))


def test_the_command_names_what_differs(
    changed: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RISK_LAKE_URI", changed.root)
    settings.cache_clear()
    result = CliRunner().invoke(app, ["replay", *DATES, "--json", str(tmp_path / "facts.json")])
    settings.cache_clear()
    assert result.exit_code == 1
    assert "test:p7" in result.output
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert facts["mismatches"] == {"amount": 1}
    assert facts["features"] == len(load_feature_spec().names)


def test_the_command_succeeds_where_nothing_differs(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISK_LAKE_URI", lake.root)
    settings.cache_clear()
    result = CliRunner().invoke(app, ["replay", *DATES])
    settings.cache_clear()
    assert result.exit_code == 0, result.output
    assert "0 mismatches" in result.output
