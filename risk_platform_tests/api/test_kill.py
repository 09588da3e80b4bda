"""kill -9 of the API at seeded points: nothing acknowledged is lost, nothing counts twice, keys answer as before."""

import random
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from risk_platform.intake.faults import API_POINTS
from risk_platform.operations.accounts import Role
from risk_platform_tests.api.site import GENEROUS, Server, Site, prepare_site, recent, site_settings
from risk_platform_tests.intake.engine_process import start_engine, stored_decisions

_PAYMENTS, _MOST_TRIES = 24, 600
ONE = "/api/v1/transactions"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation that has never decided anything."""
    home = tmp_path_factory.mktemp("prepared") / "home"
    prepare_site(home)
    return home


class Sender:
    """A payment system that sends until it is answered, with the same key each time."""

    def __init__(self, server: Server, site: Site) -> None:
        self._server, self._site = server, site
        self.client = site.client(Role.SERVICE)
        self.kills = 0

    def send(self, payment: dict[str, Any]) -> tuple[int, bytes]:
        """Status and body of the first answer that says what became of the payment."""
        headers = {"Idempotency-Key": payment["transaction_id"]}
        for _ in range(_MOST_TRIES):
            try:
                answer = self.client.post(ONE, json=payment, headers=headers)
            except httpx.TransportError:
                assert self._server.was_killed()
                self.kills += 1
                self._server.start(None)
                continue
            if answer.status_code in (200, 201):
                return answer.status_code, answer.content
            assert answer.status_code in (409, 503), answer.text
            time.sleep(0.05)
        raise AssertionError("never answered")


def killed_run(seed: int, home: Path) -> None:
    """Payments sent through an API that is killed where the seed says."""
    choice = random.Random(seed)
    fault = f"{API_POINTS[seed % len(API_POINTS)]}:{choice.randint(1, _PAYMENTS)}"
    settings = site_settings(home)
    engine = start_engine(settings, None, 1_000_000)
    try:
        with Server(settings, GENEROUS, fault) as server, closing(Site(settings, server.url)) as site:
            sender = Sender(server, site)
            payments = [recent(seed * 100 + number) for number in range(_PAYMENTS)]
            answers = [sender.send(payment) for payment in payments]
            again = [sender.send(payment) for payment in payments]
        assert sender.kills == 1, fault
        assert [body for _, body in again] == [body for _, body in answers], fault
        assert [status for status, _ in again] == [status for status, _ in answers]
    finally:
        engine.terminate()
        engine.join(60)
    decisions = stored_decisions(settings.home)
    assert set(decisions) == {payment["transaction_id"] for payment in payments}
    told = [httpx.Response(200, content=body).json() for _, body in answers]
    assert {each["decision_id"] for each in told} == {row["decision_id"] for row in decisions.values()}
    assert len({each["sequence"] for each in told}) == _PAYMENTS


@pytest.fixture
def home(prepared: Path, tmp_path: Path) -> Iterator[Path]:
    copy = tmp_path / "home"
    shutil.copytree(prepared, copy)
    yield copy
    shutil.rmtree(copy)


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_api_loses_nothing_and_repeats_nothing(seed: int, home: Path) -> None:
    killed_run(seed, home)
    assert not any((home / "work" / "api-workers").iterdir())


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_fifty_killed_apis_lose_nothing(prepared: Path, tmp_path: Path) -> None:
    for seed in range(100, 150):
        home = tmp_path / f"{seed}"
        shutil.copytree(prepared, home)
        killed_run(seed, home)
        assert len(stored_decisions(home)) == _PAYMENTS
        shutil.rmtree(home)
