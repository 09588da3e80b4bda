"""The benchmark of live decisions: from a validated payment to its reasons, against a bare LightGBM predict."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np
import pyarrow as pa

from risk_platform.cli.bench_desk import (
    Desk,
    Floats,
    Progress,
    anchored,
    models,
    predict_seconds,
    rule_book,
)
from risk_platform.cli.bench_submitting import Submitting
from risk_platform.cli.figures import Figure
from risk_platform.cli.stopwatch import Stopwatch
from risk_platform.decisions.archive import Archive
from risk_platform.decisions.engine import DecisionEngine
from risk_platform.decisions.levels import Thresholds
from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.decisions.rules.columns import Features
from risk_platform.home import Home
from risk_platform.intake.core import Core
from risk_platform.intake.door import LiveDoor
from risk_platform.intake.events import Columns
from risk_platform.intake.interpreter import keep_what_is_loaded, switch_often
from risk_platform.intake.lines import as_table
from risk_platform.intake.policy import Policy, PolicyMaker
from risk_platform.intake.refusals import Refusals
from risk_platform.models.bundle import Bundle
from risk_platform.operations.database import database_url
from risk_platform.operations.records import Tail
from risk_platform.operations.store import Store
from risk_platform.settings import Settings, settings

_PAYMENTS = 10_000
_SINGLES = 1_000
_LEAST_PER_SECOND = 30_000.0
_LONGEST_MS = 2.0
_WARM_BATCHES = 2
_FEATURES, _JUDGED = "features", "rules, score, reasons"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class _Decided:
    """One pass: payments, its seconds by stage, the bare predict's on the same rows, and the share not LOW."""

    payments: int
    watch: Stopwatch
    predict: float
    not_low: float


class _Line:
    """The way of payments through the engine without the store, one stage after the other."""

    def __init__(self, desk: Desk, engine: DecisionEngine) -> None:
        self._desk, self._engine, self._door = desk, engine, LiveDoor("payments")

    def decide(self, columns: Columns, watch: Stopwatch) -> tuple[pa.RecordBatch, Floats]:
        """Decisions of one batch, and the features they were made from."""
        payments, matrix = self.take_in(columns, watch)
        return watch.time(_JUDGED, lambda: self.judge(payments, matrix)), matrix

    def take_in(self, columns: Columns, watch: Stopwatch) -> tuple[pa.Table, Floats]:
        """The payments of one batch as they are stamped, and their features."""
        refusals = Refusals(len(columns["source"]))
        last = max(columns["event_time"])
        now = _EPOCH + timedelta(microseconds=last)
        table = watch.time("columns", lambda: as_table(columns, "payments"))
        watch.time("row rules", lambda: self._door.check(columns, now, refusals, table))
        payments = watch.time("stamps", lambda: self._desk.stamp(table, last))
        return payments, watch.time(_FEATURES, lambda: self._desk.features.observe(payments))

    def judge(self, payments: pa.Table, matrix: Floats) -> pa.RecordBatch:
        """Their decisions."""
        return self._engine.decide(
            payments,
            Features(self._desk.features.names, matrix),
            decided_time=payments.column("known_time")[0].as_py(),
            decided_by="engine",
            features_version=-1,
        )


def decide_figures(progress: Progress) -> list[Figure]:
    """End-to-end payments a second with and without the store, and the 99th percentile of one payment."""
    current, figures = settings(), []
    switch_often()
    with TemporaryDirectory(prefix="risk-bench-") as name:
        folder = Path(name)
        desk = Desk(current, folder, progress)
        rules, thresholds = rule_book(desk.features.names), Thresholds.from_settings(current)
        for title, bundle in models(desk, rules, thresholds):
            figures += _Bench(title, bundle, desk, current, progress).figures(folder / title)
    return figures


class _Bench:
    """The figures of one model, each on payments of which exactly 1 % are not LOW."""

    def __init__(self, title: str, bundle: Bundle, desk: Desk, current: Settings, progress: Progress) -> None:
        self._title, self._bundle, self._desk = title, bundle, desk
        self._current, self._progress = current, progress
        self._thresholds = Thresholds.from_settings(current)
        self._reasons, self._rules = ReasonDictionary.shipped(), rule_book(desk.features.names)

    def figures(self, folder: Path) -> list[Figure]:
        """All of them; the store lies in `folder`."""
        keep_what_is_loaded()
        policy, batches = self._next(_PAYMENTS // 5)
        _pass(_Line(self._desk, policy.engine), batches, self._desk, self._bundle)
        policy, batches = self._next(_PAYMENTS)
        bare = _pass(_Line(self._desk, policy.engine), batches, self._desk, self._bundle)
        _tell(self._title, bare, self._progress)
        policy, batches = self._next(_PAYMENTS)
        without = _one_after_the_other(_Line(self._desk, policy.engine), batches)
        policy, batches = self._next(_PAYMENTS + _WARM_BATCHES * self._current.batch_size)
        stored = _stored(self._desk, batches, policy, self._current, folder, self._progress)
        policy, batches = self._next(_SINGLES)
        single = _single_ms(_Line(self._desk, policy.engine), batches)
        self._progress(
            f"{self._title}: one payment, median {single.typical:.2f} ms, p99 {single.longest:.2f} ms; "
            f"of the processors, p99 {single.worked:.2f} ms"
        )
        alone = f"{self._title}, one payment, p99"
        return [
            _ratio(f"{self._title}, without the store", without, bare),
            _ratio(f"{self._title}, with the store", stored, bare),
            _limit(f"{self._title}, without the store", without, "payments/s", _LEAST_PER_SECOND),
            _limit(f"{self._title}, with the store", stored, "payments/s", _LEAST_PER_SECOND),
            Figure(alone, single.longest, "ms", "limit", _LONGEST_MS, _LONGEST_MS / single.longest),
        ]

    def _next(self, payments: int) -> tuple[Policy, list[Columns]]:
        """The next payments, and what decides them so that 1 % are not LOW."""
        batches = self._desk.batches(payments)
        bundle = anchored(self._bundle, self._desk.peek(batches), self._rules, self._thresholds)
        policy = Policy(self._thresholds, self._rules, self._reasons, bundle)
        policy.engine.prepare()
        return policy, batches


def _ratio(name: str, per_second: float, decided: _Decided) -> Figure:
    peer = decided.payments / decided.predict
    return Figure(name, per_second, "payments/s", "bare LightGBM predict, 2 threads", peer, per_second / peer)


def _limit(name: str, value: float, unit: str, limit: float) -> Figure:
    return Figure(name, value, unit, "limit", limit, value / limit)


def _pass(line: _Line, batches: Sequence[Columns], desk: Desk, bundle: Bundle) -> _Decided:
    watch, seen, low = Stopwatch(), [], 0
    for columns in batches:
        decisions, matrix = line.decide(columns, watch)
        seen.append(Features(desk.features.names, matrix).matrix(bundle.features))
        low += decisions.column("level").to_pylist().count("LOW")
    payments = sum(map(len, seen))
    return _Decided(payments, watch, predict_seconds(bundle, seen), 1 - low / payments)


def _one_after_the_other(line: _Line, batches: Sequence[Columns]) -> float:
    """Payments a second when, as in the engine, a batch is judged while the features of the next are computed."""
    began, watch, payments = perf_counter(), Stopwatch(), 0
    with ThreadPoolExecutor(1) as judging:
        decisions = [judging.submit(line.judge, *line.take_in(columns, watch)) for columns in batches]
        payments = sum(future.result().num_rows for future in decisions)
    return payments / (perf_counter() - began)


def _tell(title: str, decided: _Decided, progress: Progress) -> None:
    """The profile: microseconds a payment by stage, beside the bare predict's."""
    share, count = f"{decided.not_low:.1%}", decided.payments
    progress(
        f"{title}: {share} of {count:,} payments are not LOW; µs a payment, and those of the processors:"
    )
    watch = decided.watch
    rows = [(stage, seconds, watch.processor[stage]) for stage, seconds in watch.seconds.items()]
    rows.append(("all", watch.total, sum(watch.processor.values())))
    for stage, seconds, processor in rows:
        progress(f"  {stage:24} {seconds / count * 1e6:7.1f} {processor / count * 1e6:7.1f}")
    progress(f"  {'bare LightGBM predict':24} {decided.predict / count * 1e6:7.1f}")


def _stored(
    desk: Desk,
    batches: Sequence[Columns],
    policy: Policy,
    current: Settings,
    folder: Path,
    progress: Progress,
) -> float:
    """Payments a second through the engine's threads, every batch committed durably; the first ones warm it up."""
    folder.mkdir()
    store = Store.open(database_url(None, folder))
    core = Core(
        store,
        desk.features,
        PolicyMaker(Archive.of(Home(folder)), desk.features.names),
        policy,
        Tail(desk.sequence, desk.known_time),
        timezone=current.timezone,
        late_tolerance=current.late_tolerance,
    )
    with store.writer() as writer:
        engine = Submitting(core, writer, current.batch_size)
        engine.submit(batches[:_WARM_BATCHES])
        began, worked = perf_counter(), process_time()
        payments = engine.submit(batches[_WARM_BATCHES:])
        spent, worked = perf_counter() - began, process_time() - worked
        engine.close()
    progress(f"With the store: {worked / payments * 1e6:.1f} µs of the processors a payment")
    store.close()
    desk.sequence, desk.known_time = core.tail.sequence + 1, core.tail.known_time
    return payments / spent


@dataclass(frozen=True)
class _Single:
    """Milliseconds of payments one by one: median and 99th percentile by the clock, of the processors the latter."""

    typical: float
    longest: float
    worked: float


def _single_ms(line: _Line, batches: Sequence[Columns]) -> _Single:
    spent, worked = [], []
    for columns in batches:
        for at in range(len(columns["source"])):
            watch = Stopwatch()
            line.decide({name: values[at : at + 1] for name, values in columns.items()}, watch)
            spent.append(watch.total * 1e3)
            worked.append(sum(watch.processor.values()) * 1e3)
    typical, longest = np.quantile(spent, [0.5, 0.99]).tolist()
    return _Single(typical, longest, float(np.quantile(worked, 0.99)))
