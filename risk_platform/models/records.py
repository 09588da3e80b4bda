"""The lake's rows about a model: version, metrics, importances; one upsert that keeps the other versions."""

from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from risk_platform.lake.lake import Lake
from risk_platform.lake.table import Table
from risk_platform.lake.tables import FEATURE_IMPORTANCES, MODEL_METRICS, MODEL_VERSIONS
from risk_platform.models.explained import Explained
from risk_platform.models.fold_metrics import best_floors
from risk_platform.models.promotion import Verdict
from risk_platform.models.training import TrainedModel


def version_row(
    trained: TrainedModel, model_version: str, run_id: str, verdict: Verdict, trained_time: datetime
) -> pa.Table:
    """The row of `model_versions`."""
    bundle = trained.bundle
    row = {
        "model_version": model_version,
        "run_id": run_id,
        "trained_time": trained_time,
        "as_of": trained.as_of,
        "train_from": bundle.trained_on.first,
        "train_to": bundle.trained_on.last,
        "verdict": verdict.verdict,
        "reason": verdict.reason,
        "bundle_hash": bundle.hash,
        "features": list(bundle.features),
    }
    return pa.Table.from_pylist([row], schema=MODEL_VERSIONS.schema)


def metric_rows(trained: TrainedModel, model_version: str) -> pa.Table:
    """The rows of `model_metrics`; a metric that is not defined on the test fold has none."""
    result = trained.result
    best = best_floors(result.floors)
    rows = []
    for name, value in result.metrics.as_dict().items():
        if value is None:
            continue
        low, high = result.intervals.get(name, (None, None))
        rows.append(
            {
                "model_version": model_version,
                "metric": name,
                "value": value,
                "low": low,
                "high": high,
                "floor": best.get(name),
            }
        )
    return pa.Table.from_pylist(rows, schema=MODEL_METRICS.schema)


def importance_rows(trained: TrainedModel, explained: Explained, model_version: str) -> pa.Table:
    """The rows of `feature_importances`, strongest first."""
    strengths = explained.strengths()
    rows = [
        {
            "model_version": model_version,
            "feature": trained.bundle.features[column],
            "mean_abs_shap": float(strengths[column]),
            "rank": rank,
        }
        for rank, column in enumerate(np.argsort(-strengths, kind="stable").tolist(), start=1)
    ]
    return pa.Table.from_pylist(rows, schema=FEATURE_IMPORTANCES.schema)


def upsert_version(lake: Lake, table: Table, rows: pa.Table) -> None:
    """Replace the rows of the model versions that `rows` speak of; those of other versions stay."""
    versions = pc.unique(rows["model_version"])
    others = lake.read(table, filter=~pc.field("model_version").isin(versions))
    lake.replace(table, pa.concat_tables([others.select(rows.column_names).cast(rows.schema), rows]))
