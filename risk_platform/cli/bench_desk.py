"""The desk of the decision benchmark: simulated payments, warm online features, and two models to decide with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from risk_platform.decisions.levels import Thresholds
from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.decisions.rules.book import RuleBook
from risk_platform.decisions.rules.columns import Features
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
        self.warm, self.unseen = self._observe(_WARM_UP), self._observe(_UNSEEN)

    def batches(self, payments: int) -> list[Columns]:
        """The next batches, `payments` of them in all or a few more, as they stand in a file."""
        taken: list[Columns] = []
        while sum(len(batch["source"]) for batch in taken) < payments:
            taken.append(next(self._batches))
        return taken

    def stamp(self, columns: Columns) -> pa.Table:
        """The payments as they enter the inbox: numbered, and known when the last of them happened."""
        table = as_table(columns, "payments")
        self.known_time = max(self.known_time + 1, max(columns["event_time"]))
        payments = stamped(table, self.sequence, self.known_time, self._settings.timezone)
        self.sequence += payments.num_rows
        self.known_time += payments.num_rows
        return payments

    def _observe(self, count: int) -> Observed:
        tables, matrices = [], []
        for columns in self.batches(count):
            tables.append(self.stamp(columns))
            matrices.append(self.features.observe(tables[-1]))
        payments = pa.concat_tables(tables)
        names = payments.column("transaction_id").to_pylist()
        fraud = np.fromiter((name in self._frauds for name in names), np.bool_, len(names))
        return Observed(payments, Features(self.features.names, np.concatenate(matrices)), fraud)


def _frauds(judgements: Path) -> frozenset[str]:
    import pyarrow.parquet as pq

    table = pq.read_table(judgements, columns=["transaction_id", "is_fraud"])
    return frozenset(table.filter(table["is_fraud"])["transaction_id"].to_pylist())


def models(desk: Desk, rules: RuleBook, thresholds: Thresholds) -> Iterator[tuple[str, Bundle]]:
    """A champion by the platform's recipe and 300 trees of 63 leaves, each so that 1 % are not LOW."""
    warm = desk.warm
    everything = Sample(warm.features.values, warm.fraud, np.ones(len(warm.fraud)))
    gain = fit(everything, warm.features.names, Recipe()).feature_importance("gain")
    chosen = tuple(warm.features.names[at] for at in np.sort(np.argsort(-gain)[:_CHOSEN]))
    sample = replace(everything, values=warm.features.matrix(chosen))
    heavy = replace(Recipe(), rounds=300, num_leaves=63, min_sum_hessian_in_leaf=0.01)
    for name, recipe in (("champion", Recipe()), ("300 trees", heavy)):
        text = fit(sample, chosen, recipe).model_to_string()
        yield name, _anchored(_bundle(text, chosen), desk.unseen, rules, thresholds)


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


def _anchored(bundle: Bundle, unseen: Observed, rules: RuleBook, thresholds: Thresholds) -> Bundle:
    """The bundle whose scores, with what rules lift, leave 1 % of the payments it never saw not LOW."""
    lifted = rules.judge(unseen.payments, unseen.features).floors > thresholds.low
    odds = bundle.log_odds(bundle.margins(unseen.features.matrix(bundle.features)))
    wanted = max(1, round(_SHARE_NOT_LOW * len(odds)) - int(lifted.sum()))
    border = float(np.sort(odds[~lifted])[-wanted])
    return replace(bundle, anchor_log_odds=anchor_for(border, thresholds.low, thresholds.alert))


def rule_book(names: tuple[str, ...]) -> RuleBook:
    """The starter rules with the shipped lists."""
    return RuleBook.shipped(names, ReasonDictionary.shipped())
