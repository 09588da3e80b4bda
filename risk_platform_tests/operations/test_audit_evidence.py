"""What is proved is proved to outsiders: proofs of records, exported trails, the verifier that stands alone."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from risk_platform.audit.keeping import heads_file, public_key_file
from risk_platform.errors import AuditError, InputError
from risk_platform.operations.audit_proofs import export_trail, find_payment, record_proof, write_record
from risk_platform.operations.audit_verify import verify_trail
from risk_platform.operations.database import database_url, open_database, writing
from risk_platform.operations.store import Store
from risk_platform_tests.operations.audit_trails import RUNS, fill, heads_of, silent
from risk_platform_tests.operations.tampering import edit_payment, reorder_leaves


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
    heads_file(tmp_path).unlink()
    without = command("verify", "--json", str(result))
    assert "holds no signed head" in without.stderr
    assert json.loads(result.read_text())["kind"] == "forgery"
