"""Payments over HTTP: decided, durable, answered once, refused by field."""

from typing import Any

import pytest

from risk_platform.operations.accounts import Role
from risk_platform.operations.database import database_url
from risk_platform.operations.store import Store
from risk_platform_tests.api.site import Site, recent

ONE, BATCH = "/api/v1/transactions", "/api/v1/transactions/batch"


def stored_tail(site: Site) -> int:
    store = Store.open(database_url(None, site.settings.home))
    tail = store.tail().sequence
    store.close()
    return tail


def test_a_payment_is_answered_with_its_decision_when_it_is_durable(running: Site) -> None:
    answer = running.client(Role.SERVICE).post(ONE, json=recent(1))
    assert answer.status_code == 201
    decision = answer.json()
    assert (decision["status"], decision["source"], decision["transaction_id"]) == ("accepted", "upi", "T1")
    store = Store.open(database_url(None, running.settings.home))
    row = store.decision_at(decision["sequence"]).to_pylist()[0]
    store.close()
    assert {name: row[name] for name in decision if name != "status"} | {"status": "accepted"} == decision


def test_the_same_payment_again_is_a_duplicate_and_another_one_a_conflict(running: Site) -> None:
    client = running.client(Role.SERVICE)
    first = client.post(ONE, json=recent(2))
    again = client.post(ONE, json=recent(2))
    other = client.post(ONE, json=recent(2, amount_minor=77))
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert again.json() == first.json() | {"status": "duplicate"}
    assert other.json()["field"] == "transaction_id"


@pytest.mark.parametrize(
    ("amount", "minor"), [("1499.00", 149_900), ("0.05", 5), ("12", 1_200), ("7.5", 750)]
)
def test_an_amount_in_major_units_is_exact(running: Site, amount: str, minor: int) -> None:
    event = recent(10 + minor, amount=amount)
    del event["amount_minor"]
    client = running.client(Role.SERVICE)
    assert client.post(ONE, json=event).status_code == 201
    stored = running.client(Role.ANALYST).get(f"/api/v1/risk/upi:{event['transaction_id']}").json()
    assert stored["amount_minor"] == minor
    assert client.post(ONE, json=recent(10 + minor, amount_minor=minor)).json()["status"] == "duplicate"


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "amount as a number": ({"amount": 12.5, "amount_minor": None}, "amount"),
    "amount with too many places": ({"amount": "1.005", "amount_minor": None}, "amount"),
    "amount that is no number": ({"amount": "NaN", "amount_minor": None}, "amount"),
    "amount in words": ({"amount": "twelve", "amount_minor": None}, "amount"),
    "both amounts": ({"amount": "12.50"}, "amount"),
    "amount of an unknown currency": ({"amount": "1", "amount_minor": None, "currency": "XXX"}, "currency"),
    "unknown currency": ({"currency": "XXX"}, "currency"),
    "no customer": ({"customer_id": None}, "customer_id"),
    "minor amount as text": ({"amount_minor": "12"}, "amount_minor"),
    "list for a name": ({"customer_id": ["C1"]}, "customer_id"),
    "far future": ({"event_time": "2099-06-03T12:00:00Z"}, "event_time"),
    "very old": ({"event_time": "1999-06-03T12:00:00Z"}, "event_time"),
    "no offset": ({"event_time": "2026-06-03T12:00:00"}, "event_time"),
    "unknown channel": ({"channel": "PIGEON"}, "channel"),
    "free text": ({"memo": "rent for may"}, "memo"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_payment_is_refused_by_its_field_and_nothing_is_stored(running: Site, name: str) -> None:
    changes, field = BAD[name]
    before = stored_tail(running)
    answer = running.client(Role.SERVICE).post(ONE, json=recent(500, **changes))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["field"], answer.json()["status"]) == (field, 422)
    assert stored_tail(running) == before


MALFORMED: dict[str, tuple[bytes, str, int]] = {
    "no JSON": (b"{", "application/json", 400),
    "NaN": (b'{"latitude": NaN}', "application/json", 400),
    "a list": (b"[]", "application/json", 400),
    "empty": (b"", "application/json", 400),
    "no UTF-8": (b'{"a": "\xff"}', "application/json", 400),
    "half a character": (b'{"customer_id": "\\ud800"}', "application/json", 400),
    "deeply nested": (b"[" * 100_000, "application/json", 400),
    "a form": (b"a=1", "application/x-www-form-urlencoded", 415),
    "too large": (b'{"city": "' + b"x" * (1 << 20) + b'"}', "application/json", 413),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_body_is_refused(running: Site, name: str) -> None:
    content, kind, status = MALFORMED[name]
    answer = running.client(Role.SERVICE).post(ONE, content=content, headers={"Content-Type": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_a_batch_answers_every_row(running: Site) -> None:
    batch = [recent(600), recent(601, currency="XXX"), {"amount": "x"}, recent(600), recent(602, amount=5)]
    answer = running.client(Role.SERVICE).post(BATCH, json={"transactions": batch})
    assert answer.status_code == 200
    told = answer.json()
    assert [item["status"] for item in told["results"]] == [
        "accepted", "refused", "refused", "duplicate", "refused",
    ]  # fmt: skip
    assert (told["accepted"], told["duplicates"], told["refused"]) == (1, 1, 3)
    assert told["results"][0]["transaction_id"] == "T600"
    assert [told["results"][at]["column"] for at in (1, 4)] == ["currency", "amount"]


@pytest.mark.parametrize(
    "body", [{}, {"transactions": []}, {"transactions": [1]}, {"transactions": [], "more": 1}]
)
def test_a_batch_that_is_none_is_refused(running: Site, body: dict[str, Any]) -> None:
    answer = running.client(Role.SERVICE).post(BATCH, json=body)
    assert answer.status_code == 422
    assert answer.json()["field"].startswith("transactions")


def test_ten_thousand_payments_are_a_batch_and_one_more_is_not(running: Site) -> None:
    client = running.client(Role.SERVICE)
    batch = [recent(number) for number in range(20_000, 30_001)]
    assert client.post(BATCH, json={"transactions": batch}).status_code == 422
    answer = client.post(BATCH, json={"transactions": batch[:10_000]}, timeout=120)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 10_000)


def test_an_idempotency_key_answers_the_same_request_the_same_way(running: Site) -> None:
    client = running.client(Role.SERVICE)
    headers = {"Idempotency-Key": "order-1"}
    first = client.post(ONE, json=recent(700), headers=headers)
    again = client.post(ONE, json=recent(700), headers=headers)
    other = client.post(ONE, json=recent(701), headers=headers)
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers


def test_a_refused_request_leaves_its_key_free(running: Site) -> None:
    client = running.client(Role.SERVICE)
    headers = {"Idempotency-Key": "order-2"}
    assert client.post(ONE, json=recent(702, currency="XXX"), headers=headers).status_code == 422
    assert client.post(ONE, json=recent(702), headers=headers).status_code == 201


@pytest.mark.parametrize("key", ["a b", "x" * 201, "é"])
def test_a_key_that_is_none_is_refused(running: Site, key: str) -> None:
    headers = {"Idempotency-Key": key.encode()}
    answer = running.client(Role.SERVICE).post(ONE, json=recent(703), headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 422


def test_judgements_and_outcomes_are_taken_once(running: Site) -> None:
    running.client(Role.SERVICE).post(ONE, json=recent(800))
    outcome = {"source": "upi", "transaction_id": "T800", "outcome": "declined"}
    judgement = {"source": "upi", "transaction_id": "T800", "is_fraud": True, "judged_by": "analyst"}
    for path, body, role in (
        ("outcomes", outcome, Role.SERVICE),
        ("judgements", judgement, Role.ANALYST),
    ):
        client = running.client(role)
        told = [client.post(f"/api/v1/{path}", json=body) for _ in range(2)]
        assert [answer.status_code for answer in told] == [201, 200]
        assert told[0].json()["sequence"] == told[1].json()["sequence"]
    refused = running.client(Role.ANALYST).post("/api/v1/judgements", json=judgement | {"is_fraud": "yes"})
    assert (refused.status_code, refused.json()["field"]) == (422, "is_fraud")
