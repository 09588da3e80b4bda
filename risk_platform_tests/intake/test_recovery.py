"""A restarted engine is the engine that stopped: same state, same decisions, or a refusal that says what differs."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from risk_platform.errors import ContractError, ServiceError
from risk_platform.home import Home, prepare_home
from risk_platform.intake.process import Running, running_engine
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import JUDGEMENTS, TRANSACTIONS
from risk_platform.models.bundle import Bundle
from risk_platform.models.champion import crown
from risk_platform.operations.database import database_url
from risk_platform.operations.packing import pack, read_rows, unpack
from risk_platform.operations.store import Store
from risk_platform.settings import Settings
from risk_platform_tests.intake.conftest import StartEngine
from risk_platform_tests.intake.events import NOW, payment, payments


def send(running: Running, first: int, last: int) -> list[dict[str, Any]]:
    return running.engine.submit("payment", payments(first, last)).result(60).answers()


def state_hash(running: Running) -> str:
    return running.engine.quietly(lambda core: core.features.state_hash()).result(60)


def take_snapshot(running: Running) -> Path:
    writing = running.engine.quietly(lambda core: running.snapshots.start(core, lambda _: None))
    return writing.result(60).wait()


def test_the_state_after_a_restart_is_the_state_before_it(start: StartEngine) -> None:
    judgement = {"source": "upi", "transaction_id": "T3", "is_fraud": True, "judged_by": "customer"}
    with start() as running:
        send(running, 1, 30)
        running.engine.submit("judgement", [judgement]).result(60)
        running.engine.control("kill_switch", {"on": True}).result(60)
        send(running, 31, 40)
        before = state_hash(running)
    with start() as running:
        assert running.replayed == running.store.tail().sequence
        assert state_hash(running) == before
        assert send(running, 41, 41)[0]["degraded_reason"] == "kill switch"


def test_a_snapshot_saves_replaying_and_changes_nothing(start: StartEngine) -> None:
    with start() as running:
        send(running, 1, 30)
        take_snapshot(running)
        send(running, 31, 40)
        before = state_hash(running)
    with start() as running:
        assert running.replayed == 10
        assert state_hash(running) == before


def test_the_engine_goes_on_while_a_snapshot_is_written(start: StartEngine) -> None:
    with start() as running:
        send(running, 1, 30)
        begun = running.store.tail().sequence
        writing = running.engine.quietly(lambda core: running.snapshots.start(core, lambda _: None)).result(
            60
        )
        send(running, 31, 60)
        before = state_hash(running)
        assert int(writing.wait().name) == begun
    with start() as running:
        assert running.replayed == 30
        assert state_hash(running) == before


def test_a_snapshot_that_cannot_be_written_is_told_and_the_one_before_counts(
    start: StartEngine, home: Home
) -> None:
    with start() as running:
        send(running, 1, 30)
        kept = take_snapshot(running)
        send(running, 31, 40)
        shutil.move(kept.parent, home.root / "aside")
        kept.parent.write_text("no folder")
        with pytest.raises(ServiceError, match="was not written"):
            take_snapshot(running)
        kept.parent.unlink()
        shutil.move(home.root / "aside", kept.parent)
    with start() as running:
        assert running.replayed == 10


def test_a_damaged_snapshot_is_passed_over(start: StartEngine) -> None:
    with start() as running:
        send(running, 1, 30)
        folder = take_snapshot(running)
        before = state_hash(running)
    for path in folder.rglob("*.npz"):
        path.write_bytes(path.read_bytes()[:-100])
    with start() as running:
        assert running.replayed == running.store.tail().sequence
        assert state_hash(running) == before


def test_a_snapshot_of_another_inbox_is_passed_over(
    start: StartEngine, installation: Settings, home: Home
) -> None:
    with start() as running:
        send(running, 1, 30)
        take_snapshot(running)
    for path in home.root.glob("operations.db*"):
        path.unlink()
    with start() as running:
        send(running, 100, 140)
    with start() as running:
        assert running.replayed == running.store.tail().sequence


def test_a_decision_that_would_be_another_today_stops_the_start(start: StartEngine, home: Home) -> None:
    with start() as running:
        send(running, 1, 5)
    engine = sa.create_engine(database_url(None, home.root))
    with engine.begin() as connection:
        found: tuple[int, bytes, bytes] = connection.exec_driver_sql(
            "SELECT sequence, rows, schema FROM decisions JOIN record_formats USING (format)"
        ).one()
        sequence, packed, schema = found
        rows = read_rows(unpack(packed), schema)
        scores = pa.array([0.123, *rows.column("score").to_pylist()[1:]])
        altered = rows.set_column(rows.schema.get_field_index("score"), rows.schema.field("score"), scores)
        connection.exec_driver_sql("UPDATE decisions SET rows = ?", (pack(altered.serialize()),))
    engine.dispose()
    with pytest.raises(ContractError, match=f"sequence {sequence}: score was 0.123"), start():
        pass


def test_one_engine_at_a_time(running: Running, start: StartEngine) -> None:
    with pytest.raises(ServiceError, match="belongs to a running engine"), start():
        pass


def test_the_history_of_the_lake_lies_before_the_first_payment(
    start: StartEngine, installation: Settings
) -> None:
    """What is ingested after the store began is no part of its state, also when that is rebuilt."""
    lake = Lake(installation.lake_root)
    lake.replace_range(TRANSACTIONS, _history(range(1, 21)), NOW.date(), NOW.date())
    lake.insert_if_absent(JUDGEMENTS, pa.Table.from_pylist([], schema=JUDGEMENTS.schema))
    with start() as running:
        assert send(running, 5, 5)[0]["rule"] == "not_observable"
        send(running, 21, 30)
        before = state_hash(running)
    lake.replace_range(TRANSACTIONS, _history(range(1, 26)), NOW.date(), NOW.date())
    with start() as running:
        assert state_hash(running) == before


def _history(numbers: range) -> pa.Table:
    from risk_platform.intake.events import read_events
    from risk_platform.intake.lines import as_table
    from risk_platform.intake.refusals import Refusals
    from risk_platform.intake.stamping import stamped

    events = [payment(number) for number in numbers]
    columns = read_events("payments", events, Refusals(len(events)))
    rows = stamped(as_table(columns, "payments"), 1, columns["event_time"][0], "Asia/Kolkata")
    rows = rows.set_column(rows.schema.get_field_index("known_time"), "known_time", rows["event_time"])
    rows = rows.set_column(
        rows.schema.get_field_index("sequence"), "sequence", pa.nulls(rows.num_rows, pa.int64())
    )
    none = pa.array([[]] * rows.num_rows, pa.list_(pa.string()))
    return rows.append_column("broken_rules", none).cast(TRANSACTIONS.schema)


@settings(deadline=None, max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.integers(1, 60), min_size=0, max_size=6, unique=True).map(sorted), snapshot=st.booleans()
)
def test_decisions_do_not_depend_on_how_payments_were_cut_into_submissions(
    cuts: list[int], snapshot: bool, tmp_path_factory: pytest.TempPathFactory, model: Bundle
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    scores = []
    for name, edges in (("whole", []), ("cut", cuts)):
        installation = Settings(_env_file=None, home=folder / name)  # type: ignore[call-arg]
        home = prepare_home(installation)
        crown(home.bundles, model, "1")
        told: list[dict[str, Any]] = []
        for begin, end in zip([1, *[e + 1 for e in edges]], [*edges, 60], strict=True):
            if begin <= end:
                with running_engine(installation, home, lambda: NOW, lambda _: None) as running:
                    told += send(running, begin, end)
                    if snapshot:
                        take_snapshot(running)
        scores.append(
            [(answer["decision_id"], answer["probability"], answer["reason_codes"]) for answer in told]
        )
    assert scores[0] == scores[1]


def test_the_inbox_may_be_read_while_the_engine_writes(running: Running, home: Home) -> None:
    send(running, 1, 10)
    reader = Store.open(database_url(None, home.root))
    assert reader.tail() == running.store.tail()
    reader.close()
