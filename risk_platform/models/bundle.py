"""The model bundle: what serving loads, as plain files whose bytes are checked before any is believed."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np

from risk_platform.errors import BundleError, ContractError
from risk_platform.models.calibration import Calibration, sigmoid
from risk_platform.models.payments import Floats, Matrix
from risk_platform.models.trees import parse_trees

if TYPE_CHECKING:
    from risk_platform.models.trees_attribution import Attributor
    from risk_platform.models.trees_rows import RankedForest
    from risk_platform.models.trees_scoring import Scorer

MANIFEST = "manifest.json"
_MODEL = "model.txt"
_FEATURES = "features.json"
_CALIBRATION = "calibration.json"
_THRESHOLDS = "thresholds.json"
_TRAINING = "training.json"
_FILES = (_CALIBRATION, _FEATURES, _MODEL, _THRESHOLDS, _TRAINING)


Quantiles = tuple[float, float, float]


@dataclass(frozen=True)
class TrainingSpan:
    """What a model saw: first and last business day of its payments, the instant its labels were read."""

    first: date
    last: date
    as_of: datetime


@dataclass(frozen=True)
class Bundle:
    """A trained model with all that serving needs.

    `model_text` is LightGBM's native text; `features` names its inputs in order; `reference` gives for each
    the 5, 50 and 95 % quantiles of the training payments nobody reported, None where it was always absent;
    `anchor_log_odds` are the calibrated log odds that the share `alert_budget` of payments reaches.
    """

    model_text: str
    features: tuple[str, ...]
    calibration: Calibration
    anchor_log_odds: float
    alert_budget: float
    trained_on: TrainingSpan
    reference: dict[str, Quantiles | None]

    @cached_property
    def booster(self) -> lgb.Booster:
        """The model as LightGBM's own, the peer of the kernels that serve.

        Raises BundleError when its text is none or has other features.
        """
        try:
            booster = lgb.Booster(model_str=self.model_text)
        except lgb.basic.LightGBMError as error:
            raise BundleError(f"{_MODEL} is not a LightGBM model: {error}.") from error
        if tuple(booster.feature_name()) != self.features:
            raise BundleError(f"{_FEATURES} and {_MODEL} name different features; export the bundle anew.")
        return booster

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the manifest, and so of every byte of the bundle."""
        return hashlib.sha256(_manifest_bytes(self._contents())).hexdigest()

    @cached_property
    def _forest(self) -> "RankedForest":
        from risk_platform.models.trees_rows import rank_forest

        names, trees = parse_trees(self.model_text)
        if names != self.features:
            raise BundleError(f"{_FEATURES} and {_MODEL} name different features; export the bundle anew.")
        return rank_forest(trees)

    @cached_property
    def _scorer(self) -> "Scorer":
        from risk_platform.models.trees_scoring import lay_out_scorer

        return lay_out_scorer(self._forest)

    @cached_property
    def _attributor(self) -> "Attributor":
        from risk_platform.models.trees_attribution import lay_out_attributor

        return lay_out_attributor(self._forest, len(self.features))

    def prepare(self) -> None:
        """Make ready what serving uses, so that the first payment does not wait for it.

        Raises BundleError when the model is not one that the kernels compute.
        """
        nothing = np.full((1, len(self.features)), np.nan)
        self.margins(np.repeat(nothing, 64, axis=0))
        self.margins(nothing)
        self.attributions(nothing)

    def margins(self, values: Matrix) -> Floats:
        """Raw log odds of the model, LightGBM's to the last bit.

        `values` has shape (payments, features), NaN where a value is absent.
        """
        return self._scorer.margins(self._rows(values))

    def log_odds(self, margins: Floats) -> Floats:
        """Calibrated log odds of fraud."""
        return self.calibration(margins)

    def probabilities(self, margins: Floats) -> Floats:
        """Calibrated probability of fraud."""
        return sigmoid(self.calibration(margins))

    def attributions(self, values: Matrix) -> Floats:
        """Path-dependent TreeSHAP values in log odds, shape (payments, features + 1), the base value last.

        A row sums to its margin but for rounding.
        """
        return self._attributor.attributions(self._rows(values))

    def _rows(self, values: Matrix) -> Floats:
        if values.ndim != 2 or values.shape[1] != len(self.features):
            raise ContractError(f"The model takes {len(self.features)} features a row, not {values.shape}.")
        return np.ascontiguousarray(values, dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write the bundle into `folder`, which must be new or empty."""
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise BundleError(f"{folder} is not empty; a bundle gets a folder of its own.")
        contents = self._contents()
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        (folder / MANIFEST).write_bytes(_manifest_bytes(contents))

    @classmethod
    def load(cls, folder: Path) -> "Bundle":
        """The bundle in `folder`; raises BundleError naming the file that is missing, foreign or altered."""
        contents = _checked_contents(folder)
        try:
            bundle = _parse(contents)
        except (KeyError, TypeError, ValueError, ContractError) as error:
            raise BundleError(f"The bundle {folder} cannot be read: {error}.") from error
        if bundle._contents() != contents:
            raise BundleError(f"The bundle {folder} is not in the form this version writes; export it anew.")
        return bundle

    def _contents(self) -> dict[str, bytes]:
        span = self.trained_on
        return {
            _CALIBRATION: _json({"margins": self.calibration.margins, "log_odds": self.calibration.log_odds}),
            _FEATURES: _json([{"name": name, "quantiles": self.reference[name]} for name in self.features]),
            _MODEL: self.model_text.encode(),
            _THRESHOLDS: _json({"alert_budget": self.alert_budget, "anchor_log_odds": self.anchor_log_odds}),
            _TRAINING: _json({k: v.isoformat() for k, v in vars(span).items()}),
        }


def _parse(contents: dict[str, bytes]) -> Bundle:
    table, thresholds = json.loads(contents[_CALIBRATION]), json.loads(contents[_THRESHOLDS])
    features, span = json.loads(contents[_FEATURES]), json.loads(contents[_TRAINING])
    return Bundle(
        model_text=contents[_MODEL].decode(),
        features=tuple(item["name"] for item in features),
        calibration=Calibration(tuple(table["margins"]), tuple(table["log_odds"])),
        anchor_log_odds=float(thresholds["anchor_log_odds"]),
        alert_budget=float(thresholds["alert_budget"]),
        trained_on=TrainingSpan(
            date.fromisoformat(span["first"]),
            date.fromisoformat(span["last"]),
            datetime.fromisoformat(span["as_of"]),
        ),
        reference={item["name"]: tuple(q) if (q := item["quantiles"]) else None for item in features},
    )


def _checked_contents(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        raise BundleError(f"There is no bundle at {folder}.")
    present = {path.name for path in folder.iterdir()}
    for name in sorted(present ^ {*_FILES, MANIFEST}):
        trouble = "does not belong there" if name in present else "is missing"
        raise BundleError(f"Bundle {folder}: {name} {trouble}.")
    contents = {name: (folder / name).read_bytes() for name in _FILES}
    promised = _read_manifest(folder / MANIFEST)
    for name, content in contents.items():
        if promised.get(name) != hashlib.sha256(content).hexdigest():
            raise BundleError(f"Bundle {folder}: {name} is not the bytes its manifest promises.")
    if (folder / MANIFEST).read_bytes() != _manifest_bytes(contents):
        raise BundleError(f"Bundle {folder}: {MANIFEST} was altered.")
    return contents


def _read_manifest(path: Path) -> dict[str, str]:
    try:
        manifest = json.loads(path.read_bytes())
        return {str(name): str(digest) for name, digest in manifest["sha256"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(
            f"Bundle {path.parent}: {MANIFEST} cannot be read; export the bundle anew."
        ) from error


def _manifest_bytes(contents: dict[str, bytes]) -> bytes:
    return _json({"sha256": {name: hashlib.sha256(contents[name]).hexdigest() for name in sorted(contents)}})


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()
