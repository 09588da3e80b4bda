"""The store: group commits are whole, keys are unique, evidence comes back to the bit, one engine owns it."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import URL

from risk_platform.errors import ServiceError, SettingsError
from risk_platform.operations.database import database_url, open_database
from risk_platform.operations.records import StoredKey, StoredRun, Tail, body_hashes, canonical_json
from risk_platform.operations.schema import ALERTS, METADATA
from risk_platform.operations.store import Store
from risk_platform_tests.operations.runs import KNOWN, control_run, payment_run


def test_what_is_committed_is_read_back(store: Store) -> None:
    run = payment_run(1, ["T1", "T2", "T3"], [0.1, 0.9, 0.3])
    with store.writer() as writer:
        writer.commit([run, control_run(4, "kill_switch", {"on": True})])
    assert store.tail() == Tail(4, KNOWN + 4)
    first, second = store.runs()
    assert first == StoredRun(1, 3, "payment", KNOWN + 1, "Asia/Kolkata", b"\n".join(run.events.lines))
    assert (second.sequence, second.kind) == (4, "control")
    assert run.decisions is not None
    assert store.decisions_of_run(2).equals(run.decisions)
    assert store.decision_at(3).equals(run.decisions.slice(2))
    assert [change.value for change in store.control_history()] == [{"on": True}]
    assert store.control_history(until=3) == []


def test_reading_goes_on_behind_a_sequence(store: Store) -> None:
    with store.writer() as writer:
        for sequence in range(1, 200):
            writer.commit([payment_run(sequence, [f"T{sequence}"], [0.1])])
    assert [run.sequence for run in store.runs(after=64)] == list(range(65, 200))


def test_keys_are_found_by_position(store: Store) -> None:
    run = payment_run(1, ["T1", 'T"2\\é', "T3"], [0.1, 0.2, 0.3])
    with store.writer() as writer:
        writer.commit([run])
    hashes = body_hashes(run.events.lines)
    found = store.find("payment", ["upi", "upi", "card"], ['T"2\\é', "T9", "T1"])
    assert found == {0: StoredKey(2, hashes[16:32])}
    assert store.find("judgement", ["upi"], ["T1"]) == {}


def test_a_key_twice_breaks_the_whole_commit(store: Store) -> None:
    with store.writer() as writer:
        writer.commit([payment_run(1, ["T1"], [0.1])])
        with pytest.raises(sa.exc.IntegrityError):
            writer.commit([payment_run(2, ["T2"], [0.9]), payment_run(3, ["T1"], [0.9])])
        assert store.tail().sequence == 1
        writer.commit([payment_run(2, ["T2"], [0.9])])
    assert store.tail().sequence == 2


def test_alerts_have_rows_of_their_own(store: Store) -> None:
    with store.writer() as writer:
        writer.commit([payment_run(1, ["T1", "T2"], [0.1, 0.9])])
    with store._engine.connect() as connection:
        rows = connection.execute(sa.select(ALERTS)).all()
    decided = (2, "upi", "T2", "DT2", KNOWN + 2, 0.9, "HIGH", "hold")
    assert [tuple(row) for row in rows] == [(*decided, "C1", 100, None, None, 0.9, 90.0, 0.9 * (1 - 0.9))]


def test_every_run_has_an_audit_leaf_that_holds_no_personal_data(store: Store) -> None:
    with store.writer() as writer:
        writer.commit([payment_run(1, ["T1", "T2"], [0.1, 0.9])])
    leaf = store.leaf_at(2)
    assert leaf is not None
    assert leaf == canonical_json(json.loads(leaf))
    assert set(json.loads(leaf)) == {
        "columns",
        "events",
        "kind",
        "known_time",
        "records",
        "sequence",
        "version",
    }
    assert store.leaf_at(1) is None


def test_a_payment_that_never_came_in_has_no_decision(store: Store) -> None:
    with store.writer() as writer:
        writer.commit([payment_run(1, ["T1"], [0.1])])
    assert store.decision_on("upi", "T2") is None
    with pytest.raises(ServiceError, match="no decision at sequence 2"):
        store.decision_at(2)


def test_a_second_writer_is_refused_until_the_first_is_killed(store: Store, store_url: URL) -> None:
    address = store_url.render_as_string(hide_password=False)
    program = (
        "import sys, time; from sqlalchemy.engine import make_url; from risk_platform.operations.store import Store\n"
        "with Store.open(make_url(sys.argv[1])).writer(): print('owned', flush=True); time.sleep(600)"
    )
    owner = subprocess.Popen([sys.executable, "-c", program, address], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner:
        assert owner.stdout.readline() == "owned\n"
        with pytest.raises(ServiceError, match="belongs to a running engine"), store.writer():
            pass
        owner.kill()
    _wait_until_owned(store)


def _wait_until_owned(store: Store) -> None:
    """PostgreSQL's session ends a moment after its client is gone."""
    for _ in range(200):
        try:
            with store.writer():
                return
        except ServiceError:
            continue
    raise AssertionError("the dead owner's lock was never released")


def test_the_migrations_make_the_tables_of_this_version(store: Store, store_url: URL) -> None:
    with store.writer():
        pass
    engine = open_database(store_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()


def test_sqlite_syncs_every_commit(tmp_path: Path) -> None:
    engine = open_database(database_url(None, tmp_path))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    engine.dispose()


@pytest.mark.parametrize(
    ("address", "words"),
    [("mysql://host/db", "names mysql"), ("no address", "is no address"), ("sqlite://", "names sqlite")],
)
def test_a_wrong_address_is_refused(address: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=words):
        database_url(address, tmp_path)


def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    url = database_url("postgresql://me:secret@127.0.0.1:1/none", tmp_path)
    with pytest.raises(ServiceError, match="cannot be opened") as refusal:
        Store.open(url)
    assert "secret" not in str(refusal.value)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_doubles_survive_to_the_last_bit(tmp_path: Path, scores: list[float]) -> None:
    (tmp_path / "operations.db").unlink(missing_ok=True)
    store = Store.open(database_url(None, tmp_path))
    run = payment_run(1, [f"T{at}" for at in range(len(scores))], scores)
    with store.writer() as writer:
        writer.commit([run])
    assert run.decisions is not None
    assert store.decisions_of_run(1).serialize().equals(run.decisions.serialize())
    store.close()


def test_who_stops_writing_lets_the_next_one_write(store: Store) -> None:
    with store.writer() as writer:
        writer.commit([payment_run(1, ["T1"], [0.1])])
    # The pool has sessions of its own: the next writer must not get the lock only by getting the same one.
    with store._engine.connect(), store.writer() as writer:
        writer.commit([payment_run(2, ["T2"], [0.1])])
    assert store.tail().sequence == 2


def test_keys_of_several_sources_in_one_run_are_found(store: Store) -> None:
    run = payment_run(1, ["T1", "T1", "T2"], [0.1, 0.2, 0.3])
    mixed = replace(run, events=replace(run.events, sources=["upi", "card", "upi"]))
    with store.writer() as writer:
        writer.commit([mixed])
    found = store.find("payment", ["card", "upi", "card", "upi"], ["T1", "T1", "T2", "T2"])
    assert {place: key.sequence for place, key in found.items()} == {0: 2, 1: 1, 3: 3}
    assert [found[place].body_hash for place in (1, 0, 3)] == [
        run.body_hashes[at : at + 16] for at in (0, 16, 32)
    ]
