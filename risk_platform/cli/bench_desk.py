"""The desk of the decision benchmark: simulated payments, warm online features, and two models to decide with."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from risk_platform.decisions.levels import Thresholds
from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.decisions.rules.book import RuleBook
from risk_platform.decisions.rules.columns import Features, Seen
from risk_platform.decisions.scorecard import anchor_for
from risk_platform.features.online.engine import OnlineFeatures
from risk_platform.features.spec import load_feature_vars
from risk_platform.intake.events import Columns
from risk_platform.intake.file_payments import read_payments
from risk_platform.intake.lines import as_table
from risk_platform.intake.stamping import stamped
from risk_platform.models.bundle import Bundle, TrainingSpan
from risk_platform.models.calibration import Calibration
from risk_platform.models.learner import Recipe, Sample, fit
from risk_platform.settings import Settings
from risk_platform.transactions.mapping import load_mapping
from risk_platform.transactions.simulator.config import SimulationConfig
from risk_platform.transactions.simulator.files import write_simulation

Floats = npt.NDArray[np.float64]
Progress = Callable[[str], None]
_EVERYDAY = SimulationConfig(customers=1_500, days=60, seed=11)
_WARM_UP, _UNSEEN = 60_000, 10_000
_CHOSEN = 24
_SHARE_NOT_LOW = 0.01
_PEER_RUNS = 3


@dataclass(frozen=True)
class Observed:
    """Payments in the lake's columns, their features, and which were fraud."""

    payments: pa.Table
    features: Features
    fraud: npt.NDArray[np.bool_]


class Desk:
    """Payments in the order they happen, and the online features that have seen all of them so far."""

    def __init__(self, settings: Settings, folder: Path, progress: Progress) -> None:
        progress("Simulating payments")
        files = write_simulation(_EVERYDAY, folder / "payments.parquet", lambda *_: None).files
        self._settings = settings
        self._frauds = _frauds(files.judgements)
        self._batches = read_payments(files.payments, load_mapping("canonical"), lambda _: None).batches(
            settings.batch_size
        )
        self.sequence, self.known_time = 1, 0
        self.features = OnlineFeatures(
            load_feature_vars(),
            label_maturity=settings.label_maturity,
            timezone=settings.timezone,
            late_tolerance=settings.late_tolerance,
        )
        progress(f"Warming up on {_WARM_UP:,} payments")
        self._folder = folder / "peeked"
        self.warm = self._observed(self.batches(_WARM_UP), self.features)
        self.unseen = self._observed(self.batches(_UNSEEN), self.features)

    def batches(self, payments: int) -> list[Columns]:
        """The next batches, `payments` of them in all or a few more, as they stand in a file."""
        taken: list[Columns] = []
        while sum(len(batch["source"]) for batch in taken) < payments:
            taken.append(next(self._batches))
        return taken

    def stamp(self, table: pa.Table, last: int) -> pa.Table:
        """The payments as they enter the inbox: numbered, and known when the last of them happened (µs)."""
        self.known_time = max(self.known_time + 1, last)
        payments = stamped(table, self.sequence, self.known_time, self._settings.timezone)
        self.sequence += payments.num_rows
        self.known_time += payments.num_rows
        return payments

    def peek(self, batches: Sequence[Columns]) -> Observed:
        """What the next batches will be; a copy of the features looks at them, so that they are still to come."""
        self.features.snapshot(self._folder)
        at = self.sequence, self.known_time
        seen = self._observed(batches, OnlineFeatures.restore(self._folder))
        self.sequence, self.known_time = at
        return seen

    def _observed(self, batches: Sequence[Columns], features: OnlineFeatures) -> Observed:
        tables, matrices = [], []
        for columns in batches:
            tables.append(self.stamp(as_table(columns, "payments"), max(columns["event_time"])))
            matrices.append(features.observe(tables[-1]))
        payments = pa.concat_tables(tables)
        names = payments.column("transaction_id").to_pylist()
        fraud = np.fromiter((name in self._frauds for name in names), np.bool_, len(names))
        return Observed(payments, Features(features.names, np.concatenate(matrices)), fraud)


def _frauds(judgements: Path) -> frozenset[str]:
    import pyarrow.parquet as pq

    table = pq.read_table(judgements, columns=["transaction_id", "is_fraud"])
    return frozenset(table.filter(table["is_fraud"])["transaction_id"].to_pylist())


def models(desk: Desk, rules: RuleBook, thresholds: Thresholds) -> Iterator[tuple[str, Bundle]]:
    """A champion by the platform's recipe and 300 trees of 63 leaves, anchored on payments they never saw."""
    warm = desk.warm
    everything = Sample(warm.features.values, warm.fraud, np.ones(len(warm.fraud)))
    gain = fit(everything, warm.features.names, Recipe()).feature_importance("gain")
    chosen = tuple(warm.features.names[at] for at in np.sort(np.argsort(-gain)[:_CHOSEN]))
    sample = replace(everything, values=warm.features.matrix(chosen))
    heavy = replace(Recipe(), rounds=300, num_leaves=63, min_sum_hessian_in_leaf=0.01)
    for name, recipe in (("champion", Recipe()), ("300 trees", heavy)):
        bundle = _bundle(fit(sample, chosen, recipe).model_to_string(), chosen)
        yield name, anchored(bundle, desk.unseen, rules, thresholds)


def _bundle(text: str, features: tuple[str, ...]) -> Bundle:
    return Bundle(
        model_text=text,
        features=features,
        calibration=Calibration((0.0, 1.0), (0.0, 1.0)),
        anchor_log_odds=0.0,
        alert_budget=_SHARE_NOT_LOW,
        trained_on=TrainingSpan(date(2026, 1, 1), date(2026, 1, 2), datetime(2026, 1, 3, tzinfo=UTC)),
        reference=dict.fromkeys(features),
    )


def anchored(bundle: Bundle, seen: Observed, rules: RuleBook, thresholds: Thresholds) -> Bundle:
    """The bundle whose scores, with what rules lift, leave 1 % of those payments not LOW, and not one more."""
    lifted = rules.judge(Seen(seen.payments, seen.features)).floors > thresholds.low
    odds = np.sort(bundle.log_odds(bundle.margins(seen.features.matrix(bundle.features)))[~lifted])
    wanted = max(0, round(_SHARE_NOT_LOW * len(lifted)) - int(lifted.sum()))
    border = float(odds[-wanted - 1 : len(odds) - wanted + 1].mean())
    return replace(bundle, anchor_log_odds=anchor_for(border, thresholds.low, thresholds.alert))


def rule_book(names: tuple[str, ...]) -> RuleBook:
    """The starter rules with the shipped lists."""
    return RuleBook.shipped(names, ReasonDictionary.shipped())


def predict_seconds(bundle: Bundle, matrices: Sequence[Floats]) -> float:
    """Fastest of a few runs over the same batches, so that the peer is at its best."""
    spent = []
    for _ in range(_PEER_RUNS):
        began = perf_counter()
        for matrix in matrices:
            bundle.booster.predict(matrix, raw_score=True, num_threads=2)
        spent.append(perf_counter() - began)
    return min(spent)
