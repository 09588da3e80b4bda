"""The heart of the engine, without threads or clock: submissions in, runs to commit and outcomes out."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from risk_platform.decisions.rules.columns import Features
from risk_platform.errors import ContractError
from risk_platform.intake.duplicates import answer_again, refuse_other_bodies
from risk_platform.intake.events import TIMESTAMP
from risk_platform.intake.lines import read_lines
from risk_platform.intake.merged import Ints, Merged, merge
from risk_platform.intake.outcome import ANSWERED, Outcome
from risk_platform.intake.policy import Policy, PolicyMaker
from risk_platform.intake.prepared import Prepared
from risk_platform.intake.refusals import Refusals
from risk_platform.intake.stamping import stamped
from risk_platform.intake.state import FeatureState
from risk_platform.intake.step import Finished, Observed, Step, Taken
from risk_platform.operations.records import Events, Run, StoredRun, Tail, body_hashes
from risk_platform.operations.store import Store

TOO_LATE = "event_time_too_late"
AHEAD = "event_time_ahead_of_tolerance"
NOT_OBSERVABLE = "not_observable"
ENGINE = "engine"
_MICROSECOND = timedelta(microseconds=1)


class Core:
    """Decides submissions in order. Its state is ahead of the store: whoever fails to commit a step must stop."""

    def __init__(
        self,
        store: Store,
        features: FeatureState,
        maker: PolicyMaker,
        policy: Policy,
        tail: Tail,
        *,
        timezone: str,
        late_tolerance: timedelta,
    ) -> None:
        self._store = store
        self.features = features
        self._maker = maker
        self.policy = policy
        self.tail = tail
        self._timezone = timezone
        self._tolerance = late_tolerance // _MICROSECOND

    def payments(self, parts: Sequence[Prepared], now: int) -> Step:
        """Decide the payments of the submissions; `now` is the engine's clock in µs.

        A payment that came in before with the same body is answered with its decision of then; with another
        body it is refused, as are those too late, too early or not to be observed.
        """
        return self._take_in(parts, now, self._decided)

    def reports(self, parts: Sequence[Prepared], now: int) -> Step:
        """Take in judgements or outcomes; those that came in before with the same body are duplicates."""
        return self._take_in(parts, now, self._reported)

    def control(self, name: str, value: Mapping[str, Any], now: int) -> Step:
        """Put a control event in place: payments behind it are decided under it.

        Raises InputError, and changes nothing, when it cannot be.
        """
        self.policy = self._maker.check(self.policy, name, value)
        lines = [orjson.dumps({"name": name, "value": value}, option=orjson.OPT_SORT_KEYS)]
        sequence = self.tail.sequence + 1
        events = Events("control", [ENGINE], [f"{name}-{sequence}"], lines)
        run = Run(sequence, max(now, self.tail.known_time + 1), self._timezone, events, body_hashes(lines))
        self._advance(run)
        told = Finished(run, [Outcome(1, [0], [sequence], frozenset(), None, ())])
        return Step(run.events, lambda: told)

    def replay(self, stored: StoredRun) -> pa.RecordBatch | None:
        """Bring the state behind a run of the inbox; the decisions it makes on it, None for no payments."""
        lines = stored.bodies.split(b"\n")
        self.tail = Tail(stored.sequence + stored.events - 1, stored.known_time + stored.events - 1)
        match stored.kind:
            case "payment":
                rows = read_lines(lines, "payments")
                stored_rows = stamped(rows, stored.sequence, stored.known_time, stored.timezone)
                return self._observe(stored_rows).judged()
            case "judgement":
                self.features.report(_with_known_time(read_lines(lines, "judgements"), stored.known_time))
            case "control":
                for change in map(orjson.loads, lines):
                    self.policy = self._maker.after(self.policy, change["name"], change["value"])
            case "outcome":
                pass
        return None

    def _take_in(self, parts: Sequence[Prepared], now: int, accept: "_Accept") -> Step:
        batch = merge(parts)
        refusals = Refusals(len(batch))
        stored = self._store.find(batch.events.kind, batch.events.sources, batch.events.event_ids)
        repeats = {row: first for row, first in batch.repeats().items() if row not in stored}
        refuse_other_bodies(batch, stored, repeats, refusals)
        fresh = [row for row in range(len(batch)) if row not in stored and row not in repeats]
        taken = accept(batch, fresh, max(now, self.tail.known_time + 1), refusals)
        sequences = np.zeros(len(batch), dtype=np.int64)
        accepted = [row for row in fresh if not refusals.refused[row]]
        sequences[accepted] = np.arange(len(accepted)) + (taken.run.sequence if taken else 0)
        answer_again(stored, repeats, sequences, refusals)
        duplicates = frozenset(stored) | frozenset(repeats)

        def finish() -> Finished:
            run = taken.judged() if taken else None
            decisions = self._decisions(sequences, run) if batch.events.kind == "payment" else None
            return Finished(run, batch.outcomes(sequences, duplicates, decisions, refusals))

        return Step(taken.run.events if taken else None, finish)

    def _decided(
        self, batch: Merged, fresh: Sequence[int], known_time: int, refusals: Refusals
    ) -> Taken | None:
        rows = self._in_time(batch, fresh, known_time, refusals)
        if not rows:
            return None
        observed = self._observe_all(batch.only(rows)[0], self.tail.sequence + 1, known_time)
        if not observed:
            rows, observed = self._observe_one_by_one(batch, rows, known_time, refusals)
        return self._taken(batch, rows, known_time, observed) if rows else None

    def _in_time(
        self, batch: Merged, fresh: Sequence[int], known_time: int, refusals: Refusals
    ) -> Sequence[int]:
        """The rows of `fresh` that are neither too late nor too far ahead for the state."""
        if not fresh:
            return fresh
        payments = batch.only(fresh)[0]
        times = payments.column("event_time").cast(pa.int64()).to_numpy()
        late = self.features.refuse_late(payments)
        ahead = times > known_time + self._tolerance
        if not late.any() and not ahead.any():
            return fresh
        for rule, broken in ((TOO_LATE, late), (AHEAD, ahead)):
            rows = {fresh[at]: at for at in np.flatnonzero(broken).tolist()}
            column = payments.column("event_time")
            refusals.add(
                rows,
                rule,
                "event_time",
                lambda row, r=rows, c=column: str(c[r[row]].as_py()),  # type: ignore[misc]
            )
        return [row for row in fresh if not refusals.refused[row]]

    def _observe_all(self, payments: pa.Table, sequence: int, known_time: int) -> list[Observed]:
        """The payments in the state; none, with the state as it was, when it cannot take one of them."""
        try:
            return [self._observe(stamped(payments, sequence, known_time, self._timezone))]
        except _NotObservedError:
            return []

    def _observe_one_by_one(
        self, batch: Merged, rows: Sequence[int], known_time: int, refusals: Refusals
    ) -> tuple[list[int], list[Observed]]:
        """As `_observe_all`, with each payment that the state cannot take refused by name."""
        taken: list[int] = []
        observed: list[Observed] = []
        for row in rows:
            at = self.tail.sequence + 1 + len(taken)
            payment = stamped(batch.only([row])[0], at, known_time + len(taken), self._timezone)
            try:
                observed.append(self._observe(payment))
                taken.append(row)
            except _NotObservedError as error:
                refusals.add([row], NOT_OBSERVABLE, "transaction_id", lambda _, why=str(error): why)  # type: ignore[misc]
        return taken, observed

    def _observe(self, payments: pa.Table) -> Observed:
        try:
            matrix = self.features.observe(payments)
        except ContractError as error:
            raise _NotObservedError(str(error)) from error
        return Observed(payments, Features(self.features.names, matrix), self.policy.engine)

    def _reported(
        self, batch: Merged, fresh: Sequence[int], known_time: int, refusals: Refusals
    ) -> Taken | None:
        rows = [row for row in fresh if not refusals.refused[row]]
        if not rows:
            return None
        if batch.events.kind == "judgement":
            self.features.report(_with_known_time(batch.only(rows)[0], known_time))
        return self._taken(batch, rows, known_time)

    def _taken(
        self, batch: Merged, rows: Sequence[int], known_time: int, observed: Sequence[Observed] = ()
    ) -> Taken:
        _, events, hashes = batch.only(rows)
        run = Run(self.tail.sequence + 1, known_time, self._timezone, events, hashes)
        self._advance(run)
        return Taken(run, observed)

    def _advance(self, run: Run) -> None:
        last = len(run.events) - 1
        self.tail = Tail(run.sequence + last, run.known_time + last)

    def _decisions(self, sequences: Ints, run: Run | None) -> pa.Table | None:
        """A row of answers for each sequence above zero, in order; stored decisions come from the store."""
        rows = []
        wanted = sequences[sequences > 0]
        if run is not None and run.decisions is not None and len(wanted) == len(run.events):
            return pa.Table.from_batches([run.decisions])
        for sequence in wanted.tolist():
            if run is not None and run.decisions is not None and sequence >= run.sequence:
                rows.append(run.decisions.slice(sequence - run.sequence, 1))
            else:
                rows.append(self._store.decision_at(sequence))
        return pa.Table.from_batches([row.select(list(ANSWERED)) for row in rows]) if rows else None


class _NotObservedError(Exception):
    """The feature state cannot take one of the payments, and took none."""


_Accept = Callable[[Merged, Sequence[int], int, Refusals], Taken | None]


def _with_known_time(reports: pa.Table, known_time: int) -> pa.Table:
    times = pa.array(np.arange(known_time, known_time + reports.num_rows)).cast(TIMESTAMP)
    return reports.append_column("known_time", times)
