"""A whole service for a benchmark: engine and API as their own commands, in a folder that is thrown away."""

import os
import socket
import subprocess  # nosec B404 - our own commands
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import psutil

from risk_platform.api.passwords import Passwords
from risk_platform.errors import ServiceError
from risk_platform.home import Home
from risk_platform.intake.client import EngineClient
from risk_platform.intake.events import micros
from risk_platform.intake.service import socket_path
from risk_platform.operations.accounts import Accounts, Role
from risk_platform.operations.database import bring_up_to_date, database_url, open_database

HOST = "127.0.0.1"
_EMAIL, _PASSWORD = "bench@example.com", "a password for one benchmark"
_START_SECONDS = 300
_STOP_SECONDS = 60


@dataclass(frozen=True)
class BenchSite:
    """A running service: its processes and its port."""

    engine: psutil.Process
    api: psutil.Process
    port: int

    def token(self) -> str:
        """A new access token of a payment system; it is good for ten minutes."""
        credentials = {"email": _EMAIL, "password": _PASSWORD}
        url = f"http://{HOST}:{self.port}/api/v1/auth/login"
        return str(httpx.post(url, json=credentials, trust_env=False, timeout=60).json()["access_token"])

    def api_bytes(self) -> int:
        """Memory of all API processes that is theirs alone, plus their share of the rest."""
        return sum(_bytes(process) for process in [self.api, *self.api.children(recursive=True)])

    def engine_bytes(self) -> int:
        """The same of the engine."""
        return _bytes(self.engine)

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time so far."""
        api = [self.api, *self.api.children(recursive=True)]
        return {"engine": _seconds(self.engine), "api": sum(map(_seconds, api))}


@contextmanager
def bench_site(home: Home, workers: int) -> Iterator[BenchSite]:
    """Engine and API on the installation in `home`, which has its champion; raises ServiceError when one ends."""
    _add_user(home)
    port = _free_port()
    with ExitStack() as stack:
        engine = stack.enter_context(_command(home, "engine"))
        _wait(engine, lambda: _listens(home), home)
        api = stack.enter_context(_command(home, "api", "--port", str(port), "--workers", str(workers)))
        url = f"http://{HOST}:{port}/api/v1"
        _wait(api, lambda: _healthy(url), home)
        yield BenchSite(psutil.Process(engine.pid), psutil.Process(api.pid), port)


@contextmanager
def _command(home: Home, *words: str) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {**os.environ, "RISK_HOME": str(home.root)}
    with (home.root / f"{words[0]}.log").open("wb") as log:
        command = [sys.executable, "-m", "risk_platform", *words]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603 # nosec B603
        try:
            yield process
        finally:
            process.terminate()
            process.wait(_STOP_SECONDS)


def _wait(process: "subprocess.Popen[bytes]", ready: Callable[[], bool], home: Home) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            logs = "".join((home.root / name).read_text()[-500:] for name in ("engine.log", "api.log"))
            raise ServiceError(f"The service did not start: {logs}")
        time.sleep(0.1)


def _listens(home: Home) -> bool:
    try:
        EngineClient(socket_path(home)).close()
    except ServiceError:
        return False
    return True


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _add_user(home: Home) -> None:
    database = open_database(database_url(None, home.root))
    bring_up_to_date(database)
    hashed, now = Passwords().hash(_PASSWORD), micros(datetime.now(UTC))
    Accounts(database).add(_EMAIL, hashed, Role.SERVICE, now, "benchmark")
    database.dispose()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _bytes(process: psutil.Process) -> int:
    return int(process.memory_full_info().pss)


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
