"""`risk-platform up`: engine, service, Dagster, MLflow and desk answer, and one Ctrl-C stops all of them."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from typer.testing import CliRunner

from risk_platform.cli.main import app
from risk_platform.cli.up import refuse_second_engine
from risk_platform.errors import InputError, ServiceError
from risk_platform.home import Home
from risk_platform_tests.defs.conftest import ROOT, guarded_environment

NAMES = ("api", "dagster", "mlflow", "streamlit")
_PATIENCE_SECONDS = 300


@contextmanager
def free_ports(count: int) -> Iterator[list[int]]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        yield [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def answers(port: int, path: str) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False, timeout=10).status_code < 500
    except httpx.TransportError:
        return False


def test_a_taken_port_is_named_before_anything_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = CliRunner().invoke(app, ["up", "--api-port", str(port)])
    assert isinstance(result.exception, InputError)
    assert f"Port {port} for api is taken" in str(result.exception)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_everything_answers_and_one_interrupt_stops_it(tmp_path: Path) -> None:
    environment = guarded_environment(tmp_path)
    with free_ports(len(NAMES)) as ports:
        options = [
            part for name, port in zip(NAMES, ports, strict=True) for part in (f"--{name}-port", str(port))
        ]
    log = tmp_path / "up.log"
    with log.open("w") as output:
        command = [sys.executable, "-m", "risk_platform", "up", *options]
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=output, preexec_fn=_interruptible
        )
    deadline = time.monotonic() + _PATIENCE_SECONDS
    paths = ("/api/v1/health/live", "/server_info", "/health", "/_stcore/health")
    waiting = dict(zip(ports, paths, strict=True))
    while waiting:
        assert process.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < deadline, (waiting, log.read_text()[-2000:])
        waiting = {port: path for port, path in waiting.items() if not answers(port, path)}
        time.sleep(1)
    started = psutil.Process(process.pid).children(recursive=True)
    assert "No model is champion yet" in log.read_text()
    process.send_signal(signal.SIGINT)
    process.wait(60)
    _, left = psutil.wait_procs(started, 30)
    assert left == []
    outside = tmp_path / "outside_hosts.log"
    assert not outside.exists() or outside.read_text() == ""


def _interruptible() -> None:
    """A child of a test runner in the background would ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_a_second_engine_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(tmp_path / "engine.sock"))
        engine.listen()
        with pytest.raises(ServiceError, match="runs already"):
            refuse_second_engine(Home(tmp_path))
    (tmp_path / "engine.sock").unlink()
    refuse_second_engine(Home(tmp_path))
