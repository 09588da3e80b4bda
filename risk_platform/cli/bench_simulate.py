"""The benchmark of the simulator: a million payments against the limits for time and memory."""

import resource
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from risk_platform.cli.figures import Figure

LIMIT_SECONDS = 30.0
LIMIT_MEMORY_MB = 2048.0
# About a million payments in ninety days; the longer period shows that memory does not follow it.
_CUSTOMERS = 5_500
_DAYS = 90
_LONG_DAYS = 270


@dataclass(frozen=True)
class _Run:
    payments: int
    seconds: float
    peak_mb: float


def simulation_figures() -> list[Figure]:
    """Seconds and peak memory of a million payments, and memory of three times the period; about a minute."""
    short, long = _measured(_DAYS), _measured(_LONG_DAYS)
    seconds = short.seconds * 1_000_000 / short.payments
    per_million_long = long.seconds * 1_000_000 / long.payments
    return [
        Figure("simulate_1m_seconds", seconds, "s", "limit", LIMIT_SECONDS, LIMIT_SECONDS / seconds),
        Figure(
            "simulate_1m_peak", short.peak_mb, "MB", "limit", LIMIT_MEMORY_MB, LIMIT_MEMORY_MB / short.peak_mb
        ),
        Figure(
            "simulate_3m_seconds_per_million",
            per_million_long,
            "s",
            "simulate_1m_seconds",
            seconds,
            seconds / per_million_long,
        ),
        Figure(
            "simulate_3m_peak",
            long.peak_mb,
            "MB",
            "simulate_1m_peak",
            short.peak_mb,
            short.peak_mb / long.peak_mb,
        ),
    ]


def _measured(days: int) -> _Run:
    """One simulation in a process of its own, so that its peak memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_simulate, days).result()


def _simulate(days: int) -> _Run:
    from risk_platform.transactions.simulator.config import SimulationConfig
    from risk_platform.transactions.simulator.files import write_simulation

    with TemporaryDirectory() as folder:
        started = perf_counter()
        summary = write_simulation(SimulationConfig(_CUSTOMERS, days), Path(folder) / "payments.parquet")
        seconds = perf_counter() - started
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return _Run(summary.payments, seconds, peak_kb / 1024)
