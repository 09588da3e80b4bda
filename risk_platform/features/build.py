"""Builds the feature mart: runs the dbt project in process over the lake."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from risk_platform.durations import format_duration
from risk_platform.errors import ContractError
from risk_platform.features.project import PROJECT_FOLDER
from risk_platform.features.workspace import dbt_workspace
from risk_platform.lake.lake import Lake


def build_features(
    lake: Lake,
    *,
    from_date: date,
    to_date: date,
    label_maturity: timedelta,
    timezone: str,
    work_dir: Path,
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Compute `payment_features` for the event dates from `from_date` to `to_date` and replace them in the lake.

    Both dates are included; history before them is read back as far as the windows need. `progress` hears one line
    per finished dbt node; compiled SQL and spilled data stay below `work_dir`.
    Raises ContractError with dbt's message when a model, a contract or a test fails.
    """
    variables = {
        "from_date": from_date.isoformat(),
        "to_date": to_date.isoformat(),
        "label_maturity": format_duration(label_maturity),
        "timezone": timezone,
    }
    run_dbt(lake, ["run"], variables, work_dir, progress)


def run_dbt(
    lake: Lake,
    command: list[str],
    variables: dict[str, Any],
    work_dir: Path,
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Run one dbt command of the feature project on `lake`; raises ContractError when it does not succeed."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    arguments = [
        *command,
        *("--project-dir", str(PROJECT_FOLDER), "--profiles-dir", str(PROJECT_FOLDER)),
        *("--target-path", str(work_dir / "target"), "--log-path", str(work_dir / "logs")),
        *("--vars", json.dumps(variables)),
        *("--log-level", "none", "--log-level-file", "none"),
    ]
    runner = dbtRunner(callbacks=[lambda event: _tell(event, progress)])
    with dbt_workspace(lake, work_dir) as environment, _environment(environment):
        try:
            outcome = runner.invoke(arguments)
        finally:
            # The adapter would keep its database, and the lake snapshots in it, for the next run of the process.
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if not outcome.success:
        raise ContractError(_failure(outcome))


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _tell(event: Any, progress: Callable[[str], None]) -> None:
    if event.info.name in ("LogModelResult", "LogTestResult"):
        progress(event.info.msg)


def _failure(outcome: Any) -> str:
    if outcome.exception is not None:
        return f"dbt could not run the feature project: {outcome.exception}"
    failed = [
        f"{item.node.name}: {item.message}" for item in outcome.result if item.status in ("error", "fail")
    ]
    return "The feature build failed in " + "; ".join(failed)
