"""Leaves go into the audit log's tree within the transaction of what they attest."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from risk_platform.audit.commitments import SALT_BYTES, Action, action_details, action_leaf, new_salts
from risk_platform.audit.tree import Frontier, edge_places, leaf_hash
from risk_platform.errors import AuditError
from risk_platform.operations.schema import (
    AUDIT_DETAILS,
    AUDIT_FORGOTTEN,
    AUDIT_LEAVES,
    AUDIT_NODES,
    AUDIT_SALTS,
    AUDIT_TREE,
)
from risk_platform.operations.statements import Statement

_GROW = Statement(
    sa.update(AUDIT_TREE).values(size=AUDIT_TREE.c.size + sa.bindparam("leaves")).returning(AUDIT_TREE.c.size)
)
_ADD_NODE, _ADD_LEAF = Statement(AUDIT_NODES.insert()), Statement(AUDIT_LEAVES.insert())


@dataclass(frozen=True)
class Leaf:
    """Canonical JSON of a leaf, and the first sequence of the run it attests, None for any other action."""

    entry: bytes
    sequence: int | None = None


class LeafAppender:
    """Appends leaves for one writer that does so again and again, and knows the edge of the tree it left behind."""

    def __init__(self) -> None:
        self._left: Frontier | None = None
        self._grown: Frontier | None = None

    def append(self, connection: Connection, leaves: Sequence[Leaf]) -> int:
        """Append leaves within the caller's transaction; returns the position of the first.

        The tree's size is taken first, which makes any other who appends wait for the end of this transaction.
        Raises AuditError when stored hashes of the tree are missing.
        """
        # What an earlier transaction appended and did not commit is forgotten.
        self._grown = self._left
        size = int(_GROW.run(connection, {"leaves": len(leaves)}).scalar_one()) - len(leaves)
        if leaves:
            self._grow(connection, size, leaves)
        return size

    def committed(self) -> None:
        """What was appended is committed: the next leaves continue it, unless another has appended meanwhile."""
        self._left = self._grown

    def _grow(self, connection: Connection, size: int, leaves: Sequence[Leaf]) -> None:
        known = self._left is not None and self._left.size == size
        edge = self._left.edge if self._left is not None and known else _edge(connection, size)
        self._grown = Frontier(size, edge)
        made = self._grown.extend([leaf_hash(leaf.entry) for leaf in leaves])
        _ADD_NODE.run_each(connection, [node._asdict() for node in made])
        rows = [
            {"position": position, "sequence": leaf.sequence, "leaf": leaf.entry.decode()}
            for position, leaf in enumerate(leaves, size)
        ]
        _ADD_LEAF.run_each(connection, rows)


def record_action(connection: Connection, action: Action) -> int:
    """Append the leaf of an action within the transaction that does it; returns its position.

    What is personal stays beside the leaf, from where it can be erased.
    """
    salt = new_salts(1)
    position = LeafAppender().append(connection, [Leaf(action_leaf(action, salt))])
    row = {"position": position, "salt": salt, "details": action_details(action)}
    connection.execute(AUDIT_DETAILS.insert(), row)
    return position


def forget_record(connection: Connection, first: int, index: int, record_hash: bytes) -> None:
    """Forget the salt of event `index` of the run at `first`; `record_hash` stays to hold the run's tree together.

    The event's own line and decision are the caller's to erase, in the same transaction.
    """
    query = sa.select(AUDIT_SALTS.c.salts).where(AUDIT_SALTS.c.sequence == first)
    salts = bytearray(connection.execute(query).scalar_one())
    salts[index * SALT_BYTES : (index + 1) * SALT_BYTES] = bytes(SALT_BYTES)
    connection.execute(
        sa.update(AUDIT_SALTS).where(AUDIT_SALTS.c.sequence == first).values(salts=bytes(salts))
    )
    connection.execute(AUDIT_FORGOTTEN.insert(), {"sequence": first + index, "hash": record_hash})


def _edge(connection: Connection, size: int) -> list[bytes]:
    places = list(edge_places(size))
    if not places:
        return []
    nodes = AUDIT_NODES.c
    query = sa.select(nodes.level, nodes.place, nodes.hash).where(
        sa.or_(*(sa.and_(nodes.level == level, nodes.place == place) for level, place in places))
    )
    found = {(row.level, row.place): bytes(row.hash) for row in connection.execute(query)}
    if len(found) < len(places):
        raise AuditError(
            f"The audit log has {size} leaves but hashes of its tree are missing; run `risk-platform audit "
            "verify` and restore the store from a copy."
        )
    return [found[place] for place in places]
