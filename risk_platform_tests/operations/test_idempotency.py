"""Keys of requests: one is first, the others wait for its answer or get it."""

import multiprocessing
import time
from pathlib import Path

import pytest

from risk_platform.operations.database import bring_up_to_date, database_url, open_database
from risk_platform.operations.idempotency import (
    KEPT_DAYS,
    IdempotencyKeys,
    InFlightError,
    KeptAnswer,
    OtherRequestError,
)
from risk_platform.operations.workers import Worker

NOW, SECOND = 1_780_000_000_000_000, 1_000_000


def test_a_key_is_claimed_answered_and_forgotten(tmp_path: Path) -> None:
    database = open_database(database_url(None, tmp_path))
    bring_up_to_date(database)
    worker, answer = Worker(tmp_path / "workers"), KeptAnswer(201, b'{"ok":true}')
    keys = IdempotencyKeys(database, worker)
    assert keys.claim("u1", "k", "a", NOW) is None
    with pytest.raises(InFlightError):
        keys.claim("u1", "k", "a", NOW + SECOND)
    assert keys.claim("u2", "k", "a", NOW) is None
    # Whoever claimed it takes longer than any request does.
    assert keys.claim("u1", "k", "a", NOW + 60 * SECOND) is None
    with pytest.raises(InFlightError):
        keys.claim("u1", "k", "a", NOW + 61 * SECOND)
    keys.keep("u1", "k", answer)
    assert keys.claim("u1", "k", "a", NOW + 62 * SECOND) == answer
    with pytest.raises(OtherRequestError):
        keys.claim("u1", "k", "b", NOW + 62 * SECOND)
    keys.release("u2", "k")
    assert keys.claim("u2", "k", "other", NOW) is None
    assert keys.claim("u1", "k", "b", NOW + (KEPT_DAYS + 1) * 86_400 * SECOND) is None
    worker.close()
    database.dispose()


def test_a_claim_goes_with_its_worker(tmp_path: Path) -> None:
    database = open_database(database_url(None, tmp_path))
    bring_up_to_date(database)
    first, second = (Worker(tmp_path / "workers") for _ in range(2))
    assert IdempotencyKeys(database, first).claim("u1", "k", "a", NOW) is None
    keys = IdempotencyKeys(database, second)
    with pytest.raises(InFlightError):
        keys.claim("u1", "k", "a", NOW)
    first.close()
    assert keys.claim("u1", "k", "a", NOW) is None
    with pytest.raises(InFlightError):
        keys.claim("u1", "k", "a", NOW)
    second.close()
    database.dispose()


def test_a_worker_that_was_killed_is_gone(tmp_path: Path) -> None:
    here, there = Worker(tmp_path), multiprocessing.get_context("spawn")
    names = there.SimpleQueue()
    killed = there.Process(target=_waiting_worker, args=(tmp_path, names))
    killed.start()
    name = names.get()
    assert not here.is_gone(name)
    killed.kill()
    killed.join()
    assert here.is_gone(name)
    assert not here.is_gone(here.name)
    here.close()


def _waiting_worker(folder: Path, names: "multiprocessing.SimpleQueue[str]") -> None:
    names.put(Worker(folder).name)
    time.sleep(600)
