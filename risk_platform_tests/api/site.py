"""A real engine process and a real server before it, with one user of every role."""

import json
import multiprocessing
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import httpx
import uvicorn
from websockets.sync.client import ClientConnection, connect

from risk_platform.api.app import SERVER_OPTIONS, create_app
from risk_platform.api.limits import Rates
from risk_platform.api.passwords import Passwords
from risk_platform.home import prepare_home
from risk_platform.intake.events import micros
from risk_platform.intake.faults import VARIABLE, fault_point
from risk_platform.models.champion import crown
from risk_platform.operations.accounts import Accounts, Role
from risk_platform.operations.database import bring_up_to_date, database_url, open_database
from risk_platform.settings import Settings
from risk_platform_tests.decisions.small_model import train_small_model
from risk_platform_tests.intake.engine_process import start_engine
from risk_platform_tests.intake.events import payment

PASSWORD = "four quiet green herons"
GENEROUS = Rates(*["100000/second"] * 5)
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["risk_platform_tests.api.site"])
_START_SECONDS = 60
# The engine's clock is the real one.
_BEGAN = datetime.now(UTC) - timedelta(hours=3)


@dataclass
class Stream:
    """One listener."""

    socket: ClientConnection

    def next(self, seconds: float = 20) -> dict[str, Any]:
        """The next message but for health."""
        while True:
            message: dict[str, Any] = json.loads(self.socket.recv(seconds))
            if message["topics"] != ["health"]:
                return message

    def until(self, sequence: int) -> list[dict[str, Any]]:
        """The next messages up to that sequence."""
        found = [self.next()]
        while found[-1]["sequence"] < sequence:
            found.append(self.next())
        return found


@dataclass
class Site:
    """A running service; `client(role)` is signed in."""

    settings: Settings
    url: str
    clients: dict[Role, httpx.Client] = field(default_factory=dict)
    opened: list[httpx.Client] = field(default_factory=list)

    def client(self, role: Role) -> httpx.Client:
        """A client signed in as the user of that role."""
        if role not in self.clients:
            self.clients[role] = self.signed_in(address(role))
        return self.clients[role]

    def anonymous(self) -> httpx.Client:
        """A client that nobody signed in with."""
        self.opened.append(httpx.Client(base_url=self.url, timeout=60, trust_env=False))
        return self.opened[-1]

    @contextmanager
    def listening(self, role: Role, **wanted: Any) -> Iterator["Stream"]:
        """The live stream as the user of that role hears it."""
        ticket = self.client(role).post("/api/v1/auth/ticket").json()["ticket"]
        with connect(self.stream_address(ticket=ticket, **wanted), proxy=None, max_queue=None) as socket:
            yield Stream(socket)

    def stream_address(self, **wanted: Any) -> str:
        """Address of the live stream."""
        return f"{self.url.replace('http', 'ws', 1)}/ws/risk-stream?{urlencode(wanted)}"

    def close(self) -> None:
        """Close every client."""
        for client in self.opened:
            client.close()

    def signed_in(self, email: str) -> httpx.Client:
        """A client signed in with that address."""
        client = self.anonymous()
        answer = client.post("/api/v1/auth/login", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return client


def address(role: Role) -> str:
    """The address of the user of that role."""
    return f"{role.value.lower()}@example.com"


def recent(number: int, **changes: Any) -> dict[str, Any]:
    """The payment T<number>, made within an hour from three hours ago on."""
    return payment(number, event_time=(_BEGAN + timedelta(seconds=number % 3600)).isoformat()) | changes


def site_settings(home: Path) -> Settings:
    """The settings of an installation in `home`, whatever this machine's are."""
    return Settings(_env_file=None, home=home)  # type: ignore[call-arg]


def prepare_site(home: Path) -> Settings:
    """An installation with a small champion and a user of every role."""
    settings = site_settings(home)
    # With this anchor a large amount alone is enough for an alert.
    model = replace(train_small_model(date(2026, 3, 10)), anchor_log_odds=0.0)
    crown(prepare_home(settings).bundles, model, "1")
    database = open_database(database_url(None, home))
    bring_up_to_date(database)
    for role in Role:
        Accounts(database).add(address(role), Passwords().hash(PASSWORD), role, micros(_BEGAN), "test")
    database.dispose()
    return settings


class Server:
    """A server of the installation in a process of its own; `fault` is where it shall be killed."""

    def __init__(self, settings: Settings, rates: Rates, fault: str | None = None) -> None:
        self._settings, self._rates, self._fault = settings, rates, fault
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: BaseProcess | None = None

    def __enter__(self) -> Self:
        self.start(self._fault)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.join(30)

    def start(self, fault: str | None) -> None:
        """Start it, again if it ended, and wait until it answers."""
        self._process = _PROCESSES.Process(
            target=_serve, args=(self._settings, self._rates, self._port, fault)
        )
        self._process.start()
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(self.url):
            assert self._process.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.02)

    def was_killed(self) -> bool:
        """Whether it ended by SIGKILL."""
        assert self._process is not None
        self._process.join(30)
        return self._process.exitcode == -signal.SIGKILL


@contextmanager
def served(settings: Settings, rates: Rates) -> Iterator[str]:
    """The address of a server of the installation, in a process of its own."""
    with Server(settings, rates) as server:
        yield server.url


@contextmanager
def site(home: Path) -> Iterator[Site]:
    """A whole service: engine, server, users."""
    settings = prepare_site(home)
    engine = start_engine(settings, None, 1_000_000)
    try:
        with served(settings, GENEROUS) as url, closing(Site(settings, url)) as running:
            yield running
    finally:
        engine.terminate()
        engine.join(60)


def _serve(settings: Settings, rates: Rates, port: int, fault: str | None) -> None:
    reached = fault_point({} if fault is None else {VARIABLE: fault})
    app = create_app(settings, lambda: datetime.now(UTC), rates, reached)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", **SERVER_OPTIONS)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v1/health/live", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
