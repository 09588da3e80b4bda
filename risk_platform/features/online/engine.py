"""Features of live payments: the declaration of the mart, kept up to date payment by payment."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from risk_platform.features.history import history_before, in_order, label_horizon, payments_between
from risk_platform.features.online import door, snapshot
from risk_platform.features.online.arrivals import Layout, arrivals_between, micros, read_arrivals
from risk_platform.features.online.columns import Columns
from risk_platform.features.online.derive import BASE_NUMBERS
from risk_platform.features.online.kernel import Bools, Floats
from risk_platform.features.online.ledger import Arrivals, Limits
from risk_platform.features.online.plan import compile_plan
from risk_platform.features.online.state import State
from risk_platform.features.online.tables import Reach
from risk_platform.features.spec import parse_feature_spec
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import JUDGEMENTS

_MICRO = timedelta(microseconds=1)
_HOUR = 3_600_000_000


class OnlineFeatures:
    """Every feature of the mart for payments as they arrive, in the order of their `known_time`.

    `spec_vars` are the vars of the dbt project. A payment sees what happened before it and arrived before it. Events
    may be out of order by `late_tolerance`. `partitions` names the partitions of customers that this engine owns; an
    engine that owns a part sees the payments of that part only.
    """

    def __init__(
        self,
        spec_vars: Mapping[str, Any],
        *,
        label_maturity: timedelta,
        timezone: str,
        late_tolerance: timedelta,
        partitions: frozenset[int] | None = None,
    ) -> None:
        self._vars = spec_vars
        self._spec = parse_feature_spec(spec_vars["features"])
        self._maturity, self._timezone, self._tolerance = label_maturity, timezone, late_tolerance
        self._partitions = partitions
        columns = Columns()
        reach = Reach(
            late_tolerance // _MICRO + _HOUR,
            history_before(spec_vars, label_maturity) // _MICRO,
            label_maturity // _MICRO,
        )
        plan = compile_plan(self._spec, columns, reach)
        limits = Limits(
            label_maturity // _MICRO,
            label_horizon(spec_vars, label_maturity) // _MICRO,
            late_tolerance // _MICRO,
        )
        self._state = State(columns, plan, limits)
        self._places = np.array([plan.slots[name] for name in self.names], np.intp)
        self._layout: Layout | None = None
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="features")

    @property
    def names(self) -> tuple[str, ...]:
        """The features in the column order of the mart."""
        return self._spec.names

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the state takes, spare room included."""
        return snapshot.nbytes(self._state)

    def observe(self, payments: pa.Table) -> Floats:
        """Features of each payment (payments × names), NaN for null; from then on later payments see them.

        Rows are in the order of `known_time`; those of one known instant do not see each other. Raises ContractError,
        and changes nothing, when the order goes back, or a payment is too late, comes twice or does not fit.
        """
        return self._observe(payments, late=True)

    def report(self, judgements: pa.Table) -> None:
        """Take note of what payments were found to be; rows of the table `judgements` in any order.

        Raises ContractError, and changes nothing, when one is older than what was observed or reported before.
        """
        door.report(self._state, judgements)

    def refuse_late(self, payments: pa.Table) -> Bools:
        """True for each payment that is further behind the newest event before it than the tolerance."""
        return door.too_late(self._state, micros(payments.column("event_time")))

    def warm(
        self, lake: Lake, *, until: date, progress: Callable[[int, int], None] = lambda _done, _total: None
    ) -> int:
        """Take in the history that payments after the event date `until` can see; returns how many payments.

        `progress` hears how many of how many are done. History is taken as it is, however late it became known.
        """
        payments = payments_between(lake, until - history_before(self._vars, self._maturity), until)
        if self._partitions is not None:
            payments = payments.filter(
                pc.is_in(payments["partition"], pa.array(sorted(self._partitions), pa.int16()))
            )
        done = 0
        for batch, judgements in in_order(payments, lake.read(JUDGEMENTS)):
            self.report(judgements)
            self._observe(batch, late=False)
            done += batch.num_rows
            progress(done, payments.num_rows)
        return done

    def snapshot(self, folder: Path) -> None:
        """Write the state below `folder`, all or nothing; the snapshot before stays in force until it is done."""
        facts = {
            "vars": dict(self._vars),
            "label_maturity": self._maturity // _MICRO,
            "timezone": self._timezone,
            "late_tolerance": self._tolerance // _MICRO,
            "partitions": None if self._partitions is None else sorted(self._partitions),
        }
        self._state.settle()
        snapshot.save(folder, self._state, facts)

    @classmethod
    def restore(cls, folder: Path) -> Self:
        """The engine as it was when the snapshot below `folder` was written.

        Raises ContractError when there is none, or it does not hold the bytes that were promised.
        """
        facts, arrays = snapshot.load(folder)
        engine = cls(
            facts["vars"],
            label_maturity=facts["label_maturity"] * _MICRO,
            timezone=facts["timezone"],
            late_tolerance=facts["late_tolerance"] * _MICRO,
            partitions=None if facts["partitions"] is None else frozenset(facts["partitions"]),
        )
        snapshot.put_back(engine._state, arrays)
        return engine

    def state_hash(self) -> str:
        """SHA-256 of the state: equal for equal histories, however they were cut into batches."""
        self._state.settle()
        return snapshot.state_hash(self._state)

    def _observe(self, payments: pa.Table, *, late: bool) -> Floats:
        if payments.num_rows == 0:
            return np.empty((0, len(self.names)))
        if self._layout is None or not payments.schema.equals(self._layout.schema):
            self._layout = Layout.of(payments.schema, self._state.columns.codes)
        batch = self._layout.one_batch(payments)
        arrivals = read_arrivals(batch, self._layout, self._timezone)
        door.refuse(self._state, batch, arrivals, self._partitions, late=late)
        arrivals = self._state.early.meet(arrivals)
        parts = [self._answered(arrivals_between(arrivals, *span)) for span in self._spans(arrivals)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _answered(self, arrivals: Arrivals) -> Floats:
        state = self._state
        batch = state.admit(arrivals)
        table = np.empty((len(batch.known), len(state.plan.slots)))
        # The payment's own numbers are the first columns.
        table[:, : len(BASE_NUMBERS)] = arrivals.base
        state.answer(batch, table)
        state.derive(state.plan.deviations, arrivals.texts, table)
        state.write(batch, table)
        state.step(batch, table, self._threads)
        state.derive(state.plan.comparisons, arrivals.texts, table)
        return table.take(self._places, axis=1)

    def _spans(self, arrivals: Arrivals) -> list[tuple[int, int]]:
        """Stretches of a batch in which no payment sees another one, or its label, in its first stage.

        So the first stage is answered for all of a stretch before anything of it is entered.
        """
        count = len(arrivals.time)
        if count == 1:
            return [(0, 1)]
        if self._state.plan.sees_itself:
            begins = np.flatnonzero(np.diff(arrivals.known, prepend=arrivals.known[0] - 1))
            return list(zip(begins.tolist(), [*begins[1:].tolist(), count], strict=True))
        begins = np.flatnonzero(np.diff(arrivals.known, prepend=arrivals.known[0] - 1))
        lows, highs = (edge.reduceat(arrivals.time, begins).tolist() for edge in (np.minimum, np.maximum))
        turns = arrivals.known > arrivals.time + self._maturity // _MICRO
        turns[arrivals.early[:, 0]] = True
        ended = np.logical_or.reduceat(turns, begins).tolist()
        spans, begin, low, high = [], 0, lows[0], highs[0]
        for at, group in enumerate(begins.tolist()[1:], 1):
            low, high = min(low, lows[at]), max(high, highs[at])
            if ended[at - 1] or high - low > self._maturity // _MICRO:
                spans.append((begin, group))
                begin, low, high = group, lows[at], highs[at]
        return [*spans, (begin, count)]
