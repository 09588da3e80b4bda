"""The benchmark of live files: from the file in the landing folder to its alert in the API and its row in the lake."""

import csv
import os
import subprocess  # nosec B404 - our own commands
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
import pyarrow.compute as pc

from risk_platform.api.client import ApiClient
from risk_platform.api.passwords import Passwords
from risk_platform.cli.bench_api import Payments
from risk_platform.cli.bench_desk import Desk, Progress, models, rule_book
from risk_platform.cli.bench_site import HOST, bench_site
from risk_platform.cli.figures import Figure
from risk_platform.cli.up import PROJECT_ROOT
from risk_platform.decisions.levels import Thresholds
from risk_platform.errors import ServiceError
from risk_platform.home import Home, prepare_home
from risk_platform.intake.events import micros
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import MICRO_BATCHES, RAW_TRANSACTIONS
from risk_platform.models.champion import crown
from risk_platform.operations.accounts import Accounts, Role
from risk_platform.operations.database import bring_up_to_date, database_url, open_database
from risk_platform.settings import load_settings, settings

_EMAIL, _PASSWORD = "analyst@example.com", "a password for one benchmark"
_ALERT_LIMIT_S, _LAKE_LIMIT_S = 5.0, 60.0
_ROWS, _SECONDS_BETWEEN = 20, 3.0
_LOOK_SECONDS = 0.1
_START_SECONDS, _PATIENCE_SECONDS, _STOP_SECONDS = 300.0, 240.0, 10.0
# Every payment alerts, so that each one is a measurement; nothing else about the way changes.
_EVERY_SCORE = "0.0000001"


@dataclass
class Journey:
    """When each payment was dropped, when its alert was seen in the API, and when its row in the lake."""

    dropped: dict[str, float] = field(default_factory=dict)
    alerted: dict[str, float] = field(default_factory=dict)
    in_lake: dict[str, float] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether every payment that was dropped has arrived at both ends."""
        return len(self.alerted) == len(self.in_lake) == len(self.dropped)

    def figures(self) -> Iterator[Figure]:
        """Median, 95th percentile and longest of both ways, against the limits of the 95th."""
        for name, seen, limit in (
            ("file dropped → alert in the API", self.alerted, _ALERT_LIMIT_S),
            ("file dropped → payment in the lake", self.in_lake, _LAKE_LIMIT_S),
        ):
            spent = [seen[key] - at for key, at in self.dropped.items()]
            for quantile, word in ((0.5, "p50"), (0.95, "p95"), (1.0, "longest")):
                value = float(np.quantile(spent, quantile))
                yield Figure(f"{name}, {word}", value, "s", "limit of the p95", limit, limit / value)


def live_figures(minutes: float, progress: Progress) -> list[Figure]:
    """Files of 20 payments dropped every 3 s into a running installation: engine, API, Dagster's daemon.

    Raises ServiceError when a payment does not arrive.
    """
    with TemporaryDirectory(prefix="risk-bench-") as name:
        folder = Path(name)
        os.environ["RISK_ALERT_THRESHOLD"] = _EVERY_SCORE
        desk = Desk(settings(), folder, progress)
        home = prepare_home(load_settings(home=folder / "home"))
        _, champion = next(models(desk, rule_book(desk.features.names), Thresholds.from_settings(settings())))
        crown(home.bundles, champion, "1")
        payments = Payments(desk)
        del desk
        _add_analyst(home)
        progress("Starting engine, API and Dagster's daemon")
        with bench_site(home, 1) as site, _daemon(home), ApiClient(f"http://{HOST}:{site.port}") as client:
            client.sign_in(_EMAIL, _PASSWORD)
            lake = Lake(str(home.root / "lake"))
            _wait_until(lambda: lake.exists(MICRO_BATCHES), _START_SECONDS, "no micro-batch came")
            return list(_measured(home, lake, client, payments, minutes, progress).figures())


def _measured(
    home: Home, lake: Lake, client: ApiClient, payments: Payments, minutes: float, progress: Progress
) -> Journey:
    journey, watch = Journey(), _LakeWatch(lake)
    began, number = time.monotonic(), 0
    progress(f"A file of {_ROWS} payments every {_SECONDS_BETWEEN:g} s for {minutes:g} min")
    while time.monotonic() - began < minutes * 60:
        if time.monotonic() - began >= number * _SECONDS_BETWEEN:
            _drop(home, payments, number, journey)
            number += 1
        _look(client, watch, journey)
    _wait_until(lambda: _look(client, watch, journey).is_over, _PATIENCE_SECONDS, "payments are missing")
    progress(f"{len(journey.dropped):,} payments in {number} files, {watch.versions} commits of the lake")
    return journey


def _drop(home: Home, payments: Payments, number: int, journey: Journey) -> None:
    """Write a file under a hidden name and rename it: the clock starts when it is there."""
    rows = [payments.next() for _ in range(_ROWS)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    folder = home.landing_live / "canonical"
    folder.mkdir(exist_ok=True)
    unfinished = folder / f".{number}.csv"
    with unfinished.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, names)
        writer.writeheader()
        writer.writerows(rows)
    unfinished.rename(folder / f"{number}.csv")
    now = time.monotonic()
    journey.dropped.update({row["transaction_id"]: now for row in rows})


class _LakeWatch:
    """Sees new versions of the raw payments, and which payments they brought."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._version = lake.version(RAW_TRANSACTIONS)
        self.versions = 0

    def fresh(self) -> list[str]:
        """The live payments in the lake, when there is a new version; else none."""
        version = self._lake.version(RAW_TRANSACTIONS)
        if version == self._version:
            return []
        self._version = version
        self.versions += 1
        found = self._lake.read(RAW_TRANSACTIONS, ["transaction_id"], pc.field("sequence").is_valid())
        names: list[str] = found["transaction_id"].to_pylist()
        return names


def _look(client: ApiClient, watch: _LakeWatch, journey: Journey) -> Journey:
    """Note what is new in the queue of the API and in the lake."""
    time.sleep(_LOOK_SECONDS)
    missing = [at for name, at in journey.dropped.items() if name not in journey.alerted]
    if missing:
        since = datetime.now(UTC) - timedelta(seconds=time.monotonic() - min(missing) + 5)
        for name in _alerts(client, since):
            journey.alerted.setdefault(name, time.monotonic())
    for name in watch.fresh():
        journey.in_lake.setdefault(name, time.monotonic())
    return journey


def _alerts(client: ApiClient, since: datetime) -> Iterator[str]:
    cursor = None
    while True:
        page = client.get("alerts", limit=500, cursor=cursor, **{"from": since.isoformat()})
        yield from (alert["transaction_id"] for alert in page["items"])
        cursor = page["next_cursor"]
        if cursor is None:
            return


@contextmanager
def _daemon(home: Home) -> Iterator[None]:
    """Dagster's daemon with its sensors, on the code of this very environment."""
    environment = {
        **os.environ,
        "RISK_HOME": str(home.root),
        "DAGSTER_HOME": str(home.dagster),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT_ROOT), os.environ.get("PYTHONPATH")])),
    }
    command = [str(Path(sys.executable).parent / "dagster-daemon"), "run", "-w", "workspace.yaml"]
    with (home.root / "daemon.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment, stdout=log, stderr=log)  # noqa: S603 # nosec B603
        try:
            yield
        finally:
            _stop(psutil.Process(process.pid))


def _stop(daemon: psutil.Process) -> None:
    """End the daemon and the code servers and runs below it, which would write on for a while."""
    processes = [daemon, *daemon.children(recursive=True)]
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(processes, _STOP_SECONDS)[1]:
        process.kill()


def _wait_until(reached: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            raise ServiceError(
                f"After {seconds:g} s {otherwise}; look into the engine's and the daemon's log."
            )
        time.sleep(_LOOK_SECONDS)


def _add_analyst(home: Home) -> None:
    database = open_database(database_url(None, home.root))
    bring_up_to_date(database)
    hashed, now = Passwords().hash(_PASSWORD), micros(datetime.now(UTC))
    Accounts(database).add(_EMAIL, hashed, Role.ANALYST, now, "benchmark")
    database.dispose()
