"""Features of live payments: the declaration of the mart, kept up to date payment by payment."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from risk_platform.durations import parse_duration
from risk_platform.errors import ContractError
from risk_platform.features.online.arrivals import COLUMNS, micros, numbers_of
from risk_platform.features.online.derive import Values, derive
from risk_platform.features.online.kernel import Bools, Floats
from risk_platform.features.online.plan import Columns, Stage, compile_stage
from risk_platform.features.online.state import State
from risk_platform.features.spec import parse_feature_spec

_MICRO = timedelta(microseconds=1)
DAY = 86_400_000_000


class OnlineFeatures:
    """Every feature of the mart for payments as they arrive, in the order of their `known_time`.

    `spec_vars` are the vars of the dbt project. A payment sees what happened before it and arrived before it; its own
    values are written once and then it is seen by later ones. Events may be out of order by `late_tolerance`.
    """

    def __init__(
        self,
        spec_vars: Mapping[str, Any],
        *,
        label_maturity: timedelta,
        timezone: str,
        late_tolerance: timedelta,
    ) -> None:
        self._spec = parse_feature_spec(spec_vars["features"])
        self._timezone = timezone
        self._tolerance = late_tolerance // _MICRO
        horizon = max(parse_duration(spec_vars["label_horizon"]), label_maturity) // _MICRO
        self._columns = Columns()
        keep = self._tolerance + 3_600_000_000
        longest = max(
            (parse_duration(a.window) // _MICRO for a in (*self._spec.first_stage, *self._spec.second_stage)),
            default=0,
        )
        run_reach = (2 * ((longest + horizon) // DAY + 1) + 1) * DAY
        self._baselines = compile_stage(
            self._spec, self._columns, self._spec.first_stage, (), keep, run_reach
        )
        self._aggregates = compile_stage(
            self._spec, self._columns, self._spec.second_stage, self._spec.runs, keep, run_reach
        )
        self._state = State(
            self._columns,
            (self._baselines, self._aggregates),
            maturity=label_maturity // _MICRO,
            horizon=horizon,
            tolerance=self._tolerance,
        )
        self._threads = ThreadPoolExecutor(2)

    @property
    def names(self) -> tuple[str, ...]:
        """The features in the column order of the mart."""
        return self._spec.names

    def observe(self, payments: pa.Table) -> Floats:
        """Features of each payment (payments × names), NaN for null; afterwards later payments see them.

        Rows are in the order of `known_time`; those of one known instant do not see each other. Raises ContractError,
        and changes nothing, when the order goes back, a payment is too late, comes twice or does not fit.
        """
        if payments.num_rows == 0:
            return np.empty((0, len(self.names)))
        payments = payments.select(COLUMNS)
        values = numbers_of(payments, self._timezone)
        batch = self._state.admit(payments, values)
        self._state.write(batch, values)
        self._run(self._baselines, batch, values)
        derive(self._spec.deviations, values)
        self._state.write(batch, values)
        self._run(self._aggregates, batch, values)
        derive(self._spec.comparisons, values)
        self._state.settle()
        return np.stack([values[name] for name in self.names], axis=1)

    def report(self, judgements: pa.Table) -> None:
        """Take note of what payments were found to be; rows of the `judgements` table in any order.

        Raises ContractError, and changes nothing, when a verdict is older than what was observed or reported before.
        """
        self._state.report(judgements)

    def refuse_late(self, payments: pa.Table) -> Bools:
        """True for each payment further behind the newest event so far than the tolerance."""
        return self._state.too_late(micros(payments.column("event_time")))

    def _run(self, stage: Stage, batch: Any, values: Values) -> None:
        out = np.empty((len(batch.known), len(stage.names)))
        self._state.run(stage, batch, out, self._threads)
        for at, name in enumerate(stage.names):
            values[name] = out[:, at]
