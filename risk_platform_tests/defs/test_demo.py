"""The demo: everything from landed files to decisions in one run, and nothing asked of the outside."""

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import DECISIONS, PAYMENT_FEATURES, RAW_TRANSACTIONS, TRANSACTIONS
from risk_platform_tests.defs.conftest import ROOT, Installation, demo_command

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


def test_no_process_asks_for_an_outside_host(installation: Installation) -> None:
    assert installation.outside_hosts == ""


def test_every_accepted_payment_has_its_features(installation: Installation) -> None:
    lake = Lake(str(installation.home / "lake"))
    counts = {
        table.name: lake.dataset(table).count_rows()
        for table in (RAW_TRANSACTIONS, TRANSACTIONS, PAYMENT_FEATURES)
    }
    assert len(set(counts.values())) == 1, counts
    assert counts["raw_transactions"] > 10_000


def test_decisions_begin_after_the_training_span(installation: Installation) -> None:
    lake = Lake(str(installation.home / "lake"))
    with lake.connect() as session:
        rows = session.execute(
            "SELECT min(d.event_date) > max(m.train_to), count(*) > 0 FROM decisions d, model_versions m"
        ).fetchall()
    assert rows == [(True, True)]


def test_the_summary_agrees_with_the_lake(installation: Installation) -> None:
    summary = json.loads((installation.home / "summary.json").read_text())
    lake = Lake(str(installation.home / "lake"))
    assert summary["payments"] == lake.dataset(RAW_TRANSACTIONS).count_rows()
    assert sum(summary["levels"].values()) == lake.dataset(DECISIONS).count_rows()


def test_a_second_demo_adds_nothing(installation: Installation, tmp_path: Path) -> None:
    lake = Lake(str(installation.home / "lake"))
    before = lake.dataset(RAW_TRANSACTIONS).count_rows(), lake.dataset(DECISIONS).count_rows()
    subprocess.run(
        demo_command(tmp_path / "summary.json"),
        cwd=ROOT,
        env=installation.environment,
        capture_output=True,
        timeout=1500,
        check=True,
    )
    assert (lake.dataset(RAW_TRANSACTIONS).count_rows(), lake.dataset(DECISIONS).count_rows()) == before


def test_the_live_engine_computes_what_the_mart_holds(installation: Installation, tmp_path: Path) -> None:
    days = json.loads((installation.home / "demo.json").read_text())
    first = date.fromisoformat(days["first_day"])
    found = tmp_path / "parity.json"
    command = [sys.executable, "-m", "risk_platform", "replay", "--json", str(found)]
    command += ["--from", str(first), "--to", str(first + timedelta(days=days["days"] - 1))]
    subprocess.run(
        command, cwd=ROOT, env=installation.environment, capture_output=True, timeout=900, check=True
    )
    parity = json.loads(found.read_text())
    assert parity["mismatches"] == {}
    assert parity["events"] == Lake(str(installation.home / "lake")).dataset(PAYMENT_FEATURES).count_rows()
