"""Reading the audit log: leaves, stored hashes, roots and proofs, all as of one moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from risk_platform.audit.proofs import consistency_path, inclusion_path
from risk_platform.audit.tree import edge_places, root_of_edge
from risk_platform.errors import AuditError, InputError
from risk_platform.operations.schema import AUDIT_LEAVES, AUDIT_NODES, AUDIT_TREE

_READ = 4096


class StoredLeaf(NamedTuple):
    """A leaf as it is stored: its position, the first sequence of the run it attests, its canonical JSON."""

    position: int
    sequence: int | None
    entry: bytes


class AuditTrail:
    """The audit log as one transaction sees it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def size(self) -> int:
        """How many leaves the log states to have."""
        return int(self._connection.execute(sa.select(AUDIT_TREE.c.size)).scalar_one())

    def root(self, size: int) -> bytes:
        """Root over the first `size` leaves, from stored hashes; raises AuditError where one is missing."""
        return root_of_edge([self.subtree(level, place) for level, place in edge_places(size)])

    def inclusion(self, position: int, size: int) -> list[bytes]:
        """Inclusion proof of a leaf among the first `size`, from O(log n) stored hashes."""
        return inclusion_path(position, size, self.subtree)

    def consistency(self, earlier: int, size: int) -> list[bytes]:
        """Consistency proof between two sizes, from O(log n) stored hashes."""
        return consistency_path(earlier, size, self.subtree)

    def subtree(self, level: int, place: int) -> bytes:
        """Stored hash of a complete subtree; raises AuditError when it is missing."""
        query = sa.select(AUDIT_NODES.c.hash)
        query = query.where(AUDIT_NODES.c.level == level, AUDIT_NODES.c.place == place)
        found = self._connection.execute(query).scalar()
        if found is None:
            raise AuditError(f"The audit log's hash of subtree {place} on level {level} was deleted.")
        return bytes(found)

    def leaves(self) -> Iterator[StoredLeaf]:
        """Every leaf in the order of its position, a few at a time in memory."""
        query = sa.select(AUDIT_LEAVES.c.position, AUDIT_LEAVES.c.sequence, AUDIT_LEAVES.c.leaf)
        behind = -1
        while True:
            page = query.where(AUDIT_LEAVES.c.position > behind).order_by(AUDIT_LEAVES.c.position)
            rows = self._connection.execute(page.limit(_READ)).all()
            for row in rows:
                yield StoredLeaf(row.position, row.sequence, row.leaf.encode())
            if len(rows) < _READ:
                return
            behind = rows[-1].position

    def nodes(self, level: int) -> list[tuple[int, bytes]]:
        """Place and stored hash of every complete subtree of a level, in order."""
        query = sa.select(AUDIT_NODES.c.place, AUDIT_NODES.c.hash).where(AUDIT_NODES.c.level == level)
        rows = self._connection.execute(query.order_by(AUDIT_NODES.c.place))
        return [(row.place, bytes(row.hash)) for row in rows]

    def leaf_of_run(self, sequence: int) -> StoredLeaf:
        """The leaf that attests the run beginning at `sequence`; raises AuditError when it is gone."""
        query = sa.select(AUDIT_LEAVES.c.position, AUDIT_LEAVES.c.sequence, AUDIT_LEAVES.c.leaf)
        row = self._connection.execute(query.where(AUDIT_LEAVES.c.sequence == sequence)).first()
        if row is None:
            raise AuditError(f"No leaf attests the events from sequence {sequence} on: it was deleted.")
        return StoredLeaf(row.position, row.sequence, row.leaf.encode())


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that sees the store as of one moment, whatever is written meanwhile.

    Raises InputError when the store was never written to.
    """
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            if not sa.inspect(connection).has_table(AUDIT_TREE.name):
                raise InputError(
                    "The operational store has no audit log yet; start `risk-platform engine` once."
                )
            yield connection
