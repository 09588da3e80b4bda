"""A small installation made by the real `risk-platform demo`, once for all tests that look at it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Installation:
    """Where the demo ran, what it printed, and which outside hosts any of its processes asked for."""

    home: Path
    output: str
    outside_hosts: str
    environment: dict[str, str]


def guarded_environment(home: Path) -> dict[str, str]:
    guard = ROOT / "risk_platform_tests" / "network_guard"
    return {
        **os.environ,
        "RISK_HOME": str(home),
        "PYTHONPATH": os.pathsep.join([str(guard), str(ROOT)]),
        "NETWORK_GUARD_LOG": str(home / "outside_hosts.log"),
    }


def demo_command(summary: Path) -> list[str]:
    """A demo small enough for a test, and large enough for a model to be promoted."""
    size = ["--customers", "600", "--days", "90"]
    return [sys.executable, "-m", "risk_platform", "demo", *size, "--json", str(summary)]


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    home = tmp_path_factory.mktemp("installation")
    environment = guarded_environment(home)
    done = subprocess.run(
        demo_command(home / "summary.json"),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    log = home / "outside_hosts.log"
    return Installation(home, done.stdout, log.read_text() if log.exists() else "", environment)
