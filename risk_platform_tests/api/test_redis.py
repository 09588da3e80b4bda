"""Two API workers before a real Redis: one stream, one count of requests, and what happens when Redis goes."""

import dataclasses
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from risk_platform.operations.accounts import Role
from risk_platform_tests.api.site import GENEROUS, Site, address, prepare_site, recent, served
from risk_platform_tests.intake.engine_process import start_engine
from risk_platform_tests.services import require_service

ONE = "/api/v1/transactions"
_STREAM_SECONDS = 10


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    require_service("redis")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    yield process, f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def workers(
    redis: tuple["subprocess.Popen[bytes]", str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Site]]:
    home: Path = tmp_path_factory.mktemp("shared") / "home"
    settings = prepare_site(home).model_copy(update={"redis_url": redis[1]})
    rates = dataclasses.replace(GENEROUS, requests="20/minute")
    engine = start_engine(settings, None, 1_000_000)
    try:
        with (
            served(settings, rates) as first,
            served(settings, rates) as second,
            closing(Site(settings, first)) as one,
            closing(Site(settings, second)) as other,
        ):
            yield [one, other]
    finally:
        engine.terminate()
        engine.join(60)


def test_what_one_worker_takes_in_is_heard_at_the_other(workers: list[Site]) -> None:
    one, other = workers
    with other.listening(Role.COMPLIANCE, topics="decisions") as stream:
        stream.next()
        sent = [one.client(Role.SERVICE).post(ONE, json=recent(number)).json() for number in range(5)]
        heard = stream.until(sent[-1]["sequence"])
    assert [message["sequence"] for message in heard] == [each["sequence"] for each in sent]


def test_workers_count_requests_together_and_each_alone_without_redis(
    workers: list[Site], redis: tuple["subprocess.Popen[bytes]", str]
) -> None:
    one, other = workers
    clients = [one.signed_in(address(Role.VIEWER)), other.signed_in(address(Role.VIEWER))]

    def asked(client: httpx.Client) -> int:
        return client.get("/api/v1/auth/me").status_code

    assert [asked(clients[number % 2]) for number in range(20)] == [200] * 20
    assert [asked(client) for client in clients] == [429, 429]
    health = one.anonymous().get("/api/v1/health").json()
    assert (health["status"], health["warnings"]) == ("healthy", [])
    with other.listening(Role.ADMIN, topics="decisions") as stream:
        stream.next()
        redis[0].terminate()
        redis[0].wait()
        assert [asked(client) for client in clients] == [200, 200]
        told = one.anonymous().get("/api/v1/health").json()
        assert told["status"] == "healthy"
        assert "counts requests for itself" in told["warnings"][0]
        began = time.monotonic()
        answer = one.client(Role.SERVICE).post(ONE, json=recent(100)).json()
        assert stream.next()["sequence"] == answer["sequence"]
        assert time.monotonic() - began < _STREAM_SECONDS
