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
from risk_platform.features.online.arrivals import micros, numbers_of, one_batch
from risk_platform.features.online.derive import Values, derive
from risk_platform.features.online.kernel import Bools, Floats
from risk_platform.features.online.plan import Columns, compile_stage
from risk_platform.features.online.state import Limits, State
from risk_platform.features.online.unit import Batch
from risk_platform.features.spec import parse_feature_spec
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import JUDGEMENTS

_MICRO = timedelta(microseconds=1)
_HOUR = 3_600_000_000
_BASELINES, _AGGREGATES = 0, 1


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
        reach = history_before(spec_vars, label_maturity) // _MICRO
        keep = late_tolerance // _MICRO + _HOUR
        self._stages = (
            compile_stage(self._spec, columns, self._spec.first_stage, (), keep, reach),
            compile_stage(self._spec, columns, self._spec.second_stage, self._spec.runs, keep, reach),
        )
        limits = Limits(
            label_maturity // _MICRO,
            label_horizon(spec_vars, label_maturity) // _MICRO,
            late_tolerance // _MICRO,
        )
        self._state = State(columns, self._stages, limits)
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
        return snapshot.state_hash(self._state)

    def _observe(self, payments: pa.Table, *, late: bool) -> Floats:
        if payments.num_rows == 0:
            return np.empty((0, len(self.names)))
        one = one_batch(payments)
        values = numbers_of(one, self._timezone)
        arrivals = door.arrivals_of(self._state, one, values)
        door.refuse(self._state, one, arrivals, self._partitions, late=late)
        batch = self._state.admit(arrivals)
        self._state.early.met(arrivals.identity)
        self._run(_BASELINES, batch, values)
        derive(self._spec.deviations, values)
        self._run(_AGGREGATES, batch, values)
        derive(self._spec.comparisons, values)
        self._state.settle()
        columns = np.concatenate([values[name] for name in self.names]).reshape(len(self.names), -1)
        return np.ascontiguousarray(columns.T)

    def _run(self, stage: int, batch: Batch, values: Values) -> None:
        self._state.write(batch, values)
        names = self._stages[stage].names
        out = np.empty((len(batch.known), len(names)))
        self._state.run(stage, batch, out, self._threads)
        for at, name in enumerate(names):
            values[name] = out[:, at]
