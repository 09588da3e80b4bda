from dataclasses import replace

import numpy as np
import pytest

from risk_platform.decisions.levels import LEVELS, Advice, Thresholds, shipped_advice
from risk_platform.errors import ContractError
from risk_platform.settings import Settings


@pytest.fixture
def thresholds() -> Thresholds:
    return Thresholds.from_settings(Settings(_env_file=None))  # type: ignore[call-arg]


def test_a_bound_belongs_to_the_lower_level(thresholds: Thresholds) -> None:
    scores = np.array([0, 0.3, np.nextafter(0.3, 1), 0.5, np.nextafter(0.5, 1), 0.8, np.nextafter(0.8, 1), 1])
    levels = [LEVELS[rank] for rank in thresholds.ranks(scores)]
    assert levels == ["LOW", "LOW", "MEDIUM", "MEDIUM", "HIGH", "HIGH", "CRITICAL", "CRITICAL"]


def test_the_alert_threshold_itself_alerts(thresholds: Thresholds) -> None:
    assert thresholds.alerted(np.array([np.nextafter(0.75, 0), 0.75, 0.9])).tolist() == [False, True, True]


def test_shipped_advice_grows_with_the_level() -> None:
    assert shipped_advice() == (Advice.ALLOW, Advice.STEP_UP, Advice.HOLD, Advice.BLOCK)


def test_the_hash_is_stable_and_sees_every_part(thresholds: Thresholds) -> None:
    assert thresholds.hash == replace(thresholds).hash
    assert len(thresholds.hash) == 64
    changed = [
        replace(thresholds, low=0.2),
        replace(thresholds, medium=0.6),
        replace(thresholds, high=0.9),
        replace(thresholds, alert=0.7),
        replace(thresholds, advice=(Advice.ALLOW, Advice.ALLOW, Advice.HOLD, Advice.BLOCK)),
    ]
    assert len({thresholds.hash, *(other.hash for other in changed)}) == 6


def test_thresholds_that_do_not_ascend_are_refused(thresholds: Thresholds) -> None:
    with pytest.raises(ContractError, match="must ascend"):
        replace(thresholds, low=0.9)
