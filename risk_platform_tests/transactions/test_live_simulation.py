"""A simulation told live: at its rate, judgements on its scale, every identifier its own."""

from collections import Counter
from datetime import date
from itertools import islice

import pytest

from risk_platform.transactions.simulator.config import SimulationConfig
from risk_platform.transactions.simulator.live import LiveEvent, live_events
from risk_platform.transactions.simulator.simulation import SimulatedPayments, simulate

RATE = 50.0


@pytest.fixture(scope="module")
def simulated() -> SimulatedPayments:
    return simulate(SimulationConfig(40, 20, date(2026, 1, 1), 3, 0.02))


@pytest.fixture(scope="module")
def events(simulated: SimulatedPayments) -> list[LiveEvent]:
    return list(islice(live_events(simulated, RATE, "x"), 2 * simulated.payments.num_rows))


def test_payments_come_at_the_rate_and_in_order(events: list[LiveEvent]) -> None:
    payments = [event for event in events if event.kind == "payment"]
    assert [event.due for event in events] == sorted(event.due for event in events)
    assert payments[100].due - payments[50].due == pytest.approx(50 / RATE)
    assert "event_time" not in payments[0].body


def test_nothing_is_told_twice(events: list[LiveEvent]) -> None:
    names = Counter(event.body["transaction_id"] for event in events if event.kind == "payment")
    assert set(names.values()) == {1}
    judged = Counter(event.body["judgement_id"] for event in events if event.kind == "judgement")
    assert set(judged.values()) == {1}


def test_a_judgement_follows_its_payment_as_late_as_in_the_simulation(
    simulated: SimulatedPayments, events: list[LiveEvent]
) -> None:
    told = {event.body["transaction_id"]: event.due for event in events if event.kind == "payment"}
    judged = [event for event in events if event.kind == "judgement"]
    assert len(judged) > 5
    times = dict(
        zip(*simulated.payments.select(["transaction_id", "event_time"]).to_pydict().values(), strict=True)
    )
    known = dict(
        zip(*simulated.judgements.select(["transaction_id", "known_time"]).to_pydict().values(), strict=True)
    )
    wall = simulated.payments.num_rows / RATE
    span = (max(times.values()) - min(times.values())).total_seconds()
    for event in judged:
        name = event.body["transaction_id"].split("-", 2)[2]
        delay = (known[name] - times[name]).total_seconds() * wall / span
        assert event.due - told[event.body["transaction_id"]] == pytest.approx(delay)
