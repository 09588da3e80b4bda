from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from risk_platform.errors import BundleError, InputError
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import FEATURE_IMPORTANCES, MODEL_METRICS, MODEL_VERSIONS
from risk_platform.models.bundle import Bundle
from risk_platform.models.champion import crown, load_champion
from risk_platform.models.evaluation import FoldResult
from risk_platform.models.explained import explain_test
from risk_platform.models.mart import FeatureMart
from risk_platform.models.promotion import Verdict, judge_first, judge_next
from risk_platform.models.records import importance_rows, metric_rows, upsert_version, version_row
from risk_platform.models.tracking import CHALLENGER, CHAMPION, Tracking
from risk_platform.models.training import TrainedModel, judge_on_same_fold, train_challenger
from risk_platform_tests.models.conftest import A_DAY, DAYS, FEATURES, LABEL_DELAY

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)


def _train(lake: Lake, as_of: datetime) -> TrainedModel:
    return train_challenger(lake, as_of, zone=ZoneInfo("UTC"), label_maturity=LABEL_DELAY, alert_budget=0.05)


@pytest.fixture(scope="module")
def trained(lake: Lake) -> TrainedModel:
    return _train(lake, AS_OF)


@pytest.fixture(scope="module")
def older(lake: Lake) -> TrainedModel:
    return _train(lake, datetime(2026, 2, 20, tzinfo=UTC))


def test_the_mart_gives_each_payment_its_own_values(lake: Lake) -> None:
    mart = FeatureMart.open(lake)
    assert mart.names == FEATURES
    assert len(mart.payments) == DAYS * A_DAY
    rows = np.array([0, 5, A_DAY * 3 + 1, DAYS * A_DAY - 1])
    amounts = mart.values(rows, ("amount", "always_absent"), np.float64)
    np.testing.assert_array_equal(amounts[:, 0], mart.payments.amount[rows])
    assert np.isnan(amounts[:, 1]).all()


def test_what_is_worth_having_is_chosen(trained: TrainedModel) -> None:
    assert "signal" in trained.bundle.features
    assert not {"constant", "always_absent"} & set(trained.bundle.features)
    assert trained.result.metrics.average_precision > 0.6
    assert trained.result.metrics.roc_auc > 0.95


def test_the_tested_days_are_the_latest_that_are_judged_and_never_trained_on(trained: TrainedModel) -> None:
    assert trained.result.fold.describe() == "train 2026-01-01 to 2026-02-08, test 2026-02-16 to 2026-02-22"
    assert trained.bundle.trained_on.last == date(2026, 2, 8)
    assert trained.bundle.trained_on.as_of == datetime(2026, 2, 16, tzinfo=UTC)


def test_training_again_gives_the_same_bundle(lake: Lake, trained: TrainedModel) -> None:
    assert _train(lake, AS_OF).bundle.hash == trained.bundle.hash


def test_the_mart_knows_only_what_was_reported_by_then(lake: Lake) -> None:
    mart = FeatureMart.open(lake)
    known = mart.payments.known_before(int(AS_OF.timestamp()) * 1_000_000)
    assert known.frauds().sum() < mart.payments.frauds().sum()
    assert int(known.judgements.known_time.max()) < int(AS_OF.timestamp()) * 1_000_000


def test_attributions_of_the_test_sum_to_the_margins(lake: Lake, trained: TrainedModel) -> None:
    explained = explain_test(lake, trained)
    margins = trained.bundle.margins(explained.values)
    np.testing.assert_allclose(explained.parts.sum(axis=1), margins, atol=1e-6)
    strongest = trained.bundle.features[int(explained.strengths().argmax())]
    assert strongest == "signal"


def test_the_alert_budget_falls_on_the_anchor(trained: TrainedModel) -> None:
    share = float(np.mean(trained.result.scored.log_odds >= trained.bundle.anchor_log_odds))
    assert share == pytest.approx(trained.bundle.alert_budget, abs=0.02)


def test_the_first_model_is_promoted_for_beating_the_floors(trained: TrainedModel) -> None:
    verdict = judge_first(trained.result)
    assert verdict.verdict == "promoted"
    assert verdict.reason.startswith("first model: average precision ")


def test_a_first_model_that_knows_nothing_is_refused(trained: TrainedModel) -> None:
    nothing = replace(
        trained.result, intervals={**trained.result.intervals, "average_precision": (0.01, 0.2)}
    )
    assert judge_first(nothing).verdict == "refused"
    assert "not beyond noise above the floor" in judge_first(nothing).reason


def test_the_champion_itself_is_no_challenger(lake: Lake, trained: TrainedModel) -> None:
    same = judge_on_same_fold(lake, trained, trained.bundle)
    verdict = judge_next(trained.result, same, np.random.default_rng(1))
    assert verdict == Verdict("refused", "the challenger is the champion itself.")


def test_as_good_and_fresher_is_promoted(lake: Lake, trained: TrainedModel, older: TrainedModel) -> None:
    champion = judge_on_same_fold(lake, trained, older.bundle)
    assert champion.fold == trained.result.fold
    verdict = judge_next(_calibrated(trained.result), champion, np.random.default_rng(1))
    assert verdict.verdict == "promoted"
    assert verdict.reason.startswith(("as good and fresher", "better beyond noise"))


def test_as_good_but_older_is_refused(lake: Lake, trained: TrainedModel, older: TrainedModel) -> None:
    challenger = judge_on_same_fold(lake, trained, older.bundle)
    twin = replace(challenger, bundle=trained.bundle)
    verdict = judge_next(_calibrated(challenger), twin, np.random.default_rng(1))
    assert verdict.verdict == "refused"
    assert verdict.reason == (
        "no better and no fresher, trained up to 2026-01-29: "
        "average precision +0.0000 (95 % interval +0.0000 to +0.0000)."
    )


def test_worse_beyond_noise_is_refused_however_fresh(
    lake: Lake, trained: TrainedModel, older: TrainedModel
) -> None:
    champion = judge_on_same_fold(lake, trained, older.bundle)
    result = _calibrated(trained.result)
    blind = replace(result, scored=result.scored.by(-result.scored.log_odds))
    verdict = judge_next(blind, champion, np.random.default_rng(1))
    assert verdict.verdict == "refused"
    assert verdict.reason.startswith("worse beyond noise")
    swapped = judge_next(replace(result), replace(blind, bundle=older.bundle), np.random.default_rng(1))
    assert swapped.verdict == "promoted"
    assert swapped.reason.startswith("better beyond noise")


def test_a_champion_that_saw_the_test_cannot_be_compared(
    lake: Lake, trained: TrainedModel, older: TrainedModel
) -> None:
    seen = replace(trained.bundle, trained_on=replace(trained.bundle.trained_on, last=date(2026, 2, 12)))
    champion = judge_on_same_fold(lake, older, seen)
    verdict = judge_next(older.result, champion, np.random.default_rng(1))
    assert verdict == Verdict(
        "refused", "the champion was trained up to 2026-02-12 and so saw the test fold."
    )


def test_a_challenger_out_of_calibration_is_refused(
    lake: Lake, trained: TrainedModel, older: TrainedModel
) -> None:
    champion = judge_on_same_fold(lake, trained, older.bundle)
    bold = _calibrated(trained.result, slope=0.3, interval=(0.2, 0.4))
    assert judge_next(bold, champion, np.random.default_rng(1)).reason == (
        "it is not calibrated: slope 0.30 (95 % interval 0.20 to 0.40), wanted 0.8 to 1.2."
    )
    flat = replace(
        bold,
        metrics=replace(bold.metrics, calibration_slope=None),
        intervals={"brier_skill": (-0.5, 0.1)},
    )
    assert judge_next(flat, champion, np.random.default_rng(1)).reason == (
        "it is not calibrated: Brier skill -0.50 to 0.10 (95 % interval)."
    )


def _calibrated(
    result: FoldResult, slope: float = 1.0, interval: tuple[float, float] = (0.9, 1.1)
) -> FoldResult:
    return replace(
        result,
        metrics=replace(result.metrics, calibration_slope=slope),
        intervals={**result.intervals, "calibration_slope": interval},
    )


def test_too_little_history_is_said_in_one_sentence(lake: Lake) -> None:
    with pytest.raises(InputError, match="Training needs at least 28 days of payments before 2026-01-20"):
        _train(lake, datetime(2026, 1, 20, tzinfo=UTC))


def test_the_champion_is_what_was_crowned(trained: TrainedModel, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="No model was promoted yet"):
        load_champion(tmp_path)
    crown(tmp_path, trained.bundle, "1")
    crown(tmp_path, trained.bundle, "1")
    assert load_champion(tmp_path) == trained.bundle
    model = tmp_path / trained.bundle.hash / "model.txt"
    model.write_bytes(model.read_bytes()[:-1])
    with pytest.raises(BundleError, match=r"model\.txt is not the bytes"):
        load_champion(tmp_path)


def test_a_run_is_tracked_with_its_files_and_aliases(
    lake: Lake, trained: TrainedModel, tmp_path: Path
) -> None:
    tracking = Tracking(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts")
    assert tracking.version_with(CHAMPION) is None
    explained = explain_test(lake, trained)
    logged = tracking.log(trained, explained)
    verdict = judge_first(trained.result)
    tracking.crown(logged, verdict)
    assert tracking.version_with(CHALLENGER) == tracking.version_with(CHAMPION) == logged.model_version == "1"
    again = tracking.log(trained, explained)
    tracking.crown(again, Verdict("refused", "the challenger is the champion itself."))
    assert (tracking.version_with(CHALLENGER), tracking.version_with(CHAMPION)) == ("2", "1")
    folder = tmp_path / "artifacts" / logged.run_id / "artifacts"
    assert Bundle.load(folder / "bundle") == trained.bundle
    assert "| average_precision |" in (folder / "model_card.md").read_text()
    pictures = {path.name for path in (folder / "plots").iterdir()}
    assert pictures == {
        "calibration.png",
        "precision_recall.png",
        "score_distribution.png",
        "shap_beeswarm.png",
        "top_features.png",
    }
    version = version_row(trained, logged.model_version, logged.run_id, verdict, AS_OF)
    for rows, table in (
        (version, MODEL_VERSIONS),
        (metric_rows(trained, "1"), MODEL_METRICS),
        (importance_rows(trained, explained, "1"), FEATURE_IMPORTANCES),
    ):
        upsert_version(lake, table, rows)
        upsert_version(lake, table, rows)
        assert lake.read(table).num_rows == rows.num_rows
