"""The whole trail verified: leaves against stored hashes and signed heads, the store against its leaves."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection, Engine

from risk_platform.audit.canonical import canonical_bytes
from risk_platform.audit.findings import Finding, Tampering, Trail, gap_finding, tree_finding
from risk_platform.audit.heads import TreeHead
from risk_platform.audit.tree import Frontier, leaf_hash
from risk_platform.errors import ContractError
from risk_platform.operations.audit_records import check_details, check_runs
from risk_platform.operations.audit_trail import AuditTrail, StoredLeaf, reading

# What is being verified, how much of it is done, and how much there is where that is known.
Progress = Callable[[str, int, int], None]
_REPORT_EVERY = 1000


@dataclass(frozen=True)
class Verification:
    """What was verified: leaves, those that a signed head attests, events with their decisions, what was forgotten."""

    leaves: int
    attested: int
    events: int
    forgotten: int
    finding: Finding | None


def verify_trail(engine: Engine, heads: Sequence[TreeHead], progress: Progress) -> Verification:
    """Verify the store at `engine` against heads that were exported before (sizes growing), as of one moment.

    Leaves behind the last head are held against the stored hashes and the store only. Raises InputError when
    there is no audit log.
    """
    attested = heads[-1].size if heads else 0
    with reading(engine) as connection:
        trail = AuditTrail(connection)
        leaves, finding = _verify_leaves(connection, trail, heads, progress)
        events = forgotten = 0
        if finding is None:
            events, forgotten, finding = _verify_runs(connection, progress)
    return Verification(leaves, attested, events, forgotten, finding)


def _verify_leaves(
    connection: Connection, trail: AuditTrail, heads: Sequence[TreeHead], progress: Progress
) -> tuple[int, Finding | None]:
    size, hashes, places = trail.size(), [], []
    wrong: Finding | None = None
    for leaf in trail.leaves():
        hashes.append(leaf_hash(leaf.entry))
        places.append(leaf.position)
        wrong = wrong or _leaf_finding(connection, leaf)
        if len(hashes) % _REPORT_EVERY == 0:
            progress("leaves", len(hashes), size)
    progress("leaves", len(hashes), size)
    stored = trail.nodes(0)
    found = gap_finding(places) or gap_finding([place for place, _ in stored])
    found = found or tree_finding(Trail(hashes, [digest for _, digest in stored], size), heads)
    return len(hashes), found or _node_finding(trail, hashes) or wrong


def _leaf_finding(connection: Connection, leaf: StoredLeaf) -> Finding | None:
    """A leaf that is no leaf, or an action whose details are not its own."""
    try:
        content = json.loads(leaf.entry)
        if content["version"] != 1 or canonical_bytes(content) != leaf.entry:
            raise ValueError("another form")
        if content["kind"] != "action":
            return None
        return check_details(connection, leaf.position, content)
    except (ValueError, KeyError, TypeError, ContractError):
        return Finding(Tampering.INSERT, f"Leaf {leaf.position} is no leaf that this platform writes.")


def _node_finding(trail: AuditTrail, hashes: Sequence[bytes]) -> Finding | None:
    """Stored inner hashes that do not follow from the leaves."""
    expected: dict[int, list[bytes]] = {}
    for node in Frontier().extend(hashes):
        expected.setdefault(node.level, []).append(node.hash)
    for level in range(1, len(expected) + 1):
        if trail.nodes(level) != list(enumerate(expected.get(level, []))):
            return Finding(Tampering.EDIT, f"Stored hashes of the tree were edited on level {level}.")
    return None


def _verify_runs(connection: Connection, progress: Progress) -> tuple[int, int, Finding | None]:
    events = forgotten = told = 0
    for run in check_runs(connection):
        if isinstance(run, Finding):
            return events, forgotten, run
        events, forgotten = events + len(run.lines), forgotten + run.forgotten
        if events - told >= _REPORT_EVERY:
            told = events
            progress("events", events, 0)
    progress("events", events, events)
    return events, forgotten, None
