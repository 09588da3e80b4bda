import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from risk_platform.models import metrics
from risk_platform.models.scored import Scored


def _scored(
    score: list[float], fraud: list[int], day: list[int] | None = None, customer: list[int] | None = None
) -> Scored:
    n = len(score)
    return Scored.ranked(
        np.asarray(score, dtype=np.float64),
        np.asarray(fraud, dtype=np.bool_),
        np.asarray(day or [0] * n, dtype=np.int64),
        np.asarray(customer or list(range(n)), dtype=np.int64),
        np.full(n, 100, dtype=np.int64),
    )


def _random(seed: int, n: int = 3000, decimals: int = 1) -> Scored:
    rng = np.random.default_rng(seed)
    score = np.round(rng.normal(size=n) - 3, decimals)
    fraud = rng.random(n) < 1 / (1 + np.exp(-score))
    return Scored.ranked(
        score, fraud, rng.integers(0, 7, n), rng.integers(0, 400, n), rng.integers(1, 9999, n)
    )


@pytest.mark.parametrize("seed", range(4))
def test_ranking_metrics_agree_with_scikit_learn_on_tied_scores(seed: int) -> None:
    scored = _random(seed)
    weights = np.random.default_rng(seed).integers(0, 3, len(scored)).astype(float)
    for w in (None, weights):
        assert metrics.average_precision(scored, w) == pytest.approx(
            average_precision_score(scored.fraud, scored.log_odds, sample_weight=w), abs=1e-12
        )
        assert metrics.roc_auc(scored, w) == pytest.approx(
            roc_auc_score(scored.fraud, scored.log_odds, sample_weight=w), abs=1e-12
        )
        fpr, tpr, _ = roc_curve(scored.fraud, scored.log_odds, sample_weight=w, drop_intermediate=False)
        assert metrics.recall_at_fpr(scored, w) == pytest.approx(tpr[fpr <= 0.01].max(), abs=1e-12)


def test_average_precision_by_hand() -> None:
    assert metrics.average_precision(_scored([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0])) == pytest.approx(
        (1 + 2 / 3) / 2
    )


def test_card_precision_by_hand() -> None:
    """Two cards a day; customer 7, found on day 0, no longer counts on day 1."""
    scored = _scored(
        [0.9, 0.8, 0.1, 0.95, 0.7, 0.6, 0.5],
        [1, 0, 1, 1, 0, 1, 1],
        day=[0, 0, 0, 1, 1, 1, 1],
        customer=[7, 8, 9, 7, 8, 9, 10],
    )
    assert metrics.card_precisions(scored, cards=2) == (0.5, 0.5)
    perfect = scored.by(scored.fraud.astype(np.float64))
    assert metrics.card_precisions(perfect, cards=2) == (1.0, 0.5)


def test_card_precision_is_absent_where_no_customers_are_named() -> None:
    assert metrics.card_precision(_scored([0.1, 0.2], [0, 1], customer=[3, 3])) is None


def test_brier_by_hand() -> None:
    scored = _scored([0.0, 0.0, 0.0, 0.0], [1, 0, 0, 0])
    assert metrics.brier(scored) == pytest.approx(0.25)
    assert metrics.brier_skill(scored) == pytest.approx(1 - 0.25 / 0.1875)
    assert metrics.prevalence(scored) == 0.25


def test_calibration_error_by_hand() -> None:
    """One bin holds p = .5 with one fraud of four, so it is off by .25."""
    assert metrics.expected_calibration_error(_scored([0.0] * 4, [1, 0, 0, 0])) == pytest.approx(0.25)


def test_calibration_slope_agrees_with_scikit_learn_and_finds_doubled_log_odds() -> None:
    rng = np.random.default_rng(5)
    truth = rng.normal(size=200_000) * 2 - 4
    fraud = rng.random(len(truth)) < 1 / (1 + np.exp(-truth))
    zeros = np.zeros(len(truth), dtype=np.int64)
    honest = Scored.ranked(truth, fraud, zeros, zeros, zeros)
    bold = Scored.ranked(2 * truth, fraud, zeros, zeros, zeros)
    top = slice(0, 2000)
    reference = LogisticRegression(C=np.inf, tol=1e-10).fit(honest.log_odds[top, None], honest.fraud[top])
    slope = metrics.calibration_slope(honest)
    assert slope == pytest.approx(reference.coef_[0, 0], abs=1e-4)
    assert slope == pytest.approx(1.0, abs=0.1)
    assert metrics.calibration_slope(bold) == pytest.approx((slope or 0) / 2, abs=1e-5)


def test_a_top_of_one_class_has_no_slope() -> None:
    assert metrics.calibration_slope(_scored([3.0, 2.0, 1.0, 0.0], [1, 1, 0, 0])) is None


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=60))
@settings(max_examples=80, deadline=None)
def test_a_weight_of_two_is_the_payment_twice(rows: list[tuple[int, bool]]) -> None:
    if len({fraud for _, fraud in rows}) < 2:
        return
    once = _scored([float(s) for s, _ in rows], [int(f) for _, f in rows])
    twice = _scored([float(s) for s, _ in rows] * 2, [int(f) for _, f in rows] * 2)
    doubled = np.full(len(rows), 2.0)
    for metric in (metrics.average_precision, metrics.roc_auc, metrics.recall_at_fpr, metrics.brier):
        assert metric(once, doubled) == pytest.approx(metric(twice), abs=1e-12)
