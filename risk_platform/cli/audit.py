"""`risk-platform audit`: verify the trail or one record of it, and export it for others to verify."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from risk_platform.audit.heads import SignedHead
    from risk_platform.operations.audit_verify import Verification

audit = typer.Typer(no_args_is_help=True, help="Verify and export the audit trail.")

Record = Annotated[
    str | None,
    typer.Option(metavar="[SOURCE:]TRANSACTION_ID", help="Only the proof of this payment and its decision."),
]
Heads = Annotated[
    Path | None,
    typer.Option("--heads", help="A copy of the exported heads; default RISK_HOME/audit/heads.jsonl."),
]
Key = Annotated[
    Path | None,
    typer.Option(
        "--public-key", help="The key they are signed with; default RISK_HOME/audit/public_key.pem."
    ),
]


@audit.command()
def verify(
    record: Record = None,
    heads_file: Heads = None,
    key_file: Key = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the result to this file as well.")
    ] = None,
) -> None:
    """Verify the whole trail, or one record's proof, against the exported heads.

    Ends with 1 and names what was done: edit, delete, insert, reorder, truncate, rollback, rewrite or forgery.
    """
    from risk_platform.audit.findings import Tampering
    from risk_platform.errors import AuditError

    try:
        facts, sentence = _verified(record, heads_file, key_file)
    except AuditError as error:
        kind = Tampering.EDIT if record else Tampering.FORGERY
        facts, sentence = {"intact": False, "kind": kind, "finding": str(error)}, str(error)
    if json_file:
        json_file.write_text(json.dumps(facts, indent=2) + "\n")
    if not facts["intact"]:
        raise AuditError(sentence)
    Console().print(sentence, highlight=False, markup=False)


@audit.command()
def export(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    record: Record = None,
) -> None:
    """Write leaves, proofs, heads, public key and a verifier that needs nothing of this platform."""
    from risk_platform.audit.keeping import public_key_file
    from risk_platform.operations.audit_proofs import export_trail, record_proof, write_record
    from risk_platform.settings import settings

    heads = _heads(None, None)
    with _store() as engine, _progress() as progress:
        proof = record_proof(engine, *_key_of(engine, record), heads) if record else None
        leaves = export_trail(engine, folder, public_key_file(settings().home), heads, progress)
        if proof is not None:
            write_record(folder, proof)
    Console().print(
        f"{leaves:,} leaves and {len(heads):,} heads are in {folder}; verify them with: python "
        f"{folder / 'verify.py'} {folder}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _verified(
    record: str | None, heads_file: Path | None, key_file: Path | None
) -> tuple[dict[str, Any], str]:
    """The facts for machines, and the sentence for people."""
    heads = _heads(heads_file, key_file)
    if record:
        return _verified_record(record, heads)
    from risk_platform.operations.audit_verify import verify_trail

    with _store() as engine, _progress() as progress:
        result = verify_trail(engine, heads, progress)
    finding = result.finding
    facts = {
        "intact": finding is None,
        "kind": finding and finding.kind,
        "finding": finding and finding.sentence,
        "leaves": result.leaves,
        "attested": result.attested,
        "events": result.events,
        "forgotten": result.forgotten,
        "heads": len(heads),
    }
    return facts, finding.sentence if finding else _summary(result, len(heads))


def _summary(result: "Verification", heads: int) -> str:
    behind = result.leaves - result.attested
    return (
        f"The trail is intact: {result.leaves:,} leaves, {result.attested:,} of them under {heads:,} signed heads"
        f"{f' ({behind:,} await the next head)' if behind else ''}; {result.events:,} events with their decisions "
        f"are what they attest, {result.forgotten:,} of them forgotten."
    )


def _verified_record(record: str, heads: "list[SignedHead]") -> tuple[dict[str, Any], str]:
    from risk_platform.operations.audit_proofs import record_proof

    with _store() as engine:
        source, transaction_id = _key_of(engine, record)
        proof = record_proof(engine, source, transaction_id, heads)
    _climb(proof)
    sentence = (
        f"{source}:{transaction_id} and its decision are record {proof['record']['index']} of leaf "
        f"{proof['leaf']['position']}, under the signed head of {proof['head']['size']:,} leaves."
    )
    return {"intact": True, "kind": None, "finding": None, "proof": proof}, sentence


def _climb(proof: dict[str, Any]) -> None:
    """Hold the proof against the root that was signed."""
    from risk_platform.audit.proofs import includes
    from risk_platform.audit.tree import leaf_hash
    from risk_platform.errors import AuditError

    head, leaf = proof["head"], proof["leaf"]
    path = [bytes.fromhex(digest) for digest in leaf["path"]]
    digest = leaf_hash(leaf["entry"].encode())
    if not includes(bytes.fromhex(head["root"]), head["size"], leaf["position"], digest, path):
        raise AuditError(
            f"Leaf {leaf['position']} is not in the tree that was signed: it or its proof was edited; run "
            "`risk-platform audit verify` for what was done."
        )


def _heads(heads_file: Path | None, key_file: Path | None) -> "list[SignedHead]":
    from risk_platform.audit import keeping
    from risk_platform.errors import AuditError
    from risk_platform.settings import settings

    home = settings().home
    path = heads_file or keeping.heads_file(home)
    heads = keeping.exported_heads(path, keeping.read_public_key(key_file or keeping.public_key_file(home)))
    if not heads:
        raise AuditError(
            f"{path} holds no signed head, and an engine signs one when it starts: it was deleted."
        )
    return heads


def _key_of(engine: "Engine", record: str) -> tuple[str, str]:
    from risk_platform.operations.audit_proofs import find_payment

    return find_payment(engine, record)


@contextmanager
def _store() -> "Iterator[Engine]":
    from risk_platform.errors import InputError
    from risk_platform.operations.database import database_url, open_database
    from risk_platform.settings import settings

    url = database_url(settings().database_url, settings().home)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        raise InputError(f"There is no operational store {url.database}; start `risk-platform engine` once.")
    engine = open_database(url)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _progress() -> "Iterator[Any]":
    """Progress of leaves and events on stderr."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, Any] = {}

        def told(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=None)
            bar.update(tasks[name], completed=done, total=total or None)

        yield told
