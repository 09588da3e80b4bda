"""Keys of requests: one is first, the others wait for its answer or get it."""

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

NOW, SECOND = 1_780_000_000_000_000, 1_000_000


def test_a_key_is_claimed_answered_and_forgotten(tmp_path: Path) -> None:
    database = open_database(database_url(None, tmp_path))
    bring_up_to_date(database)
    keys, answer = IdempotencyKeys(database), KeptAnswer(201, b'{"ok":true}')
    assert keys.claim("u1", "k", "a", NOW) is None
    with pytest.raises(InFlightError):
        keys.claim("u1", "k", "a", NOW + SECOND)
    assert keys.claim("u2", "k", "a", NOW) is None
    # Whoever claimed it has died.
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
    database.dispose()
