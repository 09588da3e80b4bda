"""The engine answers after the commit, once for each payment, in the order of the inbox."""

from risk_platform.intake.process import Running
from risk_platform_tests.intake.events import payment, payments


def answers(running: Running, events: list[dict[str, object]]) -> list[dict[str, object]]:
    return running.engine.submit("payment", events).result(timeout=60).answers()


def test_payments_get_a_decision_and_a_place_in_the_inbox(running: Running) -> None:
    told = answers(running, payments(1, 20))
    first = running.store.tail().sequence - 19
    assert [answer["sequence"] for answer in told] == list(range(first, first + 20))
    assert {answer["status"] for answer in told} == {"accepted"}
    assert [answer["level"] for answer in told] == [
        running.store.decision_on("upi", f"T{number}").column("level")[0].as_py() for number in range(1, 21)
    ]
    assert {answer["level"] for answer in told} > {"LOW"}
