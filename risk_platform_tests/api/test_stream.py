"""The live stream: what comes, in which order, to whom, from where on, and when it ends."""

import json
import time
from collections import deque
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from risk_platform.operations.accounts import Role
from risk_platform_tests.api.site import Site, recent

ONE, BATCH = "/api/v1/transactions", "/api/v1/transactions/batch"


def sent(site: Site, *payments: dict[str, Any]) -> list[dict[str, Any]]:
    answer = site.client(Role.SERVICE).post(BATCH, json={"transactions": payments}).json()
    results: list[dict[str, Any]] = answer["results"]
    return results


def numbers(messages: list[dict[str, Any]]) -> list[int]:
    return [message["sequence"] for message in messages]


def test_decisions_come_as_they_are_made(running: Site) -> None:
    with running.listening(Role.ANALYST) as stream:
        opened = stream.next()
        assert opened["topics"] == ["opened"]
        results = sent(running, *[recent(number) for number in range(40_000, 40_010)])
        heard = stream.until(results[-1]["sequence"])
    assert numbers(heard) == [result["sequence"] for result in results]
    assert heard[0]["sequence"] == opened["sequence"] + 1
    for message, result in zip(heard, results, strict=True):
        assert message["topics"] == (["alerts", "decisions"] if result["alerted"] else ["decisions"])
        assert {name: message["data"][name] for name in result if name != "status"} == {
            name: value for name, value in result.items() if name != "status"
        }
    assert [message["data"]["alert_id"] for message in heard if "alerts" in message["topics"]] == [
        result["sequence"] for result in results if result["alerted"]
    ]
    stored = running.client(Role.ANALYST).get("/api/v1/risk/upi:T40000").json()
    assert {name: stored[name] for name in heard[0]["data"] if name != "alert_id"} == {
        name: value for name, value in heard[0]["data"].items() if name != "alert_id"
    }


def test_a_listener_goes_on_where_it_was(running: Site) -> None:
    results = sent(running, *[recent(number) for number in range(40_100, 40_140)])
    sequences = [result["sequence"] for result in results]
    with running.listening(Role.ANALYST, after=sequences[9]) as stream:
        assert stream.next()["sequence"] == sequences[9]
        assert numbers(stream.until(sequences[-1])) == sequences[10:]
        more = sent(running, *[recent(number) for number in range(40_140, 40_150)])
        assert numbers(stream.until(more[-1]["sequence"])) == [result["sequence"] for result in more]


def test_every_event_comes_once_however_a_listener_comes_and_goes(running: Site) -> None:
    """Resumed in the middle of what is being sent, nothing is missed and nothing comes twice."""
    first = sent(running, recent(40_200))[0]["sequence"]
    heard, after = list[int](), first
    for begin in range(40_201, 40_301, 20):
        with running.listening(Role.ANALYST, after=after, topics="decisions") as stream:
            stream.next()
            last = sent(running, *[recent(number) for number in range(begin, begin + 20)])[-1]["sequence"]
            heard += numbers(stream.until(last - 7))
            after = heard[-1]
    with running.listening(Role.ANALYST, after=after) as stream:
        stream.next()
        heard += numbers(stream.until(last))
    assert heard == list(range(first + 1, last + 1))


def test_topics_and_levels_are_filtered(running: Site) -> None:
    results = sent(running, *[recent(number) for number in range(40_400, 40_420)])
    begin, last = results[0]["sequence"] - 1, results[-1]
    assert last["alerted"]
    alerts = [result["sequence"] for result in results if result["alerted"]]
    with running.listening(Role.ANALYST, after=begin, topics="alerts") as stream:
        assert stream.next()["data"]["topics"] == ["alerts"]
        assert numbers(stream.until(last["sequence"])) == alerts
    wanted = [result["sequence"] for result in results if result["level"] == last["level"]]
    assert 0 < len(wanted) < len(results)
    with running.listening(Role.ANALYST, after=begin, topics="decisions", levels=last["level"]) as stream:
        stream.next()
        assert numbers(stream.until(last["sequence"])) == wanted


def test_judgements_are_heard(running: Site) -> None:
    sent(running, recent(40_450))
    with running.listening(Role.VIEWER, topics="judgements") as stream:
        stream.next()
        judgement = {"source": "upi", "transaction_id": "T40450", "is_fraud": True, "judged_by": "analyst"}
        answer = running.client(Role.ANALYST).post("/api/v1/judgements", json=judgement).json()
        heard = stream.next()
    assert heard["sequence"] == answer["sequence"]
    assert {name: heard["data"][name] for name in judgement} == judgement


def test_health_is_told_at_once_and_again(running: Site) -> None:
    with running.listening(Role.VIEWER, topics="health") as stream:
        assert json.loads(stream.socket.recv(10))["topics"] == ["opened"]
        told = json.loads(stream.socket.recv(10))
    assert told["topics"] == ["health"]
    assert (told["data"]["status"], told["data"]["streaming"]) == ("healthy", "active")


def test_a_viewer_hears_of_no_parties(running: Site) -> None:
    with running.listening(Role.VIEWER) as viewer, running.listening(Role.ANALYST) as analyst:
        sent(running, recent(40_460))
        seen = []
        for stream in (viewer, analyst):
            assert stream.next()["topics"] == ["opened"]
            seen.append(stream.next()["data"])
    assert [data["customer_id"] for data in seen] == [None, recent(40_460)["customer_id"]]
    assert seen[0]["transaction_id"] == seen[1]["transaction_id"] == "T40460"


def refused(running: Site, origin: Origin | None = None, **wanted: Any) -> int:
    address = running.stream_address(**wanted)
    with pytest.raises(InvalidStatus) as refusal, connect(address, origin=origin, proxy=None):
        pass
    response = refusal.value.response
    assert response.headers["Content-Type"] == "application/problem+json"
    assert json.loads(response.body)["status"] == response.status_code
    return response.status_code


def ticket(running: Site, role: Role = Role.ANALYST) -> str:
    return str(running.client(role).post("/api/v1/auth/ticket").json()["ticket"])


def test_a_ticket_is_needed_and_good_once(running: Site) -> None:
    assert refused(running) == 401
    assert refused(running, ticket="nobody's") == 401
    assert refused(running, ticket="x" * 101) == 401
    access = running.client(Role.ANALYST).headers["Authorization"].removeprefix("Bearer ")
    assert refused(running, ticket=access[:100]) == 401
    good = ticket(running)
    with connect(running.stream_address(ticket=good), proxy=None) as socket:
        assert json.loads(socket.recv(10))["topics"] == ["opened"]
    assert refused(running, ticket=good) == 401


def test_a_service_hears_nothing(running: Site) -> None:
    assert running.client(Role.SERVICE).post("/api/v1/auth/ticket").status_code == 403
    assert running.anonymous().post("/api/v1/auth/ticket").status_code == 401


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ({"topics": "gossip"}, 422),
        ({"levels": "WILD"}, 422),
        ({"after": -1}, 422),
        ({"after": "soon"}, 422),
        ({"after": 2**62}, 422),
    ],
)
def test_what_cannot_be_wanted_is_refused(running: Site, wanted: dict[str, Any], status: int) -> None:
    assert refused(running, ticket=ticket(running), **wanted) == status


def test_a_page_of_another_origin_may_not_listen(running: Site) -> None:
    good = ticket(running)
    assert refused(running, origin=Origin("https://evil.example"), ticket=good) == 403
    with connect(
        running.stream_address(ticket=good),
        origin=Origin(running.url),
        proxy=None,
    ) as socket:
        assert json.loads(socket.recv(10))["topics"] == ["opened"]


def closed(socket: ClientConnection) -> tuple[int, str]:
    """Code and reason of the close that comes after all that was sent before it."""
    with pytest.raises(ConnectionClosedError):
        deque(socket, maxlen=0)
    assert socket.protocol.close_rcvd is not None
    return socket.protocol.close_rcvd.code, socket.protocol.close_rcvd.reason


def test_a_demotion_ends_the_stream(running: Site) -> None:
    admin = running.client(Role.ADMIN)
    body = {"email": "listener@example.com", "password": "four quiet green herons"}
    running.anonymous().post("/api/v1/auth/register", json=body)
    items = admin.get("/api/v1/users", params={"state": "pending"}).json()["items"]
    user = next(item["user_id"] for item in items if item["email"] == body["email"])
    for change, path in (("role", "Analyst"), ("role", "Viewer"), ("disable", ""), ("logout", "Analyst")):
        admin.post(f"/api/v1/users/{user}/role", json={"role": "Compliance"})
        client = running.signed_in(body["email"])
        given = client.post("/api/v1/auth/ticket").json()["ticket"]
        with connect(running.stream_address(ticket=given), proxy=None) as socket:
            json.loads(socket.recv(10))
            if change == "logout":
                client.post("/api/v1/auth/logout")
            else:
                admin.post(f"/api/v1/users/{user}/{change}", json={"role": path})
            assert closed(socket)[0] == 4403


def test_a_slow_reader_is_told_and_dropped_and_nobody_waits(running: Site) -> None:
    address = running.stream_address(ticket=ticket(running))
    # A client that reads nothing while sixteen messages wait for it.
    with connect(address, proxy=None, max_queue=16) as slow, running.listening(Role.ANALYST) as quick:
        quick.next()
        results = sent(running, *[recent(number) for number in range(50_000, 60_000)])
        assert numbers(quick.until(results[-1]["sequence"])) == [item["sequence"] for item in results]
        metrics, deadline = running.anonymous(), time.monotonic() + 60
        while 'risk_api_stream_ends_total{code="1013"} 1' not in metrics.get("/metrics").text:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        code, reason = closed(slow)
    assert code == 1013
    after = int(reason.split("after=")[1].rstrip("."))
    with running.listening(Role.ANALYST, after=after) as again:
        again.next()
        assert again.next()["sequence"] == after + 1
