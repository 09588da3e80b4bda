from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_platform.errors import BundleError
from risk_platform.models.bundle import MANIFEST, Bundle, TrainingSpan
from risk_platform.models.calibration import Calibration

FEATURES = ("amount", "customer_amount_mean_7d", "hour")


def _bundle() -> Bundle:
    rng = np.random.default_rng(7)
    values = rng.normal(size=(2000, 3))
    values[::5, 1] = np.nan
    fraud = (values[:, 0] + rng.normal(size=2000) > 2).astype(float)
    data = lgb.Dataset(values, fraud, feature_name=list(FEATURES))
    booster = lgb.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, data, 20)
    return Bundle(
        model_text=booster.model_to_string(),
        features=FEATURES,
        calibration=Calibration((-2.0, 0.5), (-4.0, 0.1)),
        anchor_log_odds=-1.25,
        alert_budget=0.005,
        trained_on=TrainingSpan(date(2026, 1, 1), date(2026, 2, 1), datetime(2026, 2, 9, tzinfo=UTC)),
        reference=dict.fromkeys(FEATURES, (0.1, 0.2, 0.3)),
    )


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return _bundle()


@pytest.fixture
def folder(bundle: Bundle, tmp_path: Path) -> Path:
    bundle.save(tmp_path / "bundle")
    return tmp_path / "bundle"


def test_what_is_loaded_is_what_was_saved(bundle: Bundle, folder: Path) -> None:
    loaded = Bundle.load(folder)
    values = np.random.default_rng(1).normal(size=(50, 3))
    assert loaded == bundle
    assert loaded.hash == bundle.hash
    np.testing.assert_array_equal(loaded.margins(values), bundle.margins(values))
    np.testing.assert_array_equal(
        loaded.probabilities(bundle.margins(values)), bundle.probabilities(bundle.margins(values))
    )


def test_attributions_sum_to_the_margin(bundle: Bundle) -> None:
    values = np.random.default_rng(2).normal(size=(50, 3))
    parts = bundle.attributions(values)
    assert parts.shape == (50, 4)
    np.testing.assert_allclose(parts.sum(axis=1), bundle.margins(values), atol=1e-6)


@pytest.mark.parametrize(
    "name", ["calibration.json", "features.json", "model.txt", "thresholds.json", "training.json", MANIFEST]
)
def test_a_flipped_byte_anywhere_is_refused(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    for position in np.linspace(0, len(content) - 1, 23).astype(int):
        altered = bytearray(content)
        altered[position] ^= 1
        (folder / name).write_bytes(altered)
        with pytest.raises(BundleError, match=r"\.json|\.txt"):
            Bundle.load(folder)
    (folder / name).write_bytes(content)
    Bundle.load(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "calibration.json").unlink()
    with pytest.raises(BundleError, match=r"calibration\.json is missing"):
        Bundle.load(folder)


def test_a_poisoned_pickle_beside_the_model_is_refused_unopened(folder: Path) -> None:
    """A pickle that would create a file when it is loaded must never be loaded."""
    trap = folder.parent / "sprung"
    poison = f"cos\nsystem\n(S'touch {trap}'\ntR.".encode()
    (folder / "model.pkl").write_bytes(poison)
    with pytest.raises(BundleError, match=r"model\.pkl does not belong there"):
        Bundle.load(folder)
    (folder / "model.pkl").unlink()
    (folder / "model.txt").write_bytes(poison)
    with pytest.raises(BundleError, match=r"model\.txt is not the bytes"):
        Bundle.load(folder)
    assert not trap.exists()


def test_a_folder_in_use_is_not_overwritten(bundle: Bundle, folder: Path) -> None:
    with pytest.raises(BundleError, match="not empty"):
        bundle.save(folder)


def test_no_bundle_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="There is no bundle at"):
        Bundle.load(tmp_path / "nothing")


def test_features_of_another_model_are_refused(bundle: Bundle) -> None:
    foreign = replace(bundle, features=("a", "b", "c"))
    with pytest.raises(BundleError, match="different features"):
        _ = foreign.booster
    with pytest.raises(BundleError, match="different features"):
        foreign.prepare()


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=40))
@settings(max_examples=50, deadline=None)
def test_probabilities_never_cross_their_margins(margins: list[float]) -> None:
    calibration = Calibration((-3.0, -1.0, 2.0), (-6.0, -1.5, 1.0))
    ordered = np.sort(np.asarray(margins))
    assert np.all(np.diff(calibration(ordered)) >= 0)
