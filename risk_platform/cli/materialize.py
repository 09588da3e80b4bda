"""One run of every asset in this process, with a line per step as it ends."""

import io
import logging
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from datetime import date
from time import perf_counter
from typing import Any
from uuid import uuid4

import dagster as dg
import sqlalchemy
import sqlalchemy.event
from rich.console import Console

from risk_platform.defs.platform import partition_range_tags
from risk_platform.errors import RiskPlatformError

_SHOWN = (logging.INFO, logging.WARNING, logging.ERROR)


# What dbt says when a model or a test ends: 12 of 53 OK created sql table model main.int_customer ...
_DBT_ENDED = re.compile(r"(\d+) of (\d+) (?:OK|PASS|WARN|FAIL|ERROR)\S* (.+?) \.{2,}")


class DbtLines(io.TextIOBase):
    """Standard output while steps run: of what dbt prints, one short line per model or test that ended."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, text: str) -> int:
        for number, among, what in _DBT_ENDED.findall(text):
            self._console.print(
                f"    [dim]{number}/{among} {what.split()[-1]}[/dim]", highlight=False, soft_wrap=True
            )
        return len(text)


class StepLines:
    """Event listener of a run: one line per finished step, and what failed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began: dict[str, float] = {}
        self.failures: list[str] = []

    def __call__(self, entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event is None and entry.level in _SHOWN:
            self._console.print(f"    [dim]{entry.user_message}[/dim]", highlight=False, soft_wrap=True)
        if event is None:
            return
        if event.step_key and event.event_type == dg.DagsterEventType.STEP_START:
            self._began[event.step_key] = perf_counter()
            self._console.print(f"  … {event.step_key}", highlight=False, soft_wrap=True)
        elif event.step_key and event.event_type == dg.DagsterEventType.STEP_SUCCESS:
            self._console.print(
                f"  [green]✓[/green] {event.step_key} {self._seconds(event.step_key)}",
                highlight=False,
                soft_wrap=True,
            )
        elif event.step_key and event.event_type == dg.DagsterEventType.STEP_FAILURE:
            self.failures.append(_cause(event))
            self._console.print(
                f"  [red]✗[/red] {event.step_key} {self._seconds(event.step_key)}",
                highlight=False,
                soft_wrap=True,
            )

    def _seconds(self, step: str) -> str:
        return f"[dim]{perf_counter() - self._began.get(step, perf_counter()):.1f} s[/dim]"


@contextmanager
def _quick_run_log() -> Iterator[None]:
    """SQLite without a disk flush per event: a power failure may lose the last lines of this run's log, no data."""

    def relax(connection: sqlite3.Connection, _record: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA synchronous = NORMAL")

    sqlalchemy.event.listen(sqlalchemy.Engine, "connect", relax)
    try:
        yield
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "connect", relax)


def _cause(event: dg.DagsterEvent) -> str:
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return f"{event.step_key}: {data.user_failure_data.description}"
    return f"{event.step_key}: {data.error.to_string() if data.error else event.message}"


def materialize(
    job_name: str, first: date, last: date, console: Console, ops: Mapping[str, Any] | None = None
) -> str:
    """Run a partitioned job over the days `first` to `last` and return the run's id.

    `ops` is configuration of its assets by name. Raises RiskPlatformError with the first failed step's cause.
    """
    from risk_platform.definitions import defs

    instance = dg.DagsterInstance.get()
    run_id = str(uuid4())
    lines = StepLines(console)
    instance.add_event_listener(run_id, lines)
    with redirect_stdout(DbtLines(console)), _quick_run_log():
        result = defs.resolve_job_def(job_name).execute_in_process(
            run_config={
                "ops": dict(ops or {}),
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            instance=instance,
            run_id=run_id,
            raise_on_error=False,
            tags=partition_range_tags(first, last),
        )
    if not result.success:
        raise RiskPlatformError(
            f"The run {run_id} failed at {lines.failures[0] if lines.failures else 'its start'}"
        )
    return run_id
