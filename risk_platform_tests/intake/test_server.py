"""The engine's socket: callers in other processes, wrong requests, and the real command."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from risk_platform.errors import InputError, ServiceError
from risk_platform.home import Home
from risk_platform.intake.client import EngineClient
from risk_platform.intake.service import socket_path
from risk_platform.intake.wire import LARGEST_FRAME, receive
from risk_platform.models.bundle import Bundle
from risk_platform.models.champion import crown
from risk_platform.operations.database import database_url
from risk_platform.operations.store import Store
from risk_platform_tests.decisions.small_model import train_small_model
from risk_platform_tests.intake.events import payment

_ENGINE = [sys.executable, "-m", "risk_platform", "engine"]


@pytest.fixture
def command(home: Home) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"RISK_HOME": str(home.root)}
    with (home.root / "engine.log").open("wb") as log:
        process = subprocess.Popen(_ENGINE, env=environment, stdout=log, stderr=log)
    deadline = time.monotonic() + 120
    while not socket_path(home).exists():
        assert process.poll() is None, (home.root / "engine.log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield process
    process.kill()
    process.wait()


def live(number: int, **changes: object) -> dict[str, object]:
    return payment(number, event_time=(datetime.now(UTC) - timedelta(minutes=1)).isoformat(), **changes)


def test_the_command_decides_drains_and_stops(command: subprocess.Popen[bytes], home: Home) -> None:
    with EngineClient(socket_path(home)) as client:
        first = client.submit("payment", [live(1), live(2, currency="XXX")])
        assert [answer["status"] for answer in first] == ["accepted", "refused"]
        _wrong_requests_are_refused_and_the_connection_lives(client)
        _a_new_champion_takes_over(client, home)
        for number in range(10, 30):
            client.send("payment", [live(number)])
        command.send_signal(signal.SIGTERM)
        answered = _answers_until_the_end(client)
        assert command.wait(60) == 0
    store = Store.open(database_url(None, home.root))
    names = [f"T{number}" for number in range(10, 10 + len(answered))]
    kept = store.find("payment", ["upi"] * len(names), names)
    store.close()
    assert [kept[at].sequence for at in range(len(names))] == [answer["sequence"] for answer in answered]
    log = (home.root / "engine.log").read_text()
    assert "Engine ready" in log
    assert "Snapshot at sequence" in log
    assert not socket_path(home).exists()
    with pytest.raises(ServiceError, match="No engine listens"):
        EngineClient(socket_path(home))


def _answers_until_the_end(client: EngineClient) -> list[dict[str, Any]]:
    """Every answer that still came; requests that the engine had not read yet get none."""
    answered: list[dict[str, Any]] = []
    try:
        while True:
            answered += client.answers()
    except ServiceError:
        return answered


def _wrong_requests_are_refused_and_the_connection_lives(client: EngineClient) -> None:
    with pytest.raises(InputError, match="No control event"):
        client.control("reboot", {})
    with pytest.raises(InputError, match="`kind`"):
        client.submit("party", [])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="list of objects"):
        client.submit("payment", ["not an object"])  # type: ignore[list-item]
    assert client.status()["kill_switch"] is False


def _a_new_champion_takes_over(client: EngineClient, home: Home) -> None:
    champion: Bundle = train_small_model(datetime(2026, 3, 11).date())  # noqa: DTZ001
    crown(home.bundles, champion, "2")
    deadline = time.monotonic() + 30
    while client.status()["bundle_hash"] != champion.hash:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_frame_that_is_none_ends_its_connection_only(command: subprocess.Popen[bytes], home: Home) -> None:
    for wrong in ((LARGEST_FRAME + 1).to_bytes(4, "big"), (3).to_bytes(4, "big") + b"{x}"):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(str(socket_path(home)))
            raw.sendall(wrong)
            assert receive(raw)["error"] == "stopped"
            assert raw.recv(1) == b""
    with EngineClient(socket_path(home)) as client:
        assert client.submit("payment", [live(1)])[0]["status"] == "accepted"


def test_decide_needs_no_engine_and_writes_its_totals(home: Home, tmp_path: Path) -> None:
    import polars as pl

    rows = [payment(number) for number in range(60)]
    rows.append(payment(60, channel="PIGEON"))
    pl.DataFrame(rows).write_csv(tmp_path / "payments.csv")
    told = tmp_path / "told.json"
    out = tmp_path / "decisions.parquet"
    decide = [
        "decide",
        str(tmp_path / "payments.csv"),
        "--mapping",
        "canonical",
        "--json",
        str(told),
        "--out",
        str(out),
    ]
    environment = os.environ | {"RISK_HOME": str(home.root)}
    subprocess.run(
        [sys.executable, "-m", "risk_platform", *decide], env=environment, check=True, capture_output=True
    )
    facts = json.loads(told.read_text())
    assert facts["payments"] == 60 == sum(facts["levels"].values()) == pl.read_parquet(out).height
    assert facts["refused"] == {"channel_known": 1}
    assert facts["degraded"] == {}
    assert facts["per_second"] > 0
    assert not (home.root / "operations.db").exists()
