"""The engine answers after the commit, each payment once, whatever it is sent."""

import json
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import pytest

from risk_platform.decisions.levels import Thresholds
from risk_platform.errors import InputError
from risk_platform.intake.failures import EngineBusy, EngineStopped
from risk_platform.intake.outcome import Outcome
from risk_platform.intake.process import Running
from risk_platform.operations.live_files import FileAdvance
from risk_platform.operations.records import Run
from risk_platform.operations.store import Reached, StoreWriter
from risk_platform_tests.intake.events import payment, payments


def answers(running: Running, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return running.engine.submit("payment", events).result(timeout=60).answers()


def state_hash(running: Running) -> str:
    return running.engine.quietly(lambda core: core.features.state_hash()).result(timeout=60)


def test_payments_get_a_decision_and_a_place_in_the_inbox(running: Running) -> None:
    before = running.store.tail().sequence
    told = answers(running, payments(1, 60))
    assert [answer["sequence"] for answer in told] == list(range(before + 1, before + 61))
    assert {answer["status"] for answer in told} == {"accepted"}
    assert {answer["level"] for answer in told} > {"LOW"}
    for number, answer in enumerate(told, 1):
        stored = running.store.decision_on("upi", f"T{number}")
        assert stored is not None
        row = stored.to_pylist()[0]
        assert {name: row[name] for name in answer if name != "status"} | {"status": "accepted"} == answer


def test_the_same_payment_again_gets_the_same_decision(running: Running) -> None:
    first = answers(running, payments(1, 60))
    again = answers(running, [payment(9), payment(61), payment(60), payment(61)])
    assert [answer["status"] for answer in again] == ["duplicate", "accepted", "duplicate", "duplicate"]
    assert again[0] == first[8] | {"status": "duplicate"}
    assert again[2] == first[59] | {"status": "duplicate"}
    assert again[3] == again[1] | {"status": "duplicate"}
    assert running.store.tail().sequence == first[59]["sequence"] + 1


def test_the_same_identifier_with_another_body_is_refused(running: Running) -> None:
    answers(running, payments(1, 3))
    told = answers(running, [payment(2, amount_minor=5), payment(4), payment(4, city="Pune")])
    assert [answer["status"] for answer in told] == ["refused", "accepted", "refused"]
    assert told[0] == {
        "status": "refused",
        "rule": "conflicting_body",
        "column": "transaction_id",
        "value": "T2",
    }


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "not a number": ({"latitude": float("nan")}, "latitude_not_finite"),
    "infinite": ({"longitude": float("inf")}, "longitude_not_finite"),
    "amount as text": ({"amount_minor": "12"}, "amount_minor_wrong_type"),
    "amount that is true": ({"amount_minor": True}, "amount_minor_wrong_type"),
    "amount with a fraction": ({"amount_minor": 12.5}, "amount_minor_wrong_type"),
    "amount of 70 bits": ({"amount_minor": 2**70}, "amount_minor_unreadable"),
    "negative amount": ({"amount_minor": -1}, "amount_in_range"),
    "list for a name": ({"customer_id": ["C1"]}, "customer_id_wrong_type"),
    "no customer": ({"customer_id": None}, "customer_id_given"),
    "far future": ({"event_time": "2026-06-03T12:00:00Z"}, "event_time_not_future"),
    "too late": ({"event_time": "2026-05-30T12:00:00Z"}, "event_time_too_late"),
    "no offset": ({"event_time": "2026-06-01T10:00:00"}, "event_time_unreadable"),
    "no time": ({"event_time": "noon"}, "event_time_unreadable"),
    "unknown currency": ({"currency": "XXX"}, "currency_known"),
    "unknown channel": ({"channel": "PIGEON"}, "channel_known"),
    "ten megabytes": ({"device_id": "D" * 10_000_000}, "device_id_short"),
    "ten megabytes of city": ({"city": "x" * 10_000_000}, "city_printable"),
    "half a character": ({"customer_id": "C\ud800"}, "customer_id_unreadable"),
    "control character": ({"counterparty_id": "M\x1f1"}, "counterparty_id_not_empty"),
    "free text": ({"memo": "rent for may"}, "unknown_field"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_event_is_refused_by_name_and_its_neighbours_are_not(running: Running, name: str) -> None:
    changes, rule = BAD[name]
    answers(running, payments(1, 3))
    told = answers(running, [payment(4), payment(5, **changes), payment(6)])
    assert [answer["status"] for answer in told] == ["accepted", "refused", "accepted"]
    assert told[1]["rule"] == rule
    assert len(told[1]["value"]) <= 200


def test_refused_events_change_nothing(running: Running) -> None:
    answers(running, payments(1, 3))
    before, tail = state_hash(running), running.store.tail()
    for changes, _ in BAD.values():
        answers(running, [payment(9, **changes)])
    answers(running, [payment(2, amount_minor=5)])
    assert state_hash(running) == before
    assert running.store.tail() == tail


def test_an_amount_within_the_rules_is_never_the_engines_end(running: Running) -> None:
    """A value that only the feature state cannot take is refused by name, its neighbours are decided."""
    told = answers(running, [payment(1), payment(2, amount_minor=10**14), payment(3)])
    assert [answer["status"] for answer in told][::2] == ["accepted", "accepted"]
    assert answers(running, [payment(4)])[0]["status"] == "accepted"


def test_controls_take_effect_between_two_payments(running: Running) -> None:
    thresholds = Thresholds(0.3, 0.5, 0.8, 0.75, Thresholds.parse(_document(running)).advice)
    one = running.engine.submit("payment", [payment(1)])
    switched = running.engine.control("kill_switch", {"on": True, "why": "drill"})
    two = running.engine.submit("payment", [payment(2)])
    running.engine.control("kill_switch", {"on": False})
    stricter = json.loads(thresholds.document) | {"low": 1e-6, "medium": 2e-6, "high": 3e-6}
    running.engine.control("thresholds", stricter)
    three = running.engine.submit("payment", [payment(3)])
    told = [future.result(timeout=60).answers()[0] for future in (one, switched, two, three)]
    assert [answer["sequence"] for answer in told] == [told[0]["sequence"] + step for step in (0, 1, 2, 5)]
    assert [told[at]["degraded_reason"] for at in (0, 2, 3)] == [None, "kill switch", None]
    assert told[3]["level"] == "CRITICAL"


def _document(running: Running) -> bytes:
    return running.engine.quietly(lambda core: core.policy.thresholds.document).result(timeout=60)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bundle", {"bundle_hash": "0" * 64}),
        ("thresholds", {"low": 0.9}),
        ("rules", {"rules": "no rules", "lists": ""}),
        ("kill_switch", {"on": "yes"}),
        ("reboot", {}),
    ],
)
def test_a_wrong_control_event_is_refused_and_changes_nothing(
    running: Running, name: str, value: dict[str, Any]
) -> None:
    tail = running.store.tail()
    with pytest.raises(InputError):
        running.engine.control(name, value).result(timeout=60)
    assert running.store.tail() == tail
    assert answers(running, [payment(1)])[0]["degraded_reason"] is None


def test_judgements_and_outcomes_come_in_once(running: Running) -> None:
    answers(running, payments(1, 3))
    judgement = {"source": "upi", "transaction_id": "T2", "is_fraud": True, "judged_by": "analyst"}
    outcome = {"source": "upi", "transaction_id": "T2", "outcome": "declined"}
    first = (
        running.engine.submit("judgement", [judgement, judgement | {"judged_by": "nobody"}])
        .result(60)
        .answers()
    )
    assert [answer["status"] for answer in first] == ["accepted", "refused"]
    assert first[1]["rule"] == "judge_known"
    assert running.engine.submit("judgement", [judgement]).result(60).answers()[0]["status"] == "duplicate"
    assert running.engine.submit("outcome", [outcome]).result(60).answers()[0]["status"] == "accepted"


def test_many_callers_share_commits_and_each_gets_its_own_answer(running: Running) -> None:
    told: dict[int, list[dict[str, Any]]] = {}

    def call(first: int) -> None:
        told[first] = [answers(running, [payment(number)])[0] for number in range(first, first + 10)]

    callers = [threading.Thread(target=call, args=(first,)) for first in range(0, 100, 10)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    for first, answered in told.items():
        for number, answer in enumerate(answered, first):
            stored = running.store.decision_on("upi", f"T{number}")
            assert stored is not None
            assert stored.column("decision_id")[0].as_py() == answer["decision_id"]
    sequences = sorted(answer["sequence"] for answered in told.values() for answer in answered)
    assert sequences == list(range(sequences[0], sequences[0] + 100))


class _SlowDisk(StoreWriter):
    """A writer whose every commit waits until it is let go."""

    def __init__(self, writer: StoreWriter) -> None:
        self._disk = writer
        self.reached, self.go = threading.Event(), threading.Event()
        self.committed: list[int] = []

    def commit(
        self, runs: Sequence[Run], reached: Reached = lambda _: None, advances: Sequence[FileAdvance] = ()
    ) -> None:
        self.reached.set()
        assert self.go.wait(60)
        self._disk.commit(runs, reached, advances)
        self.committed.append(sum(len(run.events) for run in runs))


def test_few_events_wait_for_the_commit_under_way_and_share_the_next(running: Running) -> None:
    disk = running.engine._committer._writer = _SlowDisk(running.engine._committer._writer)
    futures = [running.engine.submit("payment", [payment(1)])]
    assert disk.reached.wait(60)
    futures += [running.engine.submit("payment", [payment(number)]) for number in range(2, 8)]
    disk.go.set()
    assert [future.result(timeout=60).answers()[0]["status"] for future in futures] == ["accepted"] * 7
    assert disk.committed == [1, 6]


def test_a_full_line_refuses_clearly_and_takes_again_later(running: Running) -> None:
    hold, held = threading.Event(), threading.Event()

    def wait(_: object) -> None:
        held.set()
        hold.wait(60)

    running.engine.quietly(wait)
    held.wait(60)
    waiting = [running.engine.submit("payment", payments(at, at + 999)) for at in range(0, 16_000, 1000)]
    with pytest.raises(EngineBusy, match="16,000 events wait"):
        running.engine.submit("payment", [payment(20_000)])
    hold.set()
    assert all(future.result(timeout=120).size == 1000 for future in waiting[:1])
    for future in waiting:
        future.result(timeout=300)
    assert answers(running, [payment(20_000)])[0]["status"] == "accepted"


class _FullDisk(StoreWriter):
    """A writer whose disk is full."""

    def __init__(self) -> None:
        """Nothing is ever written."""

    def commit(
        self, runs: Sequence[Run], reached: Reached = lambda _: None, advances: Sequence[FileAdvance] = ()
    ) -> None:
        raise OSError(28, "No space left on device")


def test_a_commit_that_fails_stops_the_engine_loudly(running: Running) -> None:
    running.engine._committer._writer = _FullDisk()
    futures: list[Future[Outcome]] = [running.engine.submit("payment", [payment(1)])]
    with pytest.raises(EngineStopped, match="No space left"):
        futures[0].result(timeout=60)
    assert running.engine.stopped.wait(60)
    with pytest.raises(EngineStopped, match="No space left"):
        running.engine.submit("payment", [payment(2)])
    assert running.store.find("payment", ["upi"], ["T1"]) == {}
    running.engine.failure = None


def test_nothing_acts_on_a_state_that_was_never_committed(running: Running) -> None:
    running.engine._committer._writer = _FullDisk()
    acted: list[int] = []
    payments = running.engine.submit("payment", [payment(1)])
    snapshot = running.engine.quietly(lambda core: acted.append(core.tail.sequence))
    for future in (payments, snapshot):
        with pytest.raises(EngineStopped, match="No space left"):
            future.result(timeout=60)
    assert acted == []
    running.engine.failure = None
