"""Reading: the newest payments, the past page by page, numbers, words, probes and documents."""

import re
from contextlib import closing

import pytest

from risk_platform.operations.accounts import Role
from risk_platform_tests.api.site import GENEROUS, Site, prepare_site, recent, served

BATCH = "/api/v1/transactions/batch"


@pytest.fixture(scope="module")
def sent(running: Site) -> list[str]:
    """Identifiers of forty payments of their own channel, in the order they were decided."""
    events = [recent(number, channel="NEFT") for number in range(1_000, 1_040)]
    answer = running.client(Role.SERVICE).post(BATCH, json={"transactions": events})
    assert answer.json()["accepted"] == 40
    return [event["transaction_id"] for event in events]


def test_the_newest_payments_come_first(running: Site, sent: list[str]) -> None:
    running.client(Role.SERVICE).post("/api/v1/transactions", json=recent(1_100))
    page = running.client(Role.VIEWER).get("/api/v1/risk/live", params={"limit": 5}).json()
    assert page["items"][0]["transaction_id"] == "T1100"
    sequences = [item["sequence"] for item in page["items"]]
    assert sequences == sorted(sequences, reverse=True)


def test_history_goes_back_page_by_page_and_filters(running: Site, sent: list[str]) -> None:
    client, found = running.client(Role.ANALYST), []
    params = {"limit": "7", "channel": "NEFT"}
    while True:
        page = client.get("/api/v1/risk/history", params=params).json()
        found += [item["transaction_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        params["cursor"] = cursor
    assert found == sent[::-1]
    one = client.get("/api/v1/risk/history", params={"channel": "NEFT", "customer_id": "C0"}).json()["items"]
    assert {item["customer_id"] for item in one} == {"C0"}
    later = {"channel": "NEFT", "from": "2099-01-01T00:00:00Z"}
    assert client.get("/api/v1/risk/history", params=later).json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "WzEsMl0"}, "cursor"),
        ({"from": "2026-01-01T00:00:00"}, "from"),
        ({"limit": "0"}, "limit"),
        ({"level": "HUGE"}, "level"),
    ],
)
def test_a_wrong_question_is_refused_by_its_field(running: Site, params: dict[str, str], field: str) -> None:
    answer = running.client(Role.ANALYST).get("/api/v1/risk/history", params=params)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_numbers_add_up(running: Site, sent: list[str]) -> None:
    told = running.client(Role.VIEWER).get("/api/v1/risk/stats", params={"last": 41}).json()
    assert told["payments"] == sum(told["levels"].values()) == sum(told["advice"].values()) == 41
    assert sum(told["channels"].values()) == 41


def test_a_payment_is_found_by_its_name_alone_or_with_its_source(running: Site, sent: list[str]) -> None:
    client = running.client(Role.ANALYST)
    evidence = client.get(f"/api/v1/risk/{sent[0]}").json()
    assert evidence == client.get(f"/api/v1/risk/upi:{sent[0]}").json()
    assert len(evidence["feature_values"]) == 2
    assert client.get("/api/v1/risk/card:T1000").status_code == 404
    running.client(Role.SERVICE).post("/api/v1/transactions", json=recent(1_000, source="card"))
    assert client.get("/api/v1/risk/T1000").status_code == 409
    assert client.get("/api/v1/risk/card:T1000").json()["source"] == "card"


def test_a_decision_is_told_in_words_that_add_up(running: Site, sent: list[str]) -> None:
    client = running.client(Role.ANALYST)
    for name in ("upi:T1009", "upi:T1001"):
        told = client.post("/api/v1/explain/risk", json={"transaction_id": name}).json()
        assert told["text"]
        attributed = sum(reason["attribution"] for reason in told["reasons"])
        assert attributed + told["base"] == pytest.approx(told["margin"], abs=1e-6)
    assert client.post("/api/v1/explain/risk", json={"transaction_id": "none"}).status_code == 404


def test_the_kill_switch_leaves_rules_alone(running: Site) -> None:
    admin, service = running.client(Role.ADMIN), running.client(Role.SERVICE)
    assert admin.post("/api/v1/model/kill", json={}).json()["field"] == "reason"
    killed = admin.post("/api/v1/model/kill", json={"reason": "drill"}).json()
    assert killed["kill_switch"]
    decision = service.post("/api/v1/transactions", json=recent(1_200)).json()
    assert (decision["degraded_reason"], decision["probability"]) == ("kill switch", None)
    assert running.anonymous().get("/api/v1/health").json()["kill_switch"]
    told = running.client(Role.ANALYST).post("/api/v1/explain/risk", json={"transaction_id": "upi:T1200"})
    assert told.json()["base"] is None
    admin.post("/api/v1/model/restore", json={"reason": "drill is over"})
    assert service.post("/api/v1/transactions", json=recent(1_201)).json()["degraded_reason"] is None


def test_the_service_says_that_it_is_well(running: Site) -> None:
    client = running.anonymous()
    told = client.get("/api/v1/health")
    assert told.status_code == 200
    assert told.json()["faults"] == []
    assert {name: told.json()[name] for name in ("status", "database", "streaming")} == {
        "status": "healthy", "database": "connected", "streaming": "active",
    }  # fmt: skip
    assert client.get("/api/v1/health/live").json() == {"status": "alive"}


def test_without_an_engine_payments_are_refused_and_the_service_says_why(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    settings = prepare_site(tmp_path_factory.mktemp("alone") / "home")
    with served(settings, GENEROUS) as url, closing(Site(settings, url)) as alone:
        health = alone.anonymous().get("/api/v1/health")
        assert (health.status_code, health.json()["streaming"]) == (503, "stopped")
        assert "risk-platform engine" in health.json()["faults"][0]
        assert alone.anonymous().get("/api/v1/health/live").status_code == 200
        refused = alone.client(Role.SERVICE).post("/api/v1/transactions", json=recent(1))
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert alone.client(Role.VIEWER).get("/api/v1/risk/live").json() == {"items": [], "next_cursor": None}


def test_prometheus_is_told_by_route_and_never_by_what_callers_wrote(running: Site) -> None:
    client = running.anonymous()
    client.get("/api/v1/risk/secret-name")
    page = client.get("/metrics").text
    assert "# HELP risk_api_requests_total Answered requests." in page
    assert 'risk_api_requests_total{method="GET",route="/api/v1/risk/{name}",status="401"}' in page
    assert "secret-name" not in page


def test_the_documents_need_no_outside_host(running: Site) -> None:
    client = running.anonymous()
    for path in ("/docs", "/redoc"):
        page = client.get(path)
        assert page.status_code == 200
        assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert assets
        assert all(asset.startswith("/assets/") for asset in assets)
        assert {client.get(asset).status_code for asset in assets} == {200}


def test_the_openapi_document_says_how_to_sign_in_and_what_a_payment_is(running: Site) -> None:
    document = running.anonymous().get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    payment = document["paths"]["/api/v1/transactions"]["post"]
    assert payment["security"] == [{"HTTPBearer": []}]
    schema = payment["requestBody"]["content"]["application/json"]["schema"]
    assert {"amount", "amount_minor", "customer_id"} <= schema["properties"].keys()
    assert schema["example"]["amount"] == "1499.00"
    assert "security" not in document["paths"]["/api/v1/auth/login"]["post"]


def test_answers_are_not_kept_framed_or_guessed(running: Site) -> None:
    headers = running.anonymous().get("/api/v1/health").headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "server" not in headers


def test_an_unknown_path_or_method_is_a_problem(running: Site) -> None:
    client = running.anonymous()
    for answer, status in ((client.get("/nothing"), 404), (client.delete("/api/v1/health"), 405)):
        assert answer.status_code == answer.json()["status"] == status
        assert answer.headers["content-type"] == "application/problem+json"
