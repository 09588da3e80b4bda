"""What Prometheus is told; with several workers their numbers are added up."""

import os
from pathlib import Path

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

# Set before the workers start: each writes its numbers into files of that folder.
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class StreamMetrics:
    """Numbers of the live stream of one worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.listeners = Gauge(
            "risk_api_stream_listeners",
            "Listeners of the live stream.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.messages = Counter(
            "risk_api_stream_messages", "Messages written to listeners.", registry=registry
        )
        self.ends = Counter(
            "risk_api_stream_ends", "Streams that the service ended.", ("code",), registry=registry
        )
        self.lag = Gauge(
            "risk_api_stream_lag_seconds",
            "Age of the newest event when it was passed on to the listeners.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.waiting = Gauge(
            "risk_api_stream_waiting",
            "Messages that wait for the slowest listener.",
            registry=registry,
            multiprocess_mode="livemax",
        )


class Metrics:
    """Counters and histograms of one worker."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "risk_api_requests", "Answered requests.", ("method", "route", "status"), registry=self._registry
        )
        self.seconds = Histogram(
            "risk_api_request_seconds",
            "Seconds from a request to its answer.",
            ("route",),
            registry=self._registry,
            buckets=_SECONDS,
        )
        self.events = Counter(
            "risk_api_events",
            "Payments, judgements and outcomes sent to the engine, by what became of them.",
            ("kind", "status"),
            registry=self._registry,
        )
        self.decisions = Counter(
            "risk_api_decisions", "New decisions that were answered.", ("level",), registry=self._registry
        )
        self.sign_ins = Counter(
            "risk_api_sign_ins", "Attempts to sign in.", ("outcome",), registry=self._registry
        )

        self.stream = StreamMetrics(self._registry)

    def page(self) -> bytes:
        """All numbers in the Prometheus text format."""
        folder = os.environ.get(SHARED_FOLDER)
        if folder is None:
            return generate_latest(self._registry)
        _forget_ended(Path(folder))
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def _forget_ended(folder: Path) -> None:
    """Workers that were killed have no listeners any more; what they counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        worker = int(file.stem.rpartition("_")[2])
        if not psutil.pid_exists(worker):
            mark_process_dead(worker)  # type: ignore[no-untyped-call]
