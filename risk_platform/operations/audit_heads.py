"""Signed heads leave the database as the log grows, and a log that does not continue the last one is refused."""

from sqlalchemy.engine import Engine

from risk_platform.audit.heads import TreeHead
from risk_platform.audit.keeping import HeadKeeper
from risk_platform.errors import AuditError
from risk_platform.operations.audit_trail import AuditTrail, reading


class HeadPublisher:
    """Signs the log's newest head into the file of exported heads."""

    def __init__(self, engine: Engine, keeper: HeadKeeper) -> None:
        self._engine = engine
        self._keeper = keeper

    def publish(self, now: int) -> TreeHead | None:
        """Export the head as of now (µs); None when nothing was appended since the last one.

        Raises AuditError, and signs nothing, when the log is no continuation of the last head: it was
        rolled back or rewritten, and signing it would make that a second history.
        """
        with reading(self._engine) as connection:
            trail = AuditTrail(connection)
            size, last = trail.size(), self._keeper.last
            if last is not None:
                _refuse_second_history(trail, size, last)
            if size == (0 if last is None else last.size):
                return None
            head = TreeHead(size, trail.root(size), now)
        self._keeper.keep(head)
        return head


def _refuse_second_history(trail: AuditTrail, size: int, last: TreeHead) -> None:
    if size < last.size:
        raise AuditError(
            f"The operational store was rolled back: it has {size} audit leaves, {last.size} were signed; restore "
            "the newest copy of it, or move RISK_HOME/audit aside to begin another trail."
        )
    if trail.root(last.size) != last.root:
        raise AuditError(
            f"The first {last.size} audit leaves of the operational store are not those that were signed; run "
            "`risk-platform audit verify`, and restore the store from a copy."
        )
