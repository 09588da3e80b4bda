"""Neighbours that are read together are told apart again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from risk_platform.intake.events import Event
from risk_platform.intake.outcome import Outcome
from risk_platform.intake.prepared import Prepared, Preparer, ReportKind
from risk_platform.intake.process import Running
from risk_platform.intake.reading import read_together
from risk_platform.intake.refusals import Refusal
from risk_platform.intake.waiting import Unread, Waiting
from risk_platform_tests.intake.events import NOW, payment, payments


def unread(*events: dict[str, Any]) -> Waiting:
    return Waiting(Unread("payment", events))


def test_few_events_of_several_callers_are_read_as_one_and_a_large_submission_stays_its_own() -> None:
    preparer = Preparer()
    large = Waiting(preparer.read("payment", payments(10, 30), NOW))
    readings = list(
        read_together(
            preparer, [unread(payment(1)), unread(*payments(2, 4)), large, unread(payment(31))], NOW
        )
    )
    assert [reading.sizes for reading in readings] == [[1, 3], [21], [1]]
    assert [list(reading.prepared.events.event_ids) for reading in readings] == [
        ["T1", "T2", "T3", "T4"],
        [f"T{number}" for number in range(10, 31)],
        ["T31"],
    ]


def test_each_caller_gets_its_own_answers_though_a_neighbour_sent_rubbish(running: Running) -> None:
    submissions = [
        payments(1, 2),
        [payment(3, currency="XXX"), payment(4)],
        [payment(2)],
        [payment(5, wrong="field")],
        payments(6, 8),
    ]
    futures = [running.engine.submit("payment", events) for events in submissions]
    told = [future.result(timeout=60).answers() for future in futures]
    assert [[answer["status"] for answer in answers] for answers in told] == [
        ["accepted", "accepted"],
        ["refused", "accepted"],
        ["duplicate"],
        ["refused"],
        ["accepted"] * 3,
    ]
    assert told[1][0]["rule"] == "currency_known"
    assert told[2][0]["decision_id"] == told[0][1]["decision_id"]
    for number, answer in zip((1, 2, 4, 6, 7, 8), [*told[0], told[1][1], *told[4]], strict=True):
        stored = running.store.decision_on("upi", f"T{number}")
        assert stored is not None
        assert stored.column("decision_id")[0].as_py() == answer["decision_id"]


class _Strict(Preparer):
    """Reads nothing of C3's: stands for events that break the reader itself."""

    def read(self, kind: ReportKind, events: Sequence[Event], now: datetime) -> Prepared:
        if any(event["customer_id"] == "C3" for event in events):
            raise ValueError("C3")
        return super().read(kind, events, now)


def test_what_breaks_the_reader_is_told_to_who_sent_it_alone() -> None:
    waiting = [unread(payment(1)), unread(payment(3)), unread(payment(4))]
    readings = list(read_together(_Strict(), waiting, NOW))
    assert [list(reading.prepared.events.event_ids) for reading in readings] == [["T1"], ["T4"]]
    assert [item.future.done() for item in waiting] == [False, True, False]
    assert isinstance(waiting[1].future.exception(), ValueError)


@given(st.lists(st.lists(st.sampled_from(["accepted", "duplicate", "refused"]), max_size=4), min_size=1))
def test_an_outcome_is_split_without_loss(parts: list[list[str]]) -> None:
    every = [status for part in parts for status in part]
    taken = [at for at, status in enumerate(every) if status != "refused"]
    whole = Outcome(
        len(every),
        taken,
        [100 + at for at in taken],
        frozenset(at for at in taken if every[at] == "duplicate"),
        None,
        tuple(
            Refusal(at, "rule", "column", str(at)) for at, status in enumerate(every) if status == "refused"
        ),
    )
    split = whole.split([len(part) for part in parts])
    assert [answer for part in split for answer in part.answers()] == whole.answers()
    assert [[answer["status"] for answer in part.answers()] for part in split] == parts
