"""The declared features compiled to flat tables of integers, one plan for each entity and stage."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np

from risk_platform.durations import parse_duration
from risk_platform.errors import ContractError
from risk_platform.features.declaration import Aggregate, Filter, Run
from risk_platform.features.online import operators
from risk_platform.features.online.kernel import Ints
from risk_platform.features.online.measure import SQUARE_HIGH, SQUARE_LOW, VALUE
from risk_platform.features.online.pool import LogPlan
from risk_platform.features.online.rows import FIXED_CODES, FIXED_INTS, FRAUD_BIT, PAYMENTS, RESOLUTIONS
from risk_platform.features.online.unit import UnitPlan
from risk_platform.features.spec import FeatureSpec

DAY_US, HOUR_US = 86_400_000_000, 3_600_000_000
# Which column of a payment a code comes from, and the id space it lives in.
TEXTS = {
    "customer_id": "account",
    "counterparty_id": "account",
    "payee_account_id": "account",
    "device_id": "device",
    "instrument_id": "instrument",
    "mcc": "mcc",
    "city": "city",
}
READY = ("daypart", "daypart_shifted")
INTS = ("amount",)
_RUNS = {
    "length": operators.RUN_LENGTH,
    "age_first": operators.RUN_AGE_FIRST,
    "age_before": operators.RUN_AGE_BEFORE,
    "since": operators.RUN_SINCE,
}


@dataclass
class Columns:
    """Columns that rows must have: codes, floats (whole numbers come first), and the bits of flags and presences."""

    codes: list[str] = field(default_factory=list)
    floats: list[str] = field(default_factory=list)
    bits: list[str] = field(default_factory=list)

    def code(self, name: str) -> int:
        if name not in TEXTS and name not in READY:
            raise ContractError(f"The online engine knows no key column {name!r}; add it to its id spaces.")
        return FIXED_CODES + _place(self.codes, name)

    def measure(self, name: str) -> int:
        place = INTS.index(name) if name in INTS else len(INTS) + _place(self.floats, name)
        return FIXED_INTS + place

    def bit(self, name: str) -> int:
        at = _place(self.bits, name)
        if at >= FRAUD_BIT:
            raise ContractError("The features use more than 31 flags and optional measures; use fewer.")
        return 1 << at


def _place(names: list[str], name: str) -> int:
    if name not in names:
        names.append(name)
    return names.index(name)


@dataclass(frozen=True)
class Stage:
    """The units of one stage, by entity, and the names of what they answer, in the order of their slots."""

    units: Mapping[str, UnitPlan]
    names: tuple[str, ...]


class _LogBuilder:
    """Collects what one stream of one entity must accumulate and answer."""

    def __init__(self, spec: FeatureSpec, columns: Columns, stream: int) -> None:
        self._spec, self._columns, self._stream = spec, columns, stream
        self._adds: list[tuple[int, ...]] = []
        self._peaks: list[tuple[int, ...]] = []
        self._windows: list[str] = []
        self._summed: set[str] = set()
        self._asked: list[tuple[str, list[int]]] = []
        self._least_reach = 0

    @property
    def reach(self) -> int:
        return max(self._least_reach, *(_micros(window) + HOUR_US for window in self._windows), 0)

    def aggregate(self, a: Aggregate, slot: int) -> None:
        mask, want = self._condition(a.filter)
        op = [getattr(operators, a.agg.upper()), 0, -1, -1, -1, mask, want, slot]
        match a.agg:
            case "count" | "rate" | "age_first" | "age_last":
                op[operators.A] = self._count(mask, want)
            case "sum" | "mean" | "std":
                self._summation(a, op)
            case "max":
                op[operators.A] = _index(self._peaks, (mask, want, self._measure(a)))
            case "distinct":
                op[operators.COLUMN] = self._columns.code(self._column(a).removesuffix("_code"))
            case "last":
                op[operators.COLUMN] = self._measure(a)
                op[operators.A] = self._count(*self._present(a, mask, want))
        if a.agg in ("count", "rate", "sum", "mean", "std", "age_first"):
            self._summed.add(a.window)
        self._ask(a.window, op)

    def run(self, run: Run, slot: int, reach: int) -> None:
        self._least_reach = reach
        inside, outside = self._condition(run.of), self._condition(run.broken_by)
        if not inside[0] & outside[0] & (inside[1] ^ outside[1]):
            raise ContractError(f"{run.name}: {run.of} and {run.broken_by} must exclude each other.")
        self._ask(
            run.horizon,
            [_RUNS[run.state], 0, self._count(*inside), self._count(*outside), -1, 0, 0, slot],
        )

    def build(self) -> LogPlan:
        windows = sorted(self._windows, key=_micros)
        edges = [(_micros(w), int(_micros(w) > DAY_US), int(w in self._summed)) for w in windows]
        for window, op in self._asked:
            op[operators.EDGE] = windows.index(window) + 1
        return LogPlan(
            self._stream,
            _table(self._adds, 4),
            _table(self._peaks, 3),
            _table(edges, 3),
            _table([op for _, op in self._asked], 8),
        )

    def _ask(self, window: str, op: list[int]) -> None:
        _place(self._windows, window)
        self._asked.append((window, op))

    def _summation(self, a: Aggregate, op: list[int]) -> None:
        mask, want = op[operators.MASK], op[operators.WANT]
        measure = self._measure(a)
        if measure >= FIXED_INTS + len(INTS):
            raise ContractError(f"{a.name}: {a.agg} needs a whole-number measure, which {a.measure} is not.")
        op[operators.A] = _index(self._adds, (mask, want, measure, VALUE))
        op[operators.B] = self._count(mask, want)
        if a.agg == "std":
            parts = [(mask, want, measure, part) for part in (VALUE, SQUARE_HIGH, SQUARE_LOW)]
            op[operators.A] = len(self._adds)
            self._adds += parts

    def _count(self, mask: int, want: int) -> int:
        return _index(self._adds, (mask, want, -1, VALUE)) if mask else -1

    def _present(self, a: Aggregate, mask: int, want: int) -> tuple[int, int]:
        if self._column(a) in INTS:
            return mask, want
        bit = self._columns.bit(f"has {self._column(a)}")
        return mask | bit, want | bit

    def _condition(self, name: str | None) -> tuple[int, int]:
        if name is None:
            return 0, 0
        chosen: Filter = self._spec.filters[name]
        mask = want = 0
        if chosen.label:
            mask |= 1 << FRAUD_BIT
            want |= (chosen.label == "fraud") << FRAUD_BIT
        if chosen.when:
            bit = self._columns.bit(chosen.when)
            mask, want = mask | bit, want | bit
        if chosen.unless:
            mask |= self._columns.bit(chosen.unless)
        return mask, want

    def _measure(self, a: Aggregate) -> int:
        return self._columns.measure(self._column(a))

    def _column(self, a: Aggregate) -> str:
        measure = str(a.measure)
        return self._spec.measures[measure].column if measure in self._spec.measures else measure


def compile_stage(
    spec: FeatureSpec,
    columns: Columns,
    aggregates: tuple[Aggregate, ...],
    runs: tuple[Run, ...],
    keep: int,
    run_reach: int,
) -> Stage:
    """The units of a stage; each keeps its entries for its longest window, or `run_reach` for runs, and `keep` µs more.

    Raises ContractError for what the declaration allows but the engine cannot compute.
    """
    names = (*(a.name for a in aggregates), *(run.name for run in runs))
    units = {}
    for entity in dict.fromkeys((*(a.entity for a in aggregates), *(run.entity for run in runs))):
        logs = [_LogBuilder(spec, columns, stream) for stream in (PAYMENTS, RESOLUTIONS)]
        for slot, a in enumerate(aggregates):
            if a.entity == entity:
                logs[bool(a.filter) and spec.filters[str(a.filter)].stream == "resolutions"].aggregate(
                    a, slot
                )
        for slot, run in enumerate(runs, len(aggregates)):
            if run.entity == entity:
                logs[RESOLUTIONS].run(run, slot, run_reach)
        units[entity] = _unit_plan(spec, columns, entity, logs, keep)
    return Stage(units, names)


def _unit_plan(
    spec: FeatureSpec, columns: Columns, entity: str, logs: list[_LogBuilder], keep: int
) -> UnitPlan:
    declared = spec.entities[entity]
    plans = [log.build() for log in logs]
    return UnitPlan(
        _key(columns, declared.key),
        _key(columns, declared.seen_as or declared.key),
        np.array([len(plan.ops) > 0 for plan in plans], np.int64),
        np.array([log.reach + keep for log in logs], np.int64),
        *plans,
    )


def _key(columns: Columns, names: tuple[str, ...]) -> Ints:
    codes = [columns.code(name) for name in names]
    return np.array([codes[0], codes[1] if len(codes) > 1 else -1], np.int64)


def _index(table: list[tuple[int, ...]], row: tuple[int, ...]) -> int:
    if row not in table:
        table.append(row)
    return table.index(row)


def _table(rows: list[Any], width: int) -> Ints:
    return np.array(rows, np.int64).reshape(len(rows), width)


def _micros(window: str) -> int:
    return parse_duration(window) // timedelta(microseconds=1)
