"""The inbox drained into the lake: whole, once, in its order, wherever a drain was broken off."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest

from risk_platform.errors import ContractError
from risk_platform.home import Home
from risk_platform.intake.draining import InboxDrain, Stretch
from risk_platform.intake.faults import DRAIN_POINTS
from risk_platform.intake.live_feeder import LiveFeeder
from risk_platform.intake.process import Running
from risk_platform.lake.lake import Lake
from risk_platform.lake.table import Table
from risk_platform.lake.tables import (
    DECISIONS,
    INGESTED_FILES,
    JUDGEMENTS,
    MICRO_BATCHES,
    OUTCOMES,
    QUARANTINE,
    RAW_TRANSACTIONS,
)
from risk_platform_tests.intake.events import NOW, payment, payments
from risk_platform_tests.intake.live_folder import drop

VERDICT = {"source": "upi", "transaction_id": "T2", "is_fraud": True, "judged_by": "chargeback"}
OUTCOME = {"source": "upi", "transaction_id": "T3", "outcome": "declined"}


@pytest.fixture
def lake(home: Home) -> Lake:
    return Lake(str(home.root / "lake"))


class _KilledError(Exception):
    """Stands for the end of the process."""


def send(running: Running, first: int, last: int) -> None:
    running.engine.submit("payment", payments(first, last)).result(60)


def report(running: Running) -> None:
    running.engine.submit("judgement", [VERDICT | {"judgement_id": "J1"}]).result(60)
    running.engine.submit("judgement", [VERDICT | {"judgement_id": "J1", "source": "card"}]).result(60)
    running.engine.submit("outcome", [OUTCOME]).result(60)


def drained(running: Running, lake: Lake, reached: Callable[[str], None] = lambda _: None) -> None:
    drain = InboxDrain(running.store, lake, reached)
    drain.drain_events()
    drain.drain_decisions(NOW)


def counts(lake: Lake) -> dict[str, int]:
    tables = (RAW_TRANSACTIONS, DECISIONS, JUDGEMENTS, OUTCOMES)
    return {table.name: lake.read(table).num_rows for table in tables}


def column(lake: Lake, table: Table, name: str, by: str) -> list[object]:
    values: list[object] = lake.read(table).sort_by(by)[name].to_pylist()
    return values


def test_everything_is_drained_once(running: Running, lake: Lake) -> None:
    send(running, 1, 20)
    report(running)
    drained(running, lake)
    send(running, 21, 25)
    drained(running, lake)
    version = lake.version(RAW_TRANSACTIONS)
    drained(running, lake)
    assert counts(lake) == {"raw_transactions": 25, "decisions": 25, "judgements": 2, "outcomes": 1}
    assert lake.version(RAW_TRANSACTIONS) == version
    assert InboxDrain(running.store, lake).waiting().is_empty
    assert lake.read(MICRO_BATCHES).num_rows == 2


def test_payments_keep_their_place_and_decisions_what_the_engine_saw(running: Running, lake: Lake) -> None:
    send(running, 1, 9)
    drained(running, lake)
    rows = lake.read(RAW_TRANSACTIONS).sort_by("sequence")
    first = rows["sequence"][0].as_py()
    assert rows["sequence"].to_pylist() == list(range(first, first + 9))
    assert rows["transaction_id"].to_pylist() == [f"T{number}" for number in range(1, 10)]
    known = rows["known_time"].to_pylist()
    assert [later - earlier for earlier, later in pairwise(known)] == [timedelta(microseconds=1)] * 8
    decided = lake.read(DECISIONS).sort_by("sequence")
    assert decided.to_pylist() == running.store.decisions_of_run(first).to_pylist()


def test_reports_of_two_sources_under_one_identifier_are_two(running: Running, lake: Lake) -> None:
    report(running)
    drained(running, lake)
    assert column(lake, JUDGEMENTS, "judgement_id", "judgement_id") == ["card:J1", "upi:J1"]
    known = running.store.tail().known_time
    [told] = lake.read(OUTCOMES)["known_time"].cast("int64").to_pylist()
    assert told == known


@pytest.mark.parametrize("point", DRAIN_POINTS)
@pytest.mark.parametrize("time", [1, 2, 3])
def test_a_drain_that_breaks_off_is_completed(point: str, time: int, running: Running, lake: Lake) -> None:
    send(running, 1, 10)
    report(running)
    left = [time]

    def reached(name: str) -> None:
        left[0] -= name == point
        if not left[0]:
            raise _KilledError

    with pytest.raises(_KilledError):
        drained(running, lake, reached)
    send(running, 11, 15)
    drained(running, lake)
    assert counts(lake) == {"raw_transactions": 15, "decisions": 15, "judgements": 2, "outcomes": 1}


def test_what_history_brought_is_not_brought_again(running: Running, lake: Lake) -> None:
    send(running, 1, 5)
    drained(running, lake)
    kept = lake.read(RAW_TRANSACTIONS)
    other = Lake(lake.root + "_other")
    other.insert_if_absent(RAW_TRANSACTIONS, kept.slice(0, 2))
    inserted = InboxDrain(running.store, other).drain_events()[RAW_TRANSACTIONS.name]
    assert (inserted.inserted, inserted.duplicates) == (3, 2)


def test_live_files_are_told_of_with_their_refused_lines(running: Running, home: Home, lake: Lake) -> None:
    drop(home, "canonical", "morning.csv", [*payments(1, 3), payment(4, channel="PIGEON")])
    files = running.store.live_files()
    LiveFeeder(home, files, running.engine, lambda: NOW, lambda _: None).look()
    drain = InboxDrain(running.store, lake)
    assert [drain.drain_files(files), drain.drain_files(files)] == [1, 0]
    [file] = lake.read(INGESTED_FILES).to_pylist()
    assert (file["file_name"], file["read"], file["accepted"], file["quarantined"]) == (
        "morning.csv",
        4,
        3,
        1,
    )
    [refused] = lake.read(QUARANTINE).to_pylist()
    assert (refused["source_line"], refused["rule"], refused["value"]) == (4, "channel_known", "PIGEON")


def test_a_store_that_was_restored_from_an_older_copy_is_refused(running: Running, lake: Lake) -> None:
    send(running, 1, 5)
    drained(running, lake)
    drain = InboxDrain(running.store, lake)
    ahead = running.store.tail().sequence + 7
    rows = lake.read(MICRO_BATCHES).schema.empty_table()
    lake.append_once(MICRO_BATCHES, rows, f"inbox-{drain.store_id}", ahead)
    with pytest.raises(ContractError, match="restored from an older copy"):
        drain.waiting()


def test_an_empty_store_waits_for_nothing(running: Running, lake: Lake) -> None:
    drained(running, lake)
    assert InboxDrain(running.store, lake).waiting() == Stretch(
        running.store.tail().sequence + 1, running.store.tail().sequence
    )
