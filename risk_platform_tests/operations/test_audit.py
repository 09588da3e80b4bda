"""The audit log in the store: what was done to it is detected and named, and what is proved is proved to outsiders."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection

from risk_platform.audit.commitments import Action
from risk_platform.audit.findings import Finding, Tampering
from risk_platform.audit.heads import SignedHead, TreeHead
from risk_platform.audit.keeping import (
    HeadKeeper,
    exported_heads,
    heads_file,
    public_key_file,
    read_public_key,
)
from risk_platform.audit.tree import Frontier, leaf_hash
from risk_platform.errors import AuditError, InputError
from risk_platform.operations.audit_log import forget_record, record_action
from risk_platform.operations.audit_proofs import export_trail, find_payment, record_proof, write_record
from risk_platform.operations.audit_records import AttestedRun, run_of
from risk_platform.operations.audit_trail import AuditTrail, reading
from risk_platform.operations.audit_verify import Verification, verify_trail
from risk_platform.operations.database import database_url, open_database, writing
from risk_platform.operations.packing import pack, unpack
from risk_platform.operations.schema import (
    ALERTS,
    AUDIT_DETAILS,
    AUDIT_LEAVES,
    AUDIT_NODES,
    AUDIT_SALTS,
    AUDIT_TREE,
    DECISIONS,
    INBOX,
)
from risk_platform.operations.store import Store, StoreWriter
from risk_platform_tests.operations.runs import control_run, payment_run

RUNS = 11
SIGNED = (4, 7, 11)


def silent(name: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


@contextmanager
def fill(store: Store, home: Path, runs: int = RUNS) -> Iterator[StoreWriter]:
    """Runs of two payments, one of which alerts, with heads signed on the way; more may be written."""
    heads = store.heads(HeadKeeper.open(home))
    with store.writer() as writer:
        for at in range(runs):
            first = 1 + 2 * at
            writer.commit([payment_run(first, [f"T{first}", f"T{first + 1}"], [0.1, 0.9])])
            if at + 1 in SIGNED:
                assert heads.publish(first) is not None
        yield writer


def heads_of(home: Path) -> list[SignedHead]:
    return exported_heads(heads_file(home), read_public_key(public_key_file(home)))


def verified(store: Store, home: Path) -> Verification:
    return verify_trail(store._engine, heads_of(home), silent)


def found(store: Store, home: Path) -> Finding:
    finding = verified(store, home).finding
    assert finding is not None
    return finding


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


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Store]:
    """A filled SQLite store in `tmp_path`."""
    store = Store.open(database_url(None, tmp_path))
    with fill(store, tmp_path):
        pass
    yield store
    store.close()


def shift(connection: Connection, first: int, by: int) -> None:
    """Renumber the leaves from `first` on."""
    leaves = AUDIT_LEAVES.c
    query = sa.select(leaves.position).where(leaves.position >= first).order_by(leaves.position)
    places: list[int] = list(connection.execute(query).scalars())
    for place in places if by < 0 else reversed(places):
        change = sa.update(AUDIT_LEAVES).where(leaves.position == place)
        connection.execute(change.values(position=place + by))


def rehash(connection: Connection) -> None:
    """Make every stored hash anew from the leaves, as one would who covers a forgery."""
    query = sa.select(AUDIT_LEAVES.c.leaf).order_by(AUDIT_LEAVES.c.position)
    leaves: list[str] = list(connection.execute(query).scalars())
    connection.execute(AUDIT_NODES.delete())
    nodes = Frontier().extend([leaf_hash(leaf.encode()) for leaf in leaves])
    connection.execute(AUDIT_NODES.insert(), [node._asdict() for node in nodes])
    connection.execute(AUDIT_TREE.update().values(size=len(leaves)))


def edit_leaf(connection: Connection) -> None:
    query = sa.select(AUDIT_LEAVES.c.leaf).where(AUDIT_LEAVES.c.position == 5)
    text: str = connection.execute(query).scalar_one()
    change = sa.update(AUDIT_LEAVES).where(AUDIT_LEAVES.c.position == 5)
    connection.execute(change.values(leaf=text.replace('"events":2', '"events":3')))


def delete_leaf(connection: Connection) -> None:
    connection.execute(AUDIT_LEAVES.delete().where(AUDIT_LEAVES.c.position == 5))


def delete_leaf_and_renumber(connection: Connection) -> None:
    delete_leaf(connection)
    shift(connection, 6, -1)


def insert_leaf(connection: Connection) -> None:
    shift(connection, 5, 1)
    leaf = {"position": 5, "sequence": None, "leaf": '{"kind":"payment","version":1}'}
    connection.execute(AUDIT_LEAVES.insert(), leaf)


def reorder_leaves(connection: Connection) -> None:
    place = AUDIT_LEAVES.c.position
    for was, now in ((5, -1), (8, 5), (-1, 8)):
        connection.execute(sa.update(AUDIT_LEAVES).where(place == was).values(position=now))


def truncate_leaves(connection: Connection) -> None:
    connection.execute(AUDIT_LEAVES.delete().where(AUDIT_LEAVES.c.position >= 9))


def truncate_leaves_and_hashes(connection: Connection) -> None:
    """The store's own count is forgotten."""
    truncate_leaves(connection)
    rehash(connection)
    connection.execute(AUDIT_TREE.update().values(size=RUNS))


def rewrite(connection: Connection) -> None:
    edit_leaf(connection)
    rehash(connection)


def rewrite_a_deletion(connection: Connection) -> None:
    delete_leaf_and_renumber(connection)
    rehash(connection)


def edit_leaf_hash(connection: Connection) -> None:
    node = sa.and_(AUDIT_NODES.c.level == 0, AUDIT_NODES.c.place == 5)
    connection.execute(sa.update(AUDIT_NODES).where(node).values(hash=bytes(32)))


def edit_inner_hash(connection: Connection) -> None:
    node = sa.and_(AUDIT_NODES.c.level == 2, AUDIT_NODES.c.place == 1)
    connection.execute(sa.update(AUDIT_NODES).where(node).values(hash=bytes(32)))


def edit_payment(connection: Connection) -> None:
    packed: bytes = connection.execute(sa.select(INBOX.c.bodies).where(INBOX.c.sequence == 5)).scalar_one()
    bodies = pack(unpack(packed).to_pybytes().replace(b'"amount_minor": 100', b'"amount_minor": 999'))
    connection.execute(sa.update(INBOX).where(INBOX.c.sequence == 5).values(bodies=bodies))


def edit_decision(connection: Connection) -> None:
    """The decision of another run in the place of this one."""
    run = payment_run(5, ["T5", "T6"], [0.1, 0.8]).decisions
    assert run is not None
    change = sa.update(DECISIONS).where(DECISIONS.c.sequence == 5)
    connection.execute(change.values(rows=pack(run.serialize())))


def delete_run(connection: Connection) -> None:
    connection.execute(INBOX.delete().where(INBOX.c.sequence == 5))


def delete_last_run(connection: Connection) -> None:
    connection.execute(INBOX.delete().where(INBOX.c.sequence == 2 * RUNS - 1))


def insert_run(connection: Connection) -> None:
    row = {"sequence": 23, "events": 1, "kind": "payment", "known_time": 1, "timezone": "UTC"}
    connection.execute(INBOX.insert(), row | {"bodies": pack(b"{}")})


def edit_time(connection: Connection) -> None:
    connection.execute(sa.update(INBOX).where(INBOX.c.sequence == 5).values(known_time=7))


def delete_salts(connection: Connection) -> None:
    connection.execute(AUDIT_SALTS.delete().where(AUDIT_SALTS.c.sequence == 5))


def delete_alert(connection: Connection) -> None:
    connection.execute(ALERTS.delete().where(ALERTS.c.sequence == 6))


def edit_alert(connection: Connection) -> None:
    connection.execute(sa.update(ALERTS).where(ALERTS.c.sequence == 6).values(level="LOW"))


CASES: list[tuple[Callable[[Connection], None], Tampering, str]] = [
    (edit_leaf, Tampering.EDIT, "Leaf 5 was edited"),
    (delete_leaf, Tampering.DELETE, "Leaf 5 was deleted"),
    (delete_leaf_and_renumber, Tampering.DELETE, "Leaf 5 was deleted"),
    (insert_leaf, Tampering.INSERT, "Leaf 5 was inserted"),
    (reorder_leaves, Tampering.REORDER, "Leaves 5, 8 were reordered"),
    (truncate_leaves, Tampering.TRUNCATE, "its last 2 leaves, from leaf 9 on, are gone"),
    (truncate_leaves_and_hashes, Tampering.TRUNCATE, "attests 11 leaves and the store holds 9"),
    (rewrite, Tampering.REWRITE, "hashes recomputed: leaves 4 to 6 are not what the head"),
    (rewrite_a_deletion, Tampering.REWRITE, "hashes recomputed: leaves 4 to 6"),
    (edit_leaf_hash, Tampering.EDIT, "hashes stored beside them were edited"),
    (edit_inner_hash, Tampering.EDIT, "edited on level 2"),
    (edit_payment, Tampering.EDIT, "The payment upi:T6 was edited in the inbox"),
    (edit_decision, Tampering.EDIT, "A decision, an event or a salt of sequence 5 to 6 was edited"),
    (delete_run, Tampering.DELETE, "events of sequence 5 to 6 were deleted"),
    (delete_last_run, Tampering.DELETE, "events from sequence 21 on, which leaf 10 attests, were deleted"),
    (insert_run, Tampering.INSERT, "events of sequence 23 to 23 are in no leaf"),
    (edit_time, Tampering.EDIT, "The known_time of the events of sequence 5 to 6 was edited"),
    (delete_salts, Tampering.EDIT, "salts of the events of sequence 5 to 6"),
    (delete_alert, Tampering.DELETE, "The alert at sequence 6 was deleted"),
    (edit_alert, Tampering.EDIT, "The alert at sequence 6 was edited"),
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


def standalone(folder: Path) -> subprocess.CompletedProcess[str]:
    """The exported verifier, in a Python that cannot import this project."""
    program = [sys.executable, "-I", str(folder / "verify.py"), str(folder)]
    return subprocess.run(program, capture_output=True, text=True, check=False, cwd=folder)


def exported(store: Store, home: Path) -> Path:
    folder, heads = home / "evidence", heads_of(home)
    proof = record_proof(store._engine, "upi", "T6", heads)
    assert export_trail(store._engine, folder, public_key_file(home), heads, silent) == RUNS
    write_record(folder, proof)
    return folder


def test_the_exported_trail_is_verified_without_the_project(filled: Store, tmp_path: Path) -> None:
    folder = exported(filled, tmp_path)
    assert "import risk_platform" not in (folder / "verify.py").read_text()
    assert "from risk_platform" not in (folder / "verify.py").read_text()
    result = standalone(folder)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "11 leaves are what 3 signed heads attest.",
        "record.json proves the payment at sequence 6.",
    ]
    with pytest.raises(InputError, match="is not empty"):
        export_trail(filled._engine, folder, public_key_file(tmp_path), heads_of(tmp_path), silent)


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("leaves.jsonl", lambda lines: lines[:5] + lines[6:], "leaves 4 to 6"),
        ("leaves.jsonl", lambda lines: lines[:-1], "truncated or rolled back"),
        (
            "leaves.jsonl",
            lambda lines: [*lines[:5], lines[5].replace(b"2", b"3"), *lines[6:]],
            "leaves 4 to 6",
        ),
        ("leaves.jsonl", lambda lines: [*lines[:5], lines[6], lines[5], *lines[7:]], "leaves 4 to 6"),
        ("leaves.jsonl", lambda lines: [*lines, lines[0]], "Leaves were inserted"),
        (
            "heads.jsonl",
            lambda lines: [lines[0].replace(b'"size":4', b'"size":3')],
            "signature of head 1 is forged",
        ),
        ("heads.jsonl", lambda lines: lines[::-1], "rolled back"),
        ("consistency.jsonl", lambda lines: lines[::-1], "does not continue"),
        ("record.json", lambda lines: [lines[0].replace(b"0.9", b"0.1")], "record.json was edited"),
        ("record.json", lambda lines: [lines[0].replace(b'"level"', b'"score"')], "names of the columns"),
        ("public_key.pem", lambda lines: [], "damaged"),
    ],
)
def test_the_stand_alone_verifier_refuses(
    filled: Store, tmp_path: Path, file: str, change: Callable[[list[bytes]], list[bytes]], words: str
) -> None:
    folder = exported(filled, tmp_path)
    (folder / file).write_bytes(b"".join(change(lines_of(folder / file))))
    result = standalone(folder)
    assert result.returncode == 1
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_proof_of_a_tampered_record_is_refused(filled: Store, tmp_path: Path) -> None:
    heads = heads_of(tmp_path)
    with pytest.raises(InputError, match="No payment upi:T99"):
        record_proof(filled._engine, "upi", "T99", heads)
    with pytest.raises(InputError, match="under no signed head"):
        record_proof(filled._engine, "upi", "T22", heads[:2])
    with writing(filled._engine) as connection:
        edit_payment(connection)
    with pytest.raises(AuditError, match="payment upi:T6 was edited"):
        record_proof(filled._engine, "upi", "T5", heads)
    assert record_proof(filled._engine, "upi", "T7", heads)["leaf"]["position"] == 3


def test_a_payment_is_found_by_either_spelling(store: Store, tmp_path: Path) -> None:
    with fill(store, tmp_path, 1):
        pass
    assert find_payment(store._engine, "T2") == find_payment(store._engine, "upi:T2") == ("upi", "T2")
    with pytest.raises(InputError, match="No payment card:T2"):
        find_payment(store._engine, "card:T2")


def test_a_store_without_an_audit_log_is_refused(tmp_path: Path) -> None:
    engine = open_database(database_url(None, tmp_path))
    with pytest.raises(InputError, match="has no audit log yet"):
        verify_trail(engine, [], silent)
    engine.dispose()


def test_the_command_verifies_and_ends_with_one_where_it_does_not(filled: Store, tmp_path: Path) -> None:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-m", "risk_platform", "audit", *arguments]
        environment = {"RISK_HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "COLUMNS": "300"}
        return subprocess.run(program, capture_output=True, text=True, check=False, env=environment)

    result = tmp_path / "result.json"
    whole = command("verify", "--json", str(result))
    assert "The trail is intact: 11 leaves" in whole.stdout, whole.stderr
    assert json.loads(result.read_text())["events"] == 22
    one = command("verify", "--record", "upi:T6")
    assert "upi:T6 and its decision are record 1 of leaf 2" in one.stdout
    assert command("export", str(tmp_path / "evidence"), "--record", "T6").returncode == 0
    assert standalone(tmp_path / "evidence").returncode == 0
    with writing(filled._engine) as connection:
        reorder_leaves(connection)
    refused = command("verify", "--json", str(result))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "Error: Leaves 5, 8 were reordered.\n"
    assert json.loads(result.read_text())["kind"] == "reorder"


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
