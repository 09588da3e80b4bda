"""Whatever the OpenAPI document allows, and much that it does not: never a 500, always a problem that says why."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from risk_platform.operations.accounts import Role
from risk_platform_tests.api.site import Site, address, site

# Who logs out ends the session that all others are made with.
_LOGOUT = "POST /api/v1/auth/logout"
# The engine may be behind; that is told, and passes.
_BUSY = 503
_FEW, _MANY = 8, 250
Operation = APIOperation[Any, Any, Any, Any]


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service of its own: users are shut out of it and its model is switched off."""
    with site(tmp_path_factory.mktemp("fuzzed") / "home") as started:
        yield started


def operations(fuzzed: Site) -> Iterator[Operation]:
    document = fuzzed.anonymous().get("/openapi.json").json()
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        assert isinstance(result, Ok), result
        yield result.ok()


def statuses(fuzzed: Site, operation: Operation, mode: GenerationMode, examples: int) -> Counter[int]:
    """What an operation answers to so many examples of what it allows, or does not."""
    label, found = f"{operation.method.upper()} {operation.path}", Counter[int]()
    client = fuzzed.signed_in(address(Role.ADMIN)) if label == _LOGOUT else fuzzed.client(Role.ADMIN)
    headers = {"Authorization": client.headers["Authorization"]}
    session = requests.Session()
    session.trust_env = False

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Case[Any]) -> None:
        answer = case.call(base_url=fuzzed.url, session=session, headers=headers, timeout=60)
        found[answer.status_code] += 1
        assert answer.status_code < 500 or answer.status_code == _BUSY, f"{label}: {answer.text}"
        if answer.status_code >= 400 and "/health" not in label:
            assert answer.headers["content-type"] == ["application/problem+json"], label

    call()
    session.close()
    return found


def fuzz(fuzzed: Site, examples: int) -> dict[str, Counter[int]]:
    """Statuses of every operation."""
    return {
        f"{operation.method.upper()} {operation.path} {mode.value}": statuses(
            fuzzed, operation, mode, examples
        )
        for operation in operations(fuzzed)
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or operation.body or operation.query or operation.path_parameters
    }


def test_no_call_of_any_kind_fails(fuzzed: Site) -> None:
    found = fuzz(fuzzed, _FEW)
    assert len(found) >= 40
    assert found["POST /api/v1/transactions negative"].keys() <= {400, 401, 415, 422, 413}
    assert fuzzed.anonymous().get("/api/v1/health").status_code == 200


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_no_call_of_many_fails(fuzzed: Site) -> None:
    found = fuzz(fuzzed, _MANY)
    assert sum(sum(each.values()) for each in found.values()) > 5_000
    assert fuzzed.anonymous().get("/api/v1/health").status_code == 200
