"""What leaves the platform as evidence: the proof of one record, and the whole trail as a folder of plain files."""

import json
import shutil
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from risk_platform.audit import standalone
from risk_platform.audit.canonical import canonical_bytes
from risk_platform.audit.commitments import SALT_BYTES, salt_at
from risk_platform.audit.findings import Finding
from risk_platform.audit.heads import SignedHead
from risk_platform.audit.keeping import HEADS, PUBLIC_KEY
from risk_platform.audit.proofs import inclusion_path
from risk_platform.audit.tree import complete_levels
from risk_platform.errors import AuditError, InputError
from risk_platform.operations.audit_records import AttestedRun, run_of
from risk_platform.operations.audit_trail import AuditTrail, reading
from risk_platform.operations.evidence import columns_of, decision_lines
from risk_platform.operations.keys import find_keys
from risk_platform.operations.schema import EVENT_KEYS

LEAVES, CONSISTENCY, RECORD, VERIFIER = "leaves.jsonl", "consistency.jsonl", "record.json", "verify.py"
Progress = Callable[[str, int, int], None]
_REPORT_EVERY = 1000


def record_proof(
    engine: Engine, source: str, transaction_id: str, heads: Sequence[SignedHead]
) -> dict[str, Any]:
    """Proof that a payment and its decision stand in the trail that a signed head attests, for JSON.

    `record` leads from the salted lines to the root in the run's leaf, `leaf` from there to the root that
    `head` signed. Raises InputError when the payment never came in or is not under a head yet, AuditError
    naming what was tampered with.
    """
    with reading(engine) as connection:
        found = find_keys(connection, "payment", [source], [transaction_id])
        if not found:
            raise InputError(f"No payment {source}:{transaction_id} is in the operational store.")
        run = run_of(connection, found[0].sequence)
        if isinstance(run, Finding):
            raise AuditError(run.sentence)
        return _proof(AuditTrail(connection), run, found[0].sequence - run.sequence, heads)


def find_payment(engine: Engine, payment: str) -> tuple[str, str]:
    """Source and transaction id of `[SOURCE:]TRANSACTION_ID`, whichever of the two readings is in the store.

    Raises InputError when none is, or when several sources have such a payment.
    """
    keys = EVENT_KEYS.c
    source, _, transaction_id = payment.partition(":")
    either = sa.or_(keys.event_id == payment, sa.and_(keys.source == source, keys.event_id == transaction_id))
    with reading(engine) as connection:
        rows = connection.execute(
            sa.select(keys.source, keys.event_id).where(keys.kind == "payment", either)
        ).all()
    if not rows:
        raise InputError(f"No payment {payment} is in the operational store.")
    if len(rows) > 1:
        sources = ", ".join(sorted(row.source for row in rows))
        raise InputError(f"Payments {payment} came from several sources ({sources}); write SOURCE:{payment}.")
    return rows[0].source, rows[0].event_id


def export_trail(
    engine: Engine,
    folder: Path,
    public_key: Path,
    heads: Sequence[SignedHead],
    progress: Progress,
) -> int:
    """Write leaves, heads, consistency proofs between them, public key and verifier; returns the leaves written.

    Raises InputError when the folder holds anything or no head was exported yet, AuditError when the store
    no longer holds what the last head attests.
    """
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty; name a new folder.")
    if not heads:
        raise InputError("No tree head was signed yet; start `risk-platform engine` once.")
    folder.mkdir(parents=True, exist_ok=True)
    with reading(engine) as connection:
        leaves = _write_leaves(connection, folder / LEAVES, heads[-1].size, progress)
        _write_consistency(AuditTrail(connection), folder / CONSISTENCY, heads)
    (folder / HEADS).write_bytes(b"".join(head.line + b"\n" for head in heads))
    shutil.copyfile(public_key, folder / PUBLIC_KEY)
    shutil.copyfile(Path(standalone.__file__), folder / VERIFIER)
    return leaves


def write_record(folder: Path, proof: dict[str, Any]) -> None:
    """Put the proof of one record beside an exported trail."""
    (folder / RECORD).write_bytes(canonical_bytes(proof) + b"\n")


def _proof(trail: AuditTrail, run: AttestedRun, index: int, heads: Sequence[SignedHead]) -> dict[str, Any]:
    head = next((head for head in heads if head.size > run.position), None)
    if head is None:
        raise InputError(f"Leaf {run.position} is under no signed head yet; try again in some seconds.")
    salt = salt_at(run.salts, index)
    if salt == bytes(SALT_BYTES):
        raise InputError("The salt of this record was forgotten; nothing can be shown of it any more.")
    levels = complete_levels(run.hashes)
    path = inclusion_path(index, len(run.hashes), lambda level, place: levels[level][place])
    decision = b"" if run.decisions is None else decision_lines(run.decisions.slice(index, 1))[0]
    leaf = trail.leaf_of_run(run.sequence)
    return {
        "head": json.loads(head.line),
        "leaf": {
            "entry": leaf.entry.decode(),
            "path": [digest.hex() for digest in trail.inclusion(leaf.position, head.size)],
            "position": leaf.position,
        },
        "record": {
            "body": run.lines[index].decode(),
            "columns": columns_of(run.decisions),
            "decision": decision.decode(),
            "index": index,
            "path": [digest.hex() for digest in path],
            "salt": salt.hex(),
        },
        "version": 1,
    }


def _write_leaves(connection: Connection, path: Path, size: int, progress: Progress) -> int:
    count = 0
    with path.open("wb") as file:
        for leaf in AuditTrail(connection).leaves():
            if leaf.position >= size:
                break
            file.write(leaf.entry + b"\n")
            count += 1
            if count % _REPORT_EVERY == 0:
                progress("leaves", count, size)
    progress("leaves", count, size)
    if count < size:
        raise AuditError(
            f"The store holds {count} of the {size} leaves that were signed; run `risk-platform audit verify`."
        )
    return count


def _write_consistency(trail: AuditTrail, path: Path, heads: Sequence[SignedHead]) -> None:
    with path.open("wb") as file:
        for earlier, later in pairwise(heads):
            proof = trail.consistency(earlier.size, later.size)
            line = {"first": earlier.size, "path": [digest.hex() for digest in proof], "size": later.size}
            file.write(canonical_bytes(line) + b"\n")
