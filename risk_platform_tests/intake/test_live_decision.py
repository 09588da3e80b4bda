"""A decision made live is made again from what the operational store holds."""

from risk_platform.decisions.archive import Archive
from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.decisions.reproduce import reproduce
from risk_platform.features.spec import load_feature_spec
from risk_platform.home import Home
from risk_platform.intake.live_decision import find_live
from risk_platform.intake.process import Running
from risk_platform_tests.intake.events import payments


def test_live_decisions_are_reproduced_to_the_digit(running: Running, home: Home) -> None:
    for first, last in ((1, 30), (31, 60)):
        running.engine.submit("payment", payments(first, last)).result(timeout=60)
    archive, names = Archive.of(home), load_feature_spec().names
    levels = set()
    for number in (1, 29, 31, 59):
        found = find_live(running.store, f"upi:T{number}")
        assert found is not None
        result = reproduce(found.decision, found.payment, None, archive, names, ReasonDictionary.shipped())
        assert result.decision == ()
        levels.add(found.decision["level"][0].as_py())
    assert levels > {"LOW"}


def test_a_payment_that_never_came_in_is_not_found(running: Running) -> None:
    running.engine.submit("payment", payments(1, 2)).result(timeout=60)
    assert find_live(running.store, "upi:T3") is None
    assert find_live(running.store, "T1") is None
