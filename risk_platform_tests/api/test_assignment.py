"""Whose an alert is: given to a colleague, found by them, given back, and to whom it cannot be given."""

from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
import sqlalchemy as sa

from risk_platform.operations.accounts import Accounts, Role
from risk_platform.operations.batch_alerts import raise_alerts
from risk_platform.operations.database import database_url, open_database
from risk_platform.operations.schema import AUDIT_DETAILS
from risk_platform_tests.api.site import Site, address, recent

ALERTS = "/api/v1/alerts"
_CHANNEL = "IMPS"


@pytest.fixture(scope="module")
def alerted(running: Site) -> list[int]:
    """Numbers of alerts of one channel, all open and nobody's."""
    numbers = range(3_000, 3_030)
    events = [recent(number, channel=_CHANNEL, amount_minor=9_000_000) for number in numbers]
    running.client(Role.SERVICE).post("/api/v1/transactions/batch", json={"transactions": events})
    page = running.client(Role.ANALYST).get(ALERTS, params={"channel": _CHANNEL, "limit": 500}).json()
    assert len(page["items"]) >= 9
    return [item["alert_id"] for item in page["items"]]


@pytest.fixture
def analyst(running: Site) -> str:
    """user_id of the Analyst."""
    return user_id(running, Role.ANALYST)


def user_id(running: Site, role: Role) -> str:
    return str(running.client(role).get("/api/v1/auth/me").json()["user_id"])


def assign(running: Site, number: int, assignee: str | None, role: Role = Role.ADMIN) -> httpx.Response:
    return running.client(role).post(f"{ALERTS}/{number}/assign", json={"assignee": assignee})


def numbers(running: Site, role: Role, **params: Any) -> list[int]:
    answer = running.client(role).get(ALERTS, params={"channel": _CHANNEL, "limit": 500, **params})
    assert answer.status_code == 200, answer.text
    return [item["alert_id"] for item in answer.json()["items"]]


def test_a_colleague_finds_what_was_given_to_them(running: Site, alerted: list[int], analyst: str) -> None:
    number = alerted[0]
    given = assign(running, number, address(Role.ANALYST)).json()
    assert (given["state"], given["assigned_to"]) == ("open", analyst)
    assert given["assignee_email"] == address(Role.ANALYST)
    assert assign(running, number, analyst).json() == given
    assert running.client(Role.ANALYST).get(f"{ALERTS}/{number}").json() == given
    for role, assignee in ((Role.ANALYST, "me"), (Role.ADMIN, analyst), (Role.ADMIN, address(Role.ANALYST))):
        assert number in numbers(running, role, assignee=assignee)
    assert number not in numbers(running, Role.ADMIN, assignee="me")
    assert number not in numbers(running, Role.ANALYST, assignee="none")
    taken = running.client(Role.ADMIN).post(f"{ALERTS}/{number}/acknowledge")
    assert (taken.status_code, taken.headers["content-type"]) == (409, "application/problem+json")
    assert running.client(Role.ANALYST).post(f"{ALERTS}/{number}/acknowledge").status_code == 200


def test_who_has_one_in_work_may_give_it_on_or_back(running: Site, alerted: list[int], analyst: str) -> None:
    number = alerted[1]
    running.client(Role.ANALYST).post(f"{ALERTS}/{number}/acknowledge")
    on = assign(running, number, address(Role.ADMIN), Role.ANALYST).json()
    assert (on["state"], on["assigned_to"]) == ("open", user_id(running, Role.ADMIN))
    back = assign(running, number, None).json()
    assert (back["state"], back["assigned_to"], back["assignee_email"]) == ("open", None, None)
    assert number in numbers(running, Role.ANALYST, assignee="none", state="open")


def test_a_resolved_alert_is_not_given_to_anybody(running: Site, alerted: list[int]) -> None:
    running.client(Role.ANALYST).post(f"{ALERTS}/{alerted[2]}/resolve", json={"is_fraud": False})
    for assignee in (address(Role.ADMIN), None, "nobody@example.com"):
        answer = assign(running, alerted[2], assignee)
        assert answer.status_code == 409
        assert answer.json()["detail"] == "The alert is resolved already; nobody has to work on it."


@pytest.mark.parametrize(
    ("assignee", "sentence"),
    [
        ("viewer@example.com", "viewer@example.com is Viewer and may not work on alerts"),
        ("compliance@example.com", "compliance@example.com is Compliance and may not work on alerts"),
        ("service@example.com", "service@example.com is Service and may not work on alerts"),
        ("stranger@example.com", "There is no such user"),
        ("0123", "There is no such user"),
        ("left@example.com", "The account of left@example.com is disabled"),
        ("waits@example.com", "The account of waits@example.com is pending"),
        ("", "assignee"),
        ("a\x00b", "assignee"),
    ],
)
def test_work_is_only_given_to_who_may_do_it(
    running: Site, alerted: list[int], outsiders: None, assignee: str, sentence: str
) -> None:
    answer = assign(running, alerted[3], assignee)
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
    assert "assignee" in answer.json()["field"]
    assert alerted[3] in numbers(running, Role.ADMIN, assignee="none")


@pytest.fixture(scope="module")
def outsiders(running: Site) -> Iterator[None]:
    """An Analyst who was shut out, and somebody whom no Admin approved yet."""
    database = open_database(database_url(None, running.settings.home))
    accounts = Accounts(database)
    accounts.disable(accounts.add("left@example.com", "hash", Role.ANALYST, 0, "test").user_id, 1, "test")
    waits = accounts.add("waits@example.com", "hash", None, 0, "test")
    yield
    accounts.disable(waits.user_id, 1, "test")
    database.dispose()


def test_an_assignment_says_to_whom(running: Site, alerted: list[int]) -> None:
    client = running.client(Role.ADMIN)
    assert client.post(f"{ALERTS}/{alerted[3]}/assign", json={}).json()["field"] == "assignee"
    assert client.post(f"{ALERTS}/987654321/assign", json={"assignee": None}).status_code == 404
    assert client.get(f"{ALERTS}/987654321").status_code == 404


def test_those_who_may_be_asked_are_listed_with_nothing_more(running: Site, outsiders: None) -> None:
    found: list[dict[str, str]] = []
    params: dict[str, Any] = {"limit": 1}
    while True:
        page = running.client(Role.ANALYST).get(f"{ALERTS}/assignees", params=params).json()
        found += page["items"]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert {frozenset(each) for each in found} == {frozenset({"user_id", "email"})}
    addresses = [each["email"] for each in found]
    assert addresses == sorted(addresses)
    assert {address(Role.ADMIN), address(Role.ANALYST)} <= set(addresses)
    others = {address(role) for role in (Role.VIEWER, Role.COMPLIANCE, Role.SERVICE)}
    assert not {"left@example.com", "waits@example.com", *others} & set(addresses)


def test_a_viewer_sees_whose_they_are_but_no_address(running: Site, alerted: list[int], analyst: str) -> None:
    assign(running, alerted[4], analyst)
    viewer = running.client(Role.VIEWER)
    seen = viewer.get(f"{ALERTS}/{alerted[4]}").json()
    assert (seen["assigned_to"], seen["assignee_email"]) == (analyst, None)
    assert alerted[4] in numbers(running, Role.VIEWER, assignee=analyst)
    assert viewer.get(ALERTS, params={"assignee": address(Role.ANALYST)}).status_code == 403
    assert {each["assignee_email"] for each in viewer.get(f"{ALERTS}/stats").json()["assignees"]} == {None}


def test_the_numbers_say_who_has_what(running: Site, alerted: list[int], analyst: str) -> None:
    client = running.client(Role.ADMIN)

    def counts() -> dict[str | None, dict[str, Any]]:
        stats = client.get(f"{ALERTS}/stats").json()
        whole = {state: sum(each[state] for each in stats["assignees"]) for state in stats["states"]}
        assert whole == stats["states"]
        return {each["assigned_to"]: each for each in stats["assignees"]}

    before = counts()
    assign(running, alerted[5], analyst)
    after = counts()
    assert after[analyst]["open"] == before[analyst]["open"] + 1
    assert after[None]["open"] == before[None]["open"] - 1
    assert after[analyst]["assignee_email"] == address(Role.ANALYST)


def test_an_assignment_stands_in_the_audit_log_by_pseudonyms_alone(
    running: Site, alerted: list[int], analyst: str
) -> None:
    assign(running, alerted[6], address(Role.ANALYST))
    assign(running, alerted[6], address(Role.ANALYST))
    page = running.client(Role.COMPLIANCE).get("/api/v1/audit/logs", params={"limit": 20})
    [leaf] = [
        item
        for item in page.json()["items"]
        if item["entry"].get("action") == "alert_assigned" and item["entry"]["subject"] == str(alerted[6])
    ]
    assert leaf["entry"]["actor"] == user_id(running, Role.ADMIN)
    assert "example.com" not in page.text
    database = open_database(database_url(None, running.settings.home))
    with database.connect() as connection:
        kept = sa.select(AUDIT_DETAILS.c.details).where(AUDIT_DETAILS.c.position == leaf["position"])
        assert orjson.loads(connection.execute(kept).scalar_one()) == {"assigned_to": analyst}
    database.dispose()


def test_an_assignment_with_a_key_is_made_once(running: Site, alerted: list[int], analyst: str) -> None:
    client, path = running.client(Role.ADMIN), f"{ALERTS}/{alerted[7]}/assign"
    headers = {"Idempotency-Key": "hand-over-1"}
    first = client.post(path, json={"assignee": analyst}, headers=headers)
    client.post(path, json={"assignee": None})
    again = client.post(path, json={"assignee": analyst}, headers=headers)
    assert (again.headers["Idempotent-Replayed"], again.content) == ("true", first.content)
    assert client.get(f"{ALERTS}/{alerted[7]}").json()["assigned_to"] is None
    assert client.post(path, json={"assignee": None}, headers=headers).status_code == 422


def test_alerts_of_history_are_worked_on_by_their_numbers_below_zero(running: Site, analyst: str) -> None:
    """A regression: every number below one was refused."""
    database = open_database(database_url(None, running.settings.home))
    named = {"source": "bank", "transaction_id": "OLD-1", "decision_id": "history-1"}
    judged = {"probability": 0.9, "score": 0.9, "level": "HIGH", "advice": "hold"}
    about = {"customer_id": "C9", "amount_minor": 100, "currency": "INR", "channel": "NEFT"}
    assert raise_alerts(database, [named | judged | about], 1_780_000_000_000_000) == 1
    database.dispose()
    [alert] = running.client(Role.ANALYST).get(ALERTS, params={"channel": "NEFT"}).json()["items"]
    assert alert["alert_id"] < 0
    assert assign(running, alert["alert_id"], analyst).json()["assigned_to"] == analyst
    client = running.client(Role.ANALYST)
    assert client.post(f"{ALERTS}/{alert['alert_id']}/acknowledge").json()["state"] == "acknowledged"
    resolved = client.post(f"{ALERTS}/{alert['alert_id']}/resolve", json={"is_fraud": True})
    assert resolved.json()["state"] == "resolved", resolved.text


def test_the_document_shows_how_to_assign(running: Site) -> None:
    document = running.anonymous().get("/openapi.json").json()
    shown = document["components"]["schemas"]["Assignment"]["properties"]["assignee"]["examples"]
    assert shown == ["asha@example.com", None]
    assert {"get"} == set(document["paths"]["/api/v1/alerts/assignees"])
    assert "/api/v1/alerts/{alert_id}/assign" in document["paths"]
