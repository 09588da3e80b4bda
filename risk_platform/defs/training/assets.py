"""Training: a challenger from what is known now, and its comparison with the champion on the same fold."""

import base64
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import numpy as np
from pydantic import Field

from risk_platform.defs.platform import Materialized, Platform, final_refusals
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import FEATURE_IMPORTANCES, MODEL_METRICS, MODEL_VERSIONS

# LightGBM is loaded where it is used: every run of every job imports this file.
if TYPE_CHECKING:
    from risk_platform.models.explained import Explained
    from risk_platform.models.promotion import Verdict
    from risk_platform.models.tracking import Logged
    from risk_platform.models.training import TrainedModel

# Seeds the bootstrap of the comparison, so that the same two models get the same verdict.
_COMPARISON_SEED = 20_260_101
_SHOWN_METRICS = ("average_precision", "roc_auc", "recall_at_1pct_fpr", "brier_skill", "calibration_slope")
_SHOWN_PLOTS = ("precision_recall", "shap_beeswarm")


class TrainingConfig(dg.Config):
    """Of when a challenger's knowledge is."""

    as_of: str | None = Field(
        None, description="ISO 8601 instant whose knowledge to train with; none means now."
    )

    def moment(self) -> datetime:
        return datetime.fromisoformat(self.as_of).astimezone(UTC) if self.as_of else datetime.now(UTC)


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            "challenger",
            deps=["payment_features", "judgements"],
            description="A calibrated LightGBM of what is known now, in MLflow with metrics, plots, card and bundle.",
            kinds={"lightgbm", "mlflow"},
        ),
        dg.AssetSpec(
            "champion",
            deps=["challenger"],
            description="The model that decides: the challenger if it deserves it, else the one that was there.",
            kinds={"lightgbm", "mlflow"},
        ),
        dg.AssetSpec(
            "model_versions", deps=["champion"], description=MODEL_VERSIONS.description, kinds={"delta"}
        ),
        dg.AssetSpec(
            "model_metrics", deps=["challenger"], description=MODEL_METRICS.description, kinds={"delta"}
        ),
        dg.AssetSpec(
            "feature_importances",
            deps=["challenger"],
            description=FEATURE_IMPORTANCES.description,
            kinds={"delta"},
        ),
    ],
    group_name="training",
    pool="training",
)
def training(
    context: dg.AssetExecutionContext, config: TrainingConfig, platform: Platform
) -> Iterator[Materialized]:
    """Train, track, compare, promote or refuse, and write down which."""
    from risk_platform.models.champion import crown, store_bundle
    from risk_platform.models.explained import explain_test
    from risk_platform.models.tracking import Tracking
    from risk_platform.models.training import train_challenger

    lake, current, bundles = platform.lake, platform.settings, platform.folders.bundles
    tracking = Tracking(current.tracking_uri, platform.folders.root / "mlartifacts")
    with final_refusals():
        trained = train_challenger(
            lake,
            config.moment(),
            zone=current.zone,
            label_maturity=current.label_maturity,
            alert_budget=current.alert_budget,
            progress=context.log.info,
        )
        explained = explain_test(lake, trained)
        store_bundle(bundles, trained.bundle)
        logged = tracking.log(trained, explained)
        yield _challenger(trained, explained, logged)
        verdict = _compare(lake, trained, bundles)
        if verdict.verdict == "promoted":
            crown(bundles, trained.bundle, logged.model_version)
        tracking.crown(logged, verdict)
        context.log.info(f"{verdict.verdict}: {verdict.reason}")
        yield dg.MaterializeResult(
            "champion",
            metadata={
                "verdict": verdict.verdict,
                "reason": verdict.reason,
                "challenger": logged.model_version,
            },
        )
        yield from _write_down(lake, trained, explained, logged, verdict)


def _compare(lake: Lake, trained: "TrainedModel", bundles: Path) -> "Verdict":
    from risk_platform.models.champion import has_champion, load_champion
    from risk_platform.models.promotion import judge_first, judge_next
    from risk_platform.models.training import judge_on_same_fold

    if not has_champion(bundles):
        return judge_first(trained.result)
    champion = judge_on_same_fold(lake, trained, load_champion(bundles))
    return judge_next(trained.result, champion, np.random.default_rng(_COMPARISON_SEED))


def _challenger(trained: "TrainedModel", explained: "Explained", logged: "Logged") -> Materialized:
    measured = trained.result.metrics.as_dict()
    return dg.MaterializeResult(
        "challenger",
        metadata={
            **{name: value for name in _SHOWN_METRICS if (value := measured[name]) is not None},
            "test_fold": trained.result.fold.describe(),
            "features": len(trained.bundle.features),
            "model_version": logged.model_version,
            "mlflow_run": logged.run_id,
            "plots": dg.MetadataValue.md(_pictures(trained, explained)),
        },
    )


def _pictures(trained: "TrainedModel", explained: "Explained") -> str:
    """The plots a person asks for, as Markdown that carries the images itself."""
    from risk_platform.models.plots import draw_all

    with tempfile.TemporaryDirectory() as folder:
        draw_all(Path(folder), trained.result.scored, trained.bundle.features, explained)
        images = {
            name: base64.b64encode((Path(folder) / f"{name}.png").read_bytes()).decode()
            for name in _SHOWN_PLOTS
        }
    return "\n\n".join(f"![{name}](data:image/png;base64,{image})" for name, image in images.items())


def _write_down(
    lake: Lake, trained: "TrainedModel", explained: "Explained", logged: "Logged", verdict: "Verdict"
) -> Iterator[Materialized]:
    from risk_platform.models.records import importance_rows, metric_rows, upsert_version, version_row

    version = logged.model_version
    rows = {
        MODEL_VERSIONS: version_row(trained, version, logged.run_id, verdict, datetime.now(UTC)),
        MODEL_METRICS: metric_rows(trained, version),
        FEATURE_IMPORTANCES: importance_rows(trained, explained, version),
    }
    for table, new in rows.items():
        upsert_version(lake, table, new)
        yield dg.MaterializeResult(
            table.name, metadata={"dagster/row_count": lake.dataset(table).count_rows()}
        )
