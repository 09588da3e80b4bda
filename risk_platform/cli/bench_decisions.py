"""The benchmark of the way from a file to its decisions, against a bare LightGBM predict on the same payments."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from risk_platform.cli.figures import Figure
from risk_platform.decisions.batch import decide_range
from risk_platform.decisions.engine import DecisionEngine
from risk_platform.decisions.levels import Thresholds
from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.decisions.rules.book import RuleBook
from risk_platform.features.spec import load_feature_spec
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import PAYMENT_FEATURES
from risk_platform.models.bundle import Bundle
from risk_platform.models.scratch import LabelledFile, Scratch, build_mart, ingest_labelled
from risk_platform.models.training import train_challenger
from risk_platform.settings import settings
from risk_platform.transactions.mapping import load_mapping

# The model learns from the first days only, so that nearly the whole file is decided.
_MODEL_AS_OF = timedelta(days=35)
_PEER_RUNS = 3


def decision_figures(file: Path, mapping_name: str, progress: Callable[[str], None]) -> list[Figure]:
    """Seconds of ingest, features and decisions of `file`, each as multiples of a bare predict on what was decided."""
    mapping, current = load_mapping(mapping_name), settings()
    with TemporaryDirectory(prefix="risk-bench-") as folder:
        scratch = Scratch(Path(folder), current.timezone, mapping.label_delay or current.label_maturity)
        now, began = datetime.now(UTC), perf_counter()
        first, last = ingest_labelled(scratch, LabelledFile(file, mapping, None), now, progress)
        ingested = perf_counter()
        build_mart(scratch, first, last, now, progress)
        featured = perf_counter()
        bundle = _model(scratch, first, progress)
        decided_from = bundle.trained_on.last + timedelta(days=1)
        deciding = perf_counter()
        counts = decide_range(scratch.lake, _engine(bundle), bundle.trained_on, decided_from, last, now)
        decided = perf_counter()
        predict = _bare_predict_seconds(bundle, _matrix(scratch.lake, bundle, decided_from))
    progress(f"{counts.decided:,} payments decided, a bare predict on them takes {predict:.2f} s")
    steps = {
        "ingest": ingested - began,
        "transactions and features": featured - ingested,
        "decisions": decided - deciding,
        "file to decisions": featured - began + decided - deciding,
    }
    return [
        Figure(name, spent, "s", "bare LightGBM predict", predict, predict / spent)
        for name, spent in steps.items()
    ]


def _engine(bundle: Bundle) -> DecisionEngine:
    reasons = ReasonDictionary.shipped()
    rules = RuleBook.shipped(load_feature_spec().names, reasons)
    return DecisionEngine(bundle, Thresholds.from_settings(settings()), reasons, rules)


def _model(scratch: Scratch, first: date, progress: Callable[[str], None]) -> Bundle:
    as_of = datetime.combine(first, datetime.min.time(), ZoneInfo(scratch.timezone)) + _MODEL_AS_OF
    return train_challenger(
        scratch.lake,
        as_of,
        zone=ZoneInfo(scratch.timezone),
        label_maturity=scratch.maturity,
        alert_budget=settings().alert_budget,
        progress=progress,
    ).bundle


def _matrix(lake: Lake, bundle: Bundle, decided_from: date) -> npt.NDArray[np.float64]:
    rows = lake.read(
        PAYMENT_FEATURES, columns=list(bundle.features), filter=pc.field("event_date") >= decided_from
    )
    return np.column_stack([rows[name].to_numpy() for name in bundle.features])


def _bare_predict_seconds(bundle: Bundle, matrix: npt.NDArray[np.float64]) -> float:
    """Fastest of a few runs, so that the peer is at its best."""
    spent = []
    for _ in range(_PEER_RUNS):
        began = perf_counter()
        bundle.booster.predict(matrix, raw_score=True, num_threads=2)
        spent.append(perf_counter() - began)
    return min(spent)
