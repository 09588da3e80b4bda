"""The benchmark of the service: single decisions at a steady rate, batches, and memory, over real HTTP."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import orjson

from risk_platform.cli.bench_desk import Desk, Progress, models, rule_book
from risk_platform.cli.bench_site import HOST, BenchSite, bench_site
from risk_platform.cli.figures import Figure
from risk_platform.cli.load import Caller, Latencies, closed_loop, open_loop
from risk_platform.decisions.levels import Thresholds
from risk_platform.errors import ServiceError
from risk_platform.home import Home, prepare_home
from risk_platform.intake.events import live_fields
from risk_platform.models.champion import crown
from risk_platform.operations.database import database_url
from risk_platform.operations.store import Store
from risk_platform.settings import load_settings, settings

ONE, BATCH = "/api/v1/transactions", "/api/v1/transactions/batch"
_BATCH_SIZE, _WARM_BATCHES, _BATCHES, _AT_ONCE = 10_000, 2, 6, 2
_LONGEST_MS, _LEAST_PER_SECOND = 50.0, 10_000.0
_MIB = 1 << 20
_CHECKED = 200
_SAMPLE_SECONDS = 5.0
_RENEW_SECONDS = 300.0
# What counts as flat: a twentieth more over the run.
_MOST_GROWTH = 1.05


class Payments:
    """Simulated payments as a payment system would send them now, each with an identifier of its own."""

    def __init__(self, desk: Desk) -> None:
        names = [field.name for field in live_fields("payments")]
        self._rows = [
            {name: value for name, value in zip(names, row, strict=True) if value is not None}
            for columns in desk.batches(_BATCH_SIZE)
            for row in zip(*(columns[name] for name in names), strict=True)
        ]
        self.sent = 0

    def next(self) -> dict[str, Any]:
        """A payment made this moment."""
        row = self._rows[self.sent % len(self._rows)]
        self.sent += 1
        name = f"B{self.sent}"
        return {**row, "source": "bench", "transaction_id": name, "event_time": datetime.now(UTC).isoformat()}

    def batch(self) -> bytes:
        """The body of a full batch."""
        return orjson.dumps({"transactions": [self.next() for _ in range(_BATCH_SIZE)]})


@dataclass
class Memory:
    """Bytes of the API and of the engine, looked at every few seconds."""

    api: list[int] = field(default_factory=list)
    engine: list[int] = field(default_factory=list)

    async def watch(self, site: BenchSite) -> None:
        """Look until cancelled."""
        while True:
            self.api.append(site.api_bytes())
            self.engine.append(site.engine_bytes())
            await asyncio.sleep(_SAMPLE_SECONDS)

    def figures(self, minutes: float) -> Iterator[Figure]:
        """The last third of the run against the second: what is loaded at first is not growth."""
        for name, samples in (("API", self.api), ("engine", self.engine)):
            third = max(1, len(samples) // 3)
            before, after = float(np.median(samples[-2 * third : -third])), float(np.median(samples[-third:]))
            title = f"memory of the {name} after {minutes:g} min"
            yield Figure(title, after / _MIB, "MiB", "limit: 5 % more than before", before * _MOST_GROWTH / _MIB,
                         before * _MOST_GROWTH / after)  # fmt: skip


def api_figures(minutes: float, per_second: float, workers: int, progress: Progress) -> list[Figure]:
    """Latency of single decisions at a steady rate, payments a second in batches, memory of the processes."""
    with TemporaryDirectory(prefix="risk-bench-") as name:
        folder = Path(name)
        desk = Desk(settings(), folder, progress)
        home = prepare_home(load_settings(home=folder / "home"))
        _, champion = next(models(desk, rule_book(desk.features.names), Thresholds.from_settings(settings())))
        crown(home.bundles, champion, "1")
        payments = Payments(desk)
        del desk
        progress(f"Starting the engine and {workers} API worker(s)")
        with bench_site(home, workers) as site:
            return asyncio.run(_measured(site, home, payments, minutes, per_second, progress))


async def _measured(
    site: BenchSite, home: Home, payments: Payments, minutes: float, per_second: float, progress: Progress
) -> list[Figure]:
    caller = Caller(HOST, site.port, site.token())
    await closed_loop(caller, BATCH, [payments.batch() for _ in range(_WARM_BATCHES)], 1)
    batches = await _batches(caller, site, payments, progress)
    await open_loop(caller, ONE, per_second, round(per_second * 5), lambda _: orjson.dumps(payments.next()))
    progress(f"{per_second:g} single decisions a second for {minutes:g} min")
    memory, before = Memory(), site.cpu_seconds()
    watching = asyncio.create_task(memory.watch(site))
    renewing = asyncio.create_task(_renew(caller, site))
    count = round(per_second * 60 * minutes)
    latencies = await open_loop(caller, ONE, per_second, count, lambda _: orjson.dumps(payments.next()))
    watching.cancel()
    renewing.cancel()
    after = site.cpu_seconds()
    await caller.close()
    spent = {name: (after[name] - before[name]) / count * 1e6 for name in after}
    progress(f"Processor time a decision: {spent['api']:.0f} µs API, {spent['engine']:.0f} µs engine")
    progress(
        f"{caller.connections} connections; the generator was at most {latencies.late_starts * 1e3:.1f} ms late"
    )
    latencies.refuse_failures()
    _refuse_loss(home, payments.sent)
    return [*_latency_figures(latencies, per_second), batches, *memory.figures(minutes)]


async def _renew(caller: Caller, site: BenchSite) -> None:
    """Sign in again before an access token ends."""
    while True:
        await asyncio.sleep(_RENEW_SECONDS)
        caller.token = await asyncio.to_thread(site.token)


async def _batches(caller: Caller, site: BenchSite, payments: Payments, progress: Progress) -> Figure:
    bodies = [payments.batch() for _ in range(_BATCHES)]
    before, began = site.cpu_seconds(), perf_counter()
    answers = await closed_loop(caller, BATCH, bodies, _AT_ONCE)
    spent = perf_counter() - began
    accepted = sum(orjson.loads(answer)["accepted"] for answer in answers)
    if accepted != _BATCHES * _BATCH_SIZE:
        raise ServiceError(f"Only {accepted:,} payments of the batches were accepted.")
    used = {name: (seconds - before[name]) / accepted * 1e6 for name, seconds in site.cpu_seconds().items()}
    progress(f"Processor time a payment in batches: {used['api']:.1f} µs API, {used['engine']:.1f} µs engine")
    rate = accepted / spent
    return Figure("batch endpoint", rate, "payments/s", "limit", _LEAST_PER_SECOND, rate / _LEAST_PER_SECOND)


def _latency_figures(latencies: Latencies, per_second: float) -> Iterator[Figure]:
    for quantile in (0.5, 0.95, 0.99):
        value = float(np.quantile(latencies.milliseconds, quantile))
        name = f"one decision at {per_second:g}/s, p{quantile * 100:g}"
        yield Figure(name, value, "ms", "limit of the p99", _LONGEST_MS, _LONGEST_MS / value)


def _refuse_loss(home: Home, sent: int) -> None:
    """Raise ServiceError when a payment that was answered is not in the store of the still running engine."""
    store = Store.open(database_url(None, home.root))
    numbers = np.linspace(1, sent, _CHECKED).astype(int).tolist()
    found = store.find("payment", ["bench"] * len(numbers), [f"B{number}" for number in numbers])
    store.close()
    if len(found) < len(numbers):
        raise ServiceError(f"{len(numbers) - len(found)} of {len(numbers)} answered payments are not stored.")
