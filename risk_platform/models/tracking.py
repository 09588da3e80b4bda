"""Tracking: every training run in MLflow, its model in the registry; the only module that imports MLflow."""

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from risk_platform.models.card import model_card
from risk_platform.models.explained import Explained
from risk_platform.models.plots import draw_all
from risk_platform.models.promotion import Verdict
from risk_platform.models.training import TrainedModel
from risk_platform.telemetry import switch_off_telemetry

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "risk_platform"
REGISTERED_MODEL = "fraud"
CHALLENGER = "challenger"
CHAMPION = "champion"


@dataclass(frozen=True)
class Logged:
    """Where a run was logged: its id and the version in the registry."""

    run_id: str
    model_version: str


@dataclass(frozen=True)
class Tracking:
    """The MLflow store: `uri` of runs and registry, `artifacts` folder of their files."""

    uri: str
    artifacts: Path

    def log(self, trained: TrainedModel, explained: Explained) -> Logged:
        """Log parameters, metrics, versions, plots, card and bundle; the model becomes the challenger."""
        with _quiet_client(self.uri) as client, tempfile.TemporaryDirectory(prefix="risk-run-") as scratch:
            run_id = client.create_run(
                self._experiment(client), run_name=f"{trained.bundle.trained_on.last}", tags=_tags(trained)
            ).info.run_id
            for name, value in _parameters(trained).items():
                client.log_param(run_id, name, value)
            for name, number in _metrics(trained).items():
                client.log_metric(run_id, name, number)
            _write_artifacts(Path(scratch), trained, explained)
            client.log_artifacts(run_id, scratch)
            client.set_terminated(run_id)
            version = self._register(client, run_id, trained)
        return Logged(run_id, version)

    def crown(self, logged: Logged, verdict: Verdict) -> None:
        """Record the verdict on the run and the version; a promoted one gets the alias `champion`."""
        with _quiet_client(self.uri) as client:
            client.set_tag(logged.run_id, "verdict", verdict.verdict)
            client.set_tag(logged.run_id, "reason", verdict.reason)
            client.update_model_version(
                REGISTERED_MODEL, logged.model_version, f"{verdict.verdict}: {verdict.reason}"
            )
            if verdict.verdict == "promoted":
                client.set_registered_model_alias(REGISTERED_MODEL, CHAMPION, logged.model_version)

    def version_with(self, alias: str) -> str | None:
        """The version that carries `alias`, None where there is none yet."""
        with _quiet_client(self.uri) as client:
            found = client.search_registered_models(f"name = '{REGISTERED_MODEL}'")
            return next((str(model.aliases[alias]) for model in found if alias in model.aliases), None)

    def _experiment(self, client: "MlflowClient") -> str:
        found = client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            return str(found.experiment_id)
        self.artifacts.mkdir(parents=True, exist_ok=True)
        return str(client.create_experiment(EXPERIMENT, self.artifacts.absolute().as_uri()))

    def _register(self, client: "MlflowClient", run_id: str, trained: TrainedModel) -> str:
        if not client.search_registered_models(f"name = '{REGISTERED_MODEL}'"):
            client.create_registered_model(REGISTERED_MODEL, description="Ranks payments by risk of fraud.")
        source = f"{client.get_run(run_id).info.artifact_uri}/bundle"
        tags = {"bundle_hash": trained.bundle.hash}
        version = client.create_model_version(REGISTERED_MODEL, source, run_id, tags=tags).version
        client.set_registered_model_alias(REGISTERED_MODEL, CHALLENGER, str(version))
        return str(version)


@contextmanager
def _quiet_client(uri: str) -> Iterator["MlflowClient"]:
    switch_off_telemetry()
    os.environ.setdefault("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "false")
    import mlflow

    # Creating its tables is told line by line as information; only what is wrong is worth a line of a run.
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
    yield client


def _tags(trained: TrainedModel) -> dict[str, str]:
    return {
        "bundle_hash": trained.bundle.hash,
        "as_of": trained.as_of.isoformat(),
        "payment_features_version": str(trained.versions.payment_features),
        "judgements_version": str(trained.versions.judgements),
    }


def _parameters(trained: TrainedModel) -> dict[str, object]:
    span, windows = trained.bundle.trained_on, trained.protocol.windows
    return {
        **asdict(trained.development.recipe),
        "features": len(trained.bundle.features),
        "train_from": span.first.isoformat(),
        "train_to": span.last.isoformat(),
        "test": trained.result.fold.describe(),
        "delay_days": windows.delay_days,
        "alert_budget": trained.bundle.alert_budget,
        "calibration_knots": len(trained.bundle.calibration.margins),
    }


def _metrics(trained: TrainedModel) -> dict[str, float]:
    result = trained.result
    measured = {name: value for name, value in result.metrics.as_dict().items() if value is not None}
    floors = {
        f"floor.{floor}.{name}": value
        for floor, values in result.floors.items()
        for name, value in values.items()
        if value is not None
    }
    return {**measured, **floors}


def _write_artifacts(folder: Path, trained: TrainedModel, explained: Explained) -> None:
    trained.bundle.save(folder / "bundle")
    (folder / "model_card.md").write_text(model_card(trained), "utf-8")
    (folder / "features.txt").write_text("\n".join(trained.bundle.features) + "\n", "utf-8")
    steps = [step.describe() for step in trained.development.selection.steps]
    (folder / "selection.txt").write_text("\n".join(steps) + "\n", "utf-8")
    (folder / "plots").mkdir()
    draw_all(folder / "plots", trained.result.scored, trained.bundle.features, explained)
