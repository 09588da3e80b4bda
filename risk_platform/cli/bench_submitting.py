"""The engine of the decision benchmark: batches read here, decided and committed by the engine's own threads."""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta

from risk_platform.intake.core import Core
from risk_platform.intake.engine import Engine
from risk_platform.intake.events import Columns
from risk_platform.intake.outcome import Outcome
from risk_platform.intake.prepared import Preparer
from risk_platform.intake.refusals import Refusals
from risk_platform.operations.store import StoreWriter

# Batches that may wait for their answers, as those of a file's feeder do.
_AHEAD = 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Submitting:
    """Submits batches of payments as if each came in when its last payment happened."""

    def __init__(self, core: Core, writer: StoreWriter, batch_size: int) -> None:
        self._preparer = Preparer()
        self._now = _EPOCH
        self._engine = Engine(
            core, writer, lambda: self._now, batch_size=batch_size, queue_limit=batch_size * (_AHEAD + 1)
        )

    def submit(self, batches: Sequence[Columns]) -> int:
        """How many payments were accepted, once the last of them is committed."""
        waiting: deque[Future[Outcome]] = deque()
        accepted = 0
        for columns in batches:
            if len(waiting) == _AHEAD:
                accepted += len(waiting.popleft().result().sequences)
            self._now = max(self._now, _EPOCH + timedelta(microseconds=max(columns["event_time"])))
            refusals = Refusals(len(columns["source"]))
            waiting.append(
                self._engine.submit_prepared(self._preparer.check("payment", columns, refusals, self._now))
            )
        return accepted + sum(len(future.result().sequences) for future in waiting)

    def close(self) -> None:
        """End the engine; raises EngineStopped when it failed."""
        self._engine.close()
