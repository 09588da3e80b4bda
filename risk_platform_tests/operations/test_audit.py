"""The audit log in the store: whatever is done to it is detected and named."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection

from risk_platform.audit.commitments import Action
from risk_platform.audit.findings import Tampering
from risk_platform.audit.heads import TreeHead
from risk_platform.audit.keeping import HeadKeeper
from risk_platform.errors import AuditError, InputError
from risk_platform.operations.audit_log import forget_record, record_action
from risk_platform.operations.audit_proofs import record_proof
from risk_platform.operations.audit_records import AttestedRun, run_of
from risk_platform.operations.audit_trail import AuditTrail, reading
from risk_platform.operations.audit_verify import Verification
from risk_platform.operations.database import database_url, open_database, writing
from risk_platform.operations.packing import pack
from risk_platform.operations.schema import AUDIT_DETAILS, AUDIT_LEAVES, CONTROL, INBOX
from risk_platform.operations.store import Store
from risk_platform_tests.operations import tampering
from risk_platform_tests.operations.audit_trails import SIGNED, fill, found, heads_of, verified
from risk_platform_tests.operations.runs import control_run, payment_run


def test_an_untouched_trail_is_intact(store: Store, tmp_path: Path) -> None:
    with fill(store, tmp_path) as writer:
        writer.commit([control_run(23, "kill_switch", {"on": True}), payment_run(24, ["T24"], [0.2])])
    assert verified(store, tmp_path) == Verification(13, 11, 24, 0, None)


def test_a_failed_commit_leaves_the_tree_as_it_was(store: Store, tmp_path: Path) -> None:
    with fill(store, tmp_path, 3) as writer:
        with pytest.raises(sa.exc.IntegrityError):
            writer.commit([payment_run(7, ["T7"], [0.2]), payment_run(8, ["T1"], [0.2])])
        writer.commit([payment_run(7, ["T7"], [0.2])])
    assert verified(store, tmp_path) == Verification(4, 0, 7, 0, None)


def test_what_a_failed_commit_appended_is_never_built_upon(store: Store, tmp_path: Path) -> None:
    def fail(stage: str) -> None:
        if stage == "before_commit":
            raise RuntimeError(stage)

    with fill(store, tmp_path, 2) as writer:
        with pytest.raises(RuntimeError, match="before_commit"):
            writer.commit([payment_run(5, ["T5"], [0.2])], fail)
        writer.commit([])
        with writing(store._engine) as connection:
            record_action(connection, Action("noted", "U1", "S1", 1, {}))
        writer.commit([payment_run(5, ["T6"], [0.2])])
    assert verified(store, tmp_path).finding is None


CASES: list[tuple[Callable[[Connection], None], Tampering, str]] = [
    (tampering.edit_leaf, Tampering.EDIT, "Leaf 5 was edited"),
    (tampering.delete_leaf, Tampering.DELETE, "Leaf 5 was deleted"),
    (tampering.delete_leaf_and_renumber, Tampering.DELETE, "Leaf 5 was deleted"),
    (tampering.insert_leaf, Tampering.INSERT, "Leaf 5 was inserted"),
    (tampering.reorder_leaves, Tampering.REORDER, "Leaves 5, 8 were reordered"),
    (tampering.truncate_leaves, Tampering.TRUNCATE, "its last 2 leaves, from leaf 9 on, are gone"),
    (tampering.truncate_leaves_and_hashes, Tampering.TRUNCATE, "attests 11 leaves and the store holds 9"),
    (tampering.rewrite, Tampering.REWRITE, "hashes recomputed: leaves 4 to 6 are not what the head"),
    (tampering.rewrite_a_deletion, Tampering.REWRITE, "hashes recomputed: leaves 4 to 6"),
    (tampering.edit_leaf_hash, Tampering.EDIT, "hashes stored beside them were edited"),
    (tampering.edit_inner_hash, Tampering.EDIT, "edited on level 2"),
    (tampering.edit_payment, Tampering.EDIT, "The payment upi:T6 was edited in the inbox"),
    (tampering.edit_decision, Tampering.EDIT, "A decision, an event or a salt of sequence 5 to 6 was edited"),
    (tampering.delete_run, Tampering.DELETE, "events of sequence 5 to 6 were deleted"),
    (
        tampering.delete_last_run,
        Tampering.DELETE,
        "events from sequence 21 on, which leaf 10 attests, were deleted",
    ),
    (tampering.insert_run, Tampering.INSERT, "events of sequence 23 to 23 are in no leaf"),
    (tampering.edit_time, Tampering.EDIT, "The known_time of the events of sequence 5 to 6 was edited"),
    (tampering.delete_salts, Tampering.EDIT, "salts of the events of sequence 5 to 6"),
    (tampering.delete_alert, Tampering.DELETE, "The alert at sequence 6 was deleted"),
    (tampering.edit_alert, Tampering.EDIT, "The alert at sequence 6 was edited"),
]


@pytest.mark.parametrize(("tamper", "kind", "words"), CASES, ids=[case[0].__name__ for case in CASES])
def test_tampering_is_named(
    filled: Store, tmp_path: Path, tamper: Callable[[Connection], None], kind: Tampering, words: str
) -> None:
    with writing(filled._engine) as connection:
        tamper(connection)
    finding = found(filled, tmp_path)
    assert finding.kind is kind
    assert words in finding.sentence


def test_a_store_put_back_to_an_older_copy_is_named_and_not_signed_again(tmp_path: Path) -> None:
    url, copy = database_url(None, tmp_path), tmp_path / "copy.db"
    store = Store.open(url)
    with fill(store, tmp_path, 5):
        pass
    store.close()
    shutil.copyfile(str(url.database), copy)
    store = Store.open(url)
    heads = store.heads(HeadKeeper.open(tmp_path))
    with store.writer() as writer:
        writer.commit([payment_run(11, ["T11"], [0.1])])
    heads.publish(1)
    store.close()
    shutil.copyfile(copy, str(url.database))
    store = Store.open(url)
    finding = found(store, tmp_path)
    assert finding.kind is Tampering.ROLLBACK
    assert "attests 6 leaves and the store holds 5" in finding.sentence
    with pytest.raises(AuditError, match="rolled back: it has 5 audit leaves, 6 were signed"):
        store.heads(HeadKeeper.open(tmp_path)).publish(2)
    with store.writer() as writer:
        writer.commit([payment_run(11, ["T12"], [0.1]), payment_run(12, ["T13"], [0.1])])
    with pytest.raises(AuditError, match="are not those that were signed"):
        store.heads(HeadKeeper.open(tmp_path)).publish(2)
    store.close()


def test_a_head_is_signed_once_and_only_when_something_was_appended(filled: Store, tmp_path: Path) -> None:
    assert [head.size for head in heads_of(tmp_path)] == list(SIGNED)
    heads = filled.heads(HeadKeeper.open(tmp_path))
    assert heads.publish(5) is None
    with filled.writer() as writer:
        writer.commit([payment_run(23, ["T23"], [0.1])])
    with reading(filled._engine) as connection:
        root = AuditTrail(connection).root(12)
    assert heads.publish(6) == TreeHead(12, root, 6)


def test_what_is_forgotten_leaves_the_tree_intact(filled: Store, tmp_path: Path) -> None:
    with reading(filled._engine) as connection:
        run = run_of(connection, 6)
    assert isinstance(run, AttestedRun)
    with writing(filled._engine) as connection:
        forget_record(connection, 5, 1, run.hashes[1])
        bodies = pack(b"\n".join([run.lines[0], b"null"]))
        connection.execute(sa.update(INBOX).where(INBOX.c.sequence == 5).values(bodies=bodies))
    assert verified(filled, tmp_path) == Verification(11, 11, 22, 1, None)
    with pytest.raises(InputError, match="salt of this record was forgotten"):
        record_proof(filled._engine, "upi", "T6", heads_of(tmp_path))
    assert record_proof(filled._engine, "upi", "T5", heads_of(tmp_path))["record"]["index"] == 0


def test_an_action_is_attested_and_its_details_are_held_against_its_leaf(
    store: Store, tmp_path: Path
) -> None:
    action = Action("alert_resolved", "U1", "alert:2", 17, {"note": "Anrüchig", "email": "a@b.example"})
    with fill(store, tmp_path, 2) as writer:
        with writing(store._engine) as connection:
            assert record_action(connection, action) == 2
        writer.commit([payment_run(5, ["T5"], [0.1])])
    assert verified(store, tmp_path) == Verification(4, 0, 5, 0, None)
    with store._engine.connect() as connection:
        leaf = connection.execute(sa.select(AUDIT_LEAVES.c.leaf).where(AUDIT_LEAVES.c.position == 2))
        assert "example" not in leaf.scalar_one()
    with writing(store._engine) as connection:
        connection.execute(sa.update(AUDIT_DETAILS).values(details=b'{"note":"harmless"}'))
    assert "details of the action alert_resolved in leaf 2 were edited" in found(store, tmp_path).sentence
    with writing(store._engine) as connection:
        connection.execute(AUDIT_DETAILS.delete())
    assert verified(store, tmp_path).finding is None


def test_an_edited_control_history_is_named(store: Store, tmp_path: Path) -> None:
    with fill(store, tmp_path, 1) as writer:
        writer.commit([control_run(3, "kill_switch", {"on": True})])
    assert verified(store, tmp_path).finding is None
    with writing(store._engine) as connection:
        connection.execute(sa.update(CONTROL).values(value='{"on":false}'))
    finding = found(store, tmp_path)
    assert finding.sentence.startswith("The control history was edited: from sequence 3 on")


def test_two_connections_append_without_losing_a_leaf(store: Store, store_url: URL, tmp_path: Path) -> None:
    other = open_database(store_url)
    with store.writer() as writer:
        for at in range(1, 6):
            writer.commit([payment_run(at, [f"T{at}"], [0.1])])
            with writing(other) as connection:
                record_action(connection, Action("signed_in", "U1", "session", at, {}))
    other.dispose()
    HeadKeeper.open(tmp_path)
    assert verified(store, tmp_path) == Verification(10, 0, 5, 0, None)
