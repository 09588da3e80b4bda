"""A range of event dates built alone equals the same dates of a full build, and other dates stay."""

import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

from risk_platform.features.build import build_features
from risk_platform.lake.dbt_plugin import stretches
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import PAYMENT_FEATURES
from risk_platform_tests.features.conftest import MATURITY, build_mart, read_mart
from risk_platform_tests.features.events import START, ZONE, Payment, random_history, write


def test_a_range_equals_the_full_build_and_leaves_other_dates_alone(tmp_path: Path) -> None:
    payments, judgements = random_history(seed=5, count=200)
    old = START - timedelta(days=300)
    payments.append(Payment("old", old, old, "a", 100, "m1"))
    lake = Lake(str(tmp_path / "lake"))
    write(lake, payments, judgements)
    build_mart(lake, tmp_path / "work", from_date="2025-01-01")
    full = read_mart(lake)
    version = lake.version(PAYMENT_FEATURES)

    heard: list[str] = []
    build_features(
        lake,
        from_date=date(2026, 3, 1),
        to_date=date(2026, 3, 20),
        label_maturity=MATURITY,
        timezone=str(ZONE),
        work_dir=tmp_path / "work",
        progress=heard.append,
    )
    assert read_mart(lake) == full
    assert lake.version(PAYMENT_FEATURES) == version + 1
    assert any("payment_features" in line for line in heard)


def test_a_long_range_is_computed_in_stretches_of_whole_dates() -> None:
    days = [
        (date(2026, 1, 3), 60, 1, 60),
        (date(2026, 1, 4), 40, 61, 100),
        (date(2026, 1, 9), 150, 101, 250),
        (date(2026, 1, 10), 1, 251, 251),
    ]
    assert list(stretches(days, limit=100)) == [days[:2], [days[2]], [days[3]]]
    assert list(stretches([], limit=100)) == []


def test_a_build_removes_its_files_and_those_of_a_killed_one(tmp_path: Path) -> None:
    payments, judgements = random_history(seed=5, count=20)
    lake = Lake(str(tmp_path / "lake"))
    write(lake, payments, judgements)
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    killed = tmp_path / "work" / f"build-{int(ended.stdout)}-x"
    running = tmp_path / "work" / f"build-{os.getppid()}-x"
    for folder in (killed, running):
        folder.mkdir(parents=True)
    build_mart(lake, tmp_path / "work")
    assert [folder.name for folder in (tmp_path / "work").glob("build-*")] == [running.name]
