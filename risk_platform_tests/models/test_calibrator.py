import numpy as np
import pytest

from risk_platform.errors import ContractError
from risk_platform.models.calibration import Calibration, logit, sigmoid
from risk_platform.models.calibrator import Held, calibrate


def _held(
    truth: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    margins: "np.ndarray[tuple[int], np.dtype[np.float64]]",
) -> Held:
    rng = np.random.default_rng(11)
    fraud = rng.random(len(truth)) < sigmoid(truth)
    return Held(margins, fraud, np.arange(len(truth)) % 4, np.ones(len(truth)))


def test_a_stretched_margin_is_taken_back() -> None:
    truth = np.random.default_rng(1).normal(size=100_000) * 2 - 5
    calibration = calibrate(_held(truth, 3 * truth + 4))
    probe = np.array([-8.0, -5.0, -2.0, 0.0])
    np.testing.assert_allclose(calibration(3 * probe + 4), probe, atol=0.35)


def test_few_frauds_only_shift_the_margin() -> None:
    truth = np.full(2000, -6.0) + np.linspace(0, 1, 2000)
    held = _held(truth, truth + 3)
    calibration = calibrate(held)
    shift = calibration(held.margins) - held.margins
    assert np.ptp(shift) == pytest.approx(0, abs=1e-9)
    assert sigmoid(calibration(held.margins)).sum() == pytest.approx(held.fraud.sum(), abs=0.01)


def test_a_margin_that_ranks_backwards_never_turns_the_order() -> None:
    truth = np.random.default_rng(2).normal(size=20_000) - 3
    calibration = calibrate(_held(truth, -truth))
    assert np.all(np.diff(calibration(np.linspace(-10, 10, 50))) > 0)


def test_weights_stand_for_the_payments_left_out() -> None:
    truth = np.random.default_rng(3).normal(size=60_000) * 2 - 5
    full = _held(truth, truth)
    kept = full.fraud | (np.arange(len(truth)) % 10 == 0)
    thinned = Held(
        full.margins[kept], full.fraud[kept], full.fold[kept], np.where(full.fraud[kept], 1.0, 10.0)
    )
    probe = np.array([-6.0, -3.0, 0.0])
    np.testing.assert_allclose(calibrate(thinned)(probe), calibrate(full)(probe), atol=0.2)
    assert thinned.upper_quantile(0.005) == pytest.approx(full.upper_quantile(0.005), abs=0.1)


@pytest.mark.parametrize("knots", [((0.0,), (1.0,)), ((0.0, 0.0), (1.0, 2.0)), ((0.0, 1.0), (2.0, 1.0))])
def test_knots_that_do_not_ascend_are_refused(knots: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
    with pytest.raises(ContractError, match="knots"):
        Calibration(*knots)


def test_logit_and_sigmoid_are_inverse() -> None:
    log_odds = np.linspace(-20, 20, 41)
    np.testing.assert_allclose(logit(sigmoid(log_odds)), log_odds, atol=1e-6)
