"""Dagster's real daemon on an installation, with its sensors; its runs may be killed at a named point."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
import psutil

from risk_platform.home import Home
from risk_platform.intake.faults import VARIABLE

_ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def daemon(home: Home, fault: str | None) -> Iterator[None]:
    """The daemon and its code server; `fault` is where each of its runs is killed, None for nowhere."""
    environment = {**os.environ, "RISK_HOME": str(home.root), "DAGSTER_HOME": str(home.dagster)}
    environment |= {"PYTHONPATH": str(_ROOT)} | ({} if fault is None else {VARIABLE: fault})
    command = [str(Path(sys.executable).parent / "dagster-daemon"), "run", "-w", "workspace.yaml"]
    with (home.root / "daemon.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=_ROOT, env=environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            _end(psutil.Process(process.pid))
            process.wait(30)


def _end(root: psutil.Process) -> None:
    processes = [root, *root.children(recursive=True)]
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(processes, 10)[1]:
        process.kill()


def runs(home: Home, status: dg.DagsterRunStatus) -> int:
    """How many micro-batches ended that way, or are that far."""
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        return instance.get_runs_count(dg.RunsFilter(job_name="inbox_job", statuses=[status]))


def wait_until(reached: Callable[[], bool], seconds: float, what: str) -> None:
    """Return once it is so; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, what
        time.sleep(0.5)
