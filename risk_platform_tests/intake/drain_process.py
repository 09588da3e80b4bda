"""A micro-batch in a process of its own that may be killed, and what the lake holds afterwards."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from risk_platform.intake.draining import InboxDrain
from risk_platform.intake.faults import VARIABLE, fault_point
from risk_platform.lake.lake import Lake
from risk_platform.lake.table import Table
from risk_platform.operations.alert_selection import AlertFilter
from risk_platform.operations.alerts import AlertQueue
from risk_platform.operations.database import database_url, open_database
from risk_platform.operations.store import Store
from risk_platform_tests.intake.engine_process import _PROCESSES

_KILLED = -9


def drain_in_process(home: Path, fault: str | None) -> int:
    """Drain the store of `home` into its lake in another process; its exit code, -9 where `fault` killed it."""
    process = _PROCESSES.Process(target=_run, args=(home, fault))
    process.start()
    process.join(120)
    assert process.exitcode in (0, _KILLED), process.exitcode
    return int(process.exitcode)


def _run(home: Path, fault: str | None) -> None:
    store = Store.open(database_url(None, home))
    drain = InboxDrain(
        store, Lake(str(home / "lake")), fault_point({} if fault is None else {VARIABLE: fault})
    )
    drain.drain_events()
    drain.drain_files(store.live_files())
    drain.drain_decisions(datetime.now(UTC))
    store.close()


def keys_in(home: Path, table: Table) -> Counter[str]:
    """How often each payment is in the table."""
    return Counter(Lake(str(home / "lake")).read(table, ["transaction_id"])["transaction_id"].to_pylist())


def alerts_of(home: Path) -> Counter[str]:
    """How many alerts each payment has in the store."""
    database = open_database(database_url(None, home))
    found = AlertQueue(database).page(AlertFilter(), None, 100_000)
    database.dispose()
    return Counter(alert["transaction_id"] for alert in found)
