"""What the state has taken in of some submissions, and what is left to do of them: to judge."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa

from risk_platform.decisions.engine import DecisionEngine
from risk_platform.decisions.rules.columns import Features
from risk_platform.intake.outcome import Outcome
from risk_platform.operations.records import Events, Run

# Live features are of no version of a lake table.
_LIVE_FEATURES = -1


@dataclass(frozen=True)
class Finished:
    """What is to be committed, None where nothing is new, and what each submission is told after it."""

    run: Run | None
    outcomes: Sequence[Outcome]


class Step:
    """Submissions in the state: `events` are those that are new.

    The state goes on while they are judged, which changes nothing: so that is left to whoever commits them.
    """

    def __init__(self, events: Events | None, finish: Callable[[], Finished]) -> None:
        self.events = events
        self._finish = finish
        self._finished: Finished | None = None

    def finish(self) -> Finished:
        """Judge what is to be judged, once; not for several threads at the same time."""
        if self._finished is None:
            self._finished = self._finish()
        return self._finished


@dataclass(frozen=True)
class Observed:
    """Payments in the lake's columns with their features, and what decides them."""

    payments: pa.Table
    features: Features
    engine: DecisionEngine

    def judged(self) -> pa.RecordBatch:
        """Their decisions, one row each."""
        decided_time: datetime = self.payments.column("known_time")[0].as_py()
        return self.engine.decide(
            self.payments,
            self.features,
            decided_time=decided_time,
            decided_by="engine",
            features_version=_LIVE_FEATURES,
        )


@dataclass(frozen=True)
class Taken:
    """A run that the state has taken in, its payments not judged yet."""

    run: Run
    observed: Sequence[Observed] = ()

    def judged(self) -> Run:
        """The run with its decisions."""
        if not self.observed:
            return self.run
        parts = [part.judged() for part in self.observed]
        return replace(self.run, decisions=parts[0] if len(parts) == 1 else pa.concat_batches(parts))
