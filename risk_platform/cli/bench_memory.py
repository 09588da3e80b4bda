"""The benchmark of memory: the online features' state of a scaled run, extrapolated with the arithmetic shown."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from risk_platform.cli.figures import Figure
from risk_platform.features.history import in_order
from risk_platform.features.online.engine import OnlineFeatures
from risk_platform.features.spec import load_feature_vars
from risk_platform.intake.stamping import stamped
from risk_platform.lake.table import TIMESTAMP
from risk_platform.settings import Settings, settings
from risk_platform.transactions.simulator.config import SimulationConfig
from risk_platform.transactions.simulator.files import write_simulation

LIMIT_GIB = 12.0
# What an installation must hold: payments of 30 days, by so many customers.
_PAYMENTS, _CUSTOMERS, _DAYS = 100_000_000, 1_000_000, 30
_EACH = _PAYMENTS // _CUSTOMERS
_SIZES = (1_000, 3_000)
# The simulator's customers take about so long for as many payments each; their times are pressed together.
_SIMULATED_DAYS = 75
_GIB = 1 << 30


@dataclass(frozen=True)
class _Run:
    customers: int
    payments: int
    state: int

    @property
    def each(self) -> float:
        """Bytes a payment, spare room included."""
        return self.state / self.payments


def memory_figures(progress: Callable[[str], None]) -> list[Figure]:
    """State of two scaled runs at the wanted rate of each customer, and what follows for the whole."""
    current = settings()
    runs = [_run(customers, current, progress) for customers in _SIZES]
    small, large = runs
    further = (large.state - small.state) / (large.payments - small.payments)
    whole = large.each * _PAYMENTS / _GIB
    progress(
        f"{large.each:.1f} bytes × {_PAYMENTS:,} payments = {whole:.2f} GiB for {_CUSTOMERS:,} customers and "
        f"{_DAYS} days ({further:.1f} bytes for each payment beyond the first {small.payments:,})"
    )
    limit = LIMIT_GIB * _GIB / _PAYMENTS
    return [
        Figure("state_bytes_per_payment", large.each, "bytes", "limit", limit, limit / large.each),
        Figure("state_bytes_per_further_payment", further, "bytes", "limit", limit, limit / further),
        Figure("state_of_100m_payments", whole, "GiB", "limit", LIMIT_GIB, LIMIT_GIB / whole),
    ]


def _run(customers: int, current: Settings, progress: Callable[[str], None]) -> _Run:
    with TemporaryDirectory(prefix="risk-bench-") as folder:
        config = SimulationConfig(customers=customers, days=_SIMULATED_DAYS, seed=11)
        files = write_simulation(config, Path(folder) / "payments.parquet", lambda *_: None).files
        payments, judgements = pq.read_table(files.payments), pq.read_table(files.judgements)
    payments, judgements = _pressed(payments.slice(0, _EACH * customers), judgements)
    features = OnlineFeatures(
        load_feature_vars(),
        label_maturity=current.label_maturity,
        timezone=current.timezone,
        late_tolerance=current.late_tolerance,
    )
    for batch, reported in in_order(_stamped(payments, current.timezone), judgements):
        features.report(reported)
        features.observe(batch)
    run = _Run(customers, payments.num_rows, features.nbytes)
    progress(
        f"{run.customers:,} customers, {run.payments:,} payments ({run.payments / run.customers:.0f} each) in "
        f"{_DAYS} days: {run.state / 1e6:.1f} MB, {run.each:.1f} bytes a payment"
    )
    return run


def _pressed(payments: pa.Table, judgements: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The same events in the wanted number of days."""
    moments = payments["event_time"].cast(TIMESTAMP).to_numpy().view(np.int64)
    first, last = int(moments.min()), int(moments.max())
    pressure = min(1.0, timedelta(days=_DAYS) / timedelta(microseconds=last - first))

    def press(table: pa.Table, name: str) -> pa.Table:
        times = table[name].cast(TIMESTAMP).to_numpy().view(np.int64)
        times = first + ((times - first) * pressure).astype(np.int64)
        at = table.schema.get_field_index(name)
        return table.set_column(at, name, pa.array(times).view(TIMESTAMP))

    return press(payments, "event_time"), press(judgements, "known_time")


def _stamped(payments: pa.Table, timezone: str) -> pa.Table:
    """The payments as the lake has them, each known when it happened."""
    table = stamped(payments.sort_by("event_time").combine_chunks(), 1, 0, timezone)
    at = table.schema.get_field_index("known_time")
    return table.set_column(at, "known_time", table["event_time"])
