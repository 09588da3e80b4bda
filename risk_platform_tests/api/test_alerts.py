"""The alert queue: once per decision, ordered by what is at stake, resolved into judgements."""

from typing import Any

import orjson
import pytest

from risk_platform.operations.accounts import Role
from risk_platform.operations.database import database_url
from risk_platform.operations.store import Store
from risk_platform_tests.api.site import Site, recent

BATCH, ALERTS = "/api/v1/transactions/batch", "/api/v1/alerts"


@pytest.fixture(scope="module")
def alerted(running: Site) -> list[dict[str, Any]]:
    """Alerts on payments of the channel RTGS, in the order of the queue."""
    events = [
        recent(number, channel="RTGS", amount_minor=9_000_000 + number * 1_000)
        for number in range(2_000, 2_040)
    ]
    client = running.client(Role.SERVICE)
    answer = client.post(BATCH, json={"transactions": events}).json()
    client.post(BATCH, json={"transactions": events})
    raised = {item["transaction_id"] for item in answer["results"] if item["alerted"]}
    assert len(raised) > 10
    items: list[dict[str, Any]] = []
    params: dict[str, Any] = {"channel": "RTGS", "limit": 4}
    while True:
        page = running.client(Role.ANALYST).get(ALERTS, params=params).json()
        items += page["items"]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert sorted(item["transaction_id"] for item in items) == sorted(raised)
    return items


def act(running: Site, alert: dict[str, Any], what: str, role: Role = Role.ANALYST, **body: Any) -> Any:
    return running.client(role).post(f"{ALERTS}/{alert['alert_id']}/{what}", json=body)


def test_the_queue_begins_with_the_greatest_expected_loss(alerted: list[dict[str, Any]]) -> None:
    losses = [alert["expected_loss"] for alert in alerted]
    assert losses == sorted(losses, reverse=True)
    first = alerted[0]
    assert first["expected_loss"] == pytest.approx(first["probability"] * first["amount_minor"])
    of_customer = [alert for alert in alerted if alert["customer_id"] == first["customer_id"]]
    assert first["unresolved_of_customer"] >= len(of_customer)


def test_an_alert_is_taken_by_one_at_a_time(running: Site, alerted: list[dict[str, Any]]) -> None:
    alert = alerted[1]
    taken = act(running, alert, "acknowledge").json()
    assert taken["state"] == "acknowledged"
    assert act(running, alert, "acknowledge").json() == taken
    assert act(running, alert, "acknowledge", Role.ADMIN).status_code == 409
    assert act(running, alert, "resolve", Role.ADMIN, is_fraud=True).status_code == 409
    over = act(running, alert, "acknowledge", Role.ADMIN, take_over=True).json()
    assert over["assigned_to"] != taken["assigned_to"]
    assert act(running, alert, "resolve", Role.ADMIN, is_fraud=True).status_code == 200


def test_a_resolved_alert_is_a_judgement_once(running: Site, alerted: list[dict[str, Any]]) -> None:
    alert = alerted[2]
    told = [act(running, alert, "resolve", is_fraud=False, note="the customer called back") for _ in range(2)]
    assert told[0].status_code == 200
    assert told[0].json() == told[1].json()
    assert (told[0].json()["state"], told[0].json()["is_fraud"]) == ("resolved", False)
    assert act(running, alert, "resolve", is_fraud=True).status_code == 409
    assert act(running, alert, "acknowledge").status_code == 409
    store = Store.open(database_url(None, running.settings.home))
    judgements = [
        orjson.loads(line)
        for run in store.runs()
        if run.kind == "judgement"
        for line in run.bodies.split(b"\n")
    ]
    store.close()
    mine = [item for item in judgements if item["transaction_id"] == alert["transaction_id"]]
    assert [(item["is_fraud"], item["judged_by"]) for item in mine] == [(False, "analyst")]


def test_numbers_say_what_became_of_them(running: Site, alerted: list[dict[str, Any]]) -> None:
    act(running, alerted[3], "resolve", is_fraud=True)
    told = running.client(Role.VIEWER).get(f"{ALERTS}/stats").json()
    assert sum(told["states"].values()) == sum(told["levels"].values()) == sum(told["verdicts"].values())
    assert told["verdicts"]["true_positive"] >= 1
    waiting = running.client(Role.VIEWER).get(ALERTS, params={"state": "resolved", "channel": "RTGS"}).json()
    assert all(item["state"] == "resolved" for item in waiting["items"])
    assert waiting["items"]


def test_an_alert_that_is_none_is_not_found(running: Site) -> None:
    client = running.client(Role.ANALYST)
    assert client.post(f"{ALERTS}/987654321/acknowledge").status_code == 404
    assert client.post(f"{ALERTS}/987654321/resolve", json={"is_fraud": True}).status_code == 404
    assert client.post(f"{ALERTS}/x/acknowledge").status_code == 422
