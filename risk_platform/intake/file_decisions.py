"""Decisions for a file of payments, as if each had come in live when it happened."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import pyarrow as pa
import pyarrow.parquet as pq

from risk_platform.decisions.archive import Archive, current_rule_book
from risk_platform.decisions.levels import LEVELS, Thresholds
from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.home import Home
from risk_platform.intake.committer import Committer, Group, keys_of
from risk_platform.intake.core import Core
from risk_platform.intake.events import Columns
from risk_platform.intake.file_payments import FilePayments
from risk_platform.intake.history import History, HistoryVersion
from risk_platform.intake.outcome import Outcome
from risk_platform.intake.policy import PolicyMaker, rules_value
from risk_platform.intake.prepared import Preparer
from risk_platform.intake.process import feature_sources, warmed_up
from risk_platform.intake.refusals import Refusals
from risk_platform.intake.rehearsal import rehearse
from risk_platform.intake.waiting import Waiting
from risk_platform.lake.tables import DECISIONS
from risk_platform.models.champion import has_champion, load_champion
from risk_platform.operations.database import database_url
from risk_platform.operations.records import Tail
from risk_platform.operations.store import Store
from risk_platform.settings import Settings

Progress = Callable[[int, int], None]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class FileDecisions:
    """What deciding a file came to: payments decided, seconds it took, and counts of what was decided."""

    payments: int = 0
    duplicates: int = 0
    seconds: float = 0.0
    levels: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(LEVELS, 0)))
    alerts: int = 0
    degraded: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        """Payments decided in a second."""
        return self.payments / self.seconds if self.seconds else 0.0

    def count(self, outcome: Outcome, decisions: pa.RecordBatch | None) -> None:
        """Add one batch."""
        self.refused.update(item.rule for item in outcome.refusals)
        self.duplicates += len(outcome.duplicates)
        if decisions is None:
            return
        self.payments += decisions.num_rows
        self.levels.update(decisions.column("level").to_pylist())
        self.alerts += decisions.column("alerted").true_count
        self.degraded.update(decisions.column("degraded_reason").drop_null().to_pylist())


class FileDecider:
    """An engine for one file: history of the lake before it, champion, rules and thresholds of the installation.

    Its store lies in `folder`, its clock is the payments' own: each batch is known when its last payment
    happened. Nothing of the installation is written to.
    """

    def __init__(self, settings: Settings, home: Home, folder: Path) -> None:
        self._settings = settings
        self._store = Store.open(database_url(None, folder))
        self._sources = feature_sources(settings)
        self._core = self._new_core(home)
        self._preparer = Preparer()

    def tell_history(self, before: datetime, progress: Progress) -> None:
        """Tell the features what the lake knew before that instant."""
        lake = self._sources.lake
        history = History(lake, HistoryVersion.now(lake), before)
        self._core.features.warm(
            history, until=before.astimezone(self._settings.zone).date(), progress=progress
        )

    def decide(self, payments: FilePayments, progress: Progress, out: Path | None) -> FileDecisions:
        """Decide every payment and commit it; `out` gets the decisions as Parquet, in the lake's columns."""
        counts = FileDecisions(refused=Counter(payments.refused))
        failures: list[BaseException] = []
        began, done = perf_counter(), 0
        with self._store.writer() as writer, _decisions_file(out) as write:
            committer = Committer(writer, lambda _: None, failures.append)
            for columns in payments.batches(self._settings.batch_size):
                outcome, decisions = self._decide(columns, committer)
                counts.count(outcome, decisions)
                write(decisions)
                done += outcome.size
                progress(done, payments.frame.height)
            committer.close()
        if failures:
            raise failures[0]
        counts.seconds = perf_counter() - began
        return counts

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def _decide(self, columns: Columns, committer: Committer) -> tuple[Outcome, pa.RecordBatch | None]:
        now = max((time for time in columns["event_time"] if time is not None), default=0)
        refusals = Refusals(len(columns["source"]))
        prepared = self._preparer.check("payment", columns, refusals, _EPOCH + timedelta(microseconds=now))
        if committer.holds(keys_of(prepared.events)):
            committer.settle()
        step = self._core.payments([prepared], now)
        finished = step.finish()
        committer.hand_over(Group([([Waiting(prepared)], step)]))
        return finished.outcomes[0], None if finished.run is None else finished.run.decisions

    def _new_core(self, home: Home) -> Core:
        settings, features = self._settings, self._sources.make()
        maker = PolicyMaker(Archive.of(home), warmed_up(self._sources, settings.timezone))
        policy = maker.first(Thresholds.from_settings(settings))
        rehearse(policy, maker.features, settings.timezone)
        rules = current_rule_book(home, features.names, ReasonDictionary.shipped())
        policy = maker.after(policy, "rules", rules_value(rules))
        if has_champion(home.bundles):
            policy = maker.after(policy, "bundle", {"bundle_hash": load_champion(home.bundles).hash})
        return Core(
            self._store,
            features,
            maker,
            policy,
            Tail(0, 0),
            timezone=settings.timezone,
            late_tolerance=settings.late_tolerance,
        )


@contextmanager
def _decisions_file(out: Path | None) -> Iterator[Callable[[pa.RecordBatch | None], None]]:
    """What writes decisions into the file `out`, or nowhere when there is none."""
    if out is None:
        yield lambda _: None
        return
    with pq.ParquetWriter(out, DECISIONS.schema, compression="zstd") as writer:
        yield lambda decisions: None if decisions is None else writer.write_batch(decisions)
