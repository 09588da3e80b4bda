import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_platform.decisions.scorecard import anchor_for, scores
from risk_platform.errors import ContractError

odds = st.floats(min_value=-700, max_value=700)
thresholds = st.floats(min_value=0.01, max_value=0.99)


@given(st.lists(odds, min_size=2, max_size=30), odds, thresholds)
def test_more_odds_never_score_less(values: list[float], anchor: float, threshold: float) -> None:
    ascending = scores(np.sort(np.array(values)), anchor, threshold)
    assert (np.diff(ascending) >= 0).all()
    assert ((ascending >= 0) & (ascending <= 1)).all()


@given(odds, thresholds)
def test_the_anchor_scores_exactly_the_alert_threshold(anchor: float, threshold: float) -> None:
    assert scores(np.array([anchor]), anchor, threshold)[0] == threshold


@given(odds, odds, thresholds)
def test_the_alert_budget_is_cut_at_the_anchor_to_the_last_bit(
    odd: float, anchor: float, threshold: float
) -> None:
    assert (scores(np.array([odd]), anchor, threshold)[0] >= threshold) == (odd >= anchor)


def test_the_scale_is_the_shifted_sigmoid() -> None:
    shifted = scores(np.array([-6.0, -5.0, -4.0]), anchor_log_odds=-5.0, alert_threshold=0.75)
    assert shifted == pytest.approx([3 / (3 + np.e), 0.75, 3 * np.e / (3 * np.e + 1)])


def test_certain_odds_score_zero_and_one() -> None:
    assert scores(np.array([-np.inf, np.inf]), -5.0, 0.75).tolist() == [0.0, 1.0]


def test_an_anchor_that_is_no_number_is_an_error() -> None:
    with pytest.raises(ContractError, match="anchor is not a number"):
        scores(np.array([0.0]), np.nan, 0.75)


@given(st.floats(-30, 30), st.floats(0.05, 0.95), thresholds)
def test_an_anchor_can_be_found_for_any_score(odd: float, score: float, threshold: float) -> None:
    anchor = anchor_for(odd, score, threshold)
    assert scores(np.array([odd]), anchor, threshold)[0] == pytest.approx(score)
