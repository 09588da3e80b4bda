"""One view of a host compiled: the windows, accumulators and operations of one entity's aggregates and runs."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from risk_platform.durations import parse_duration
from risk_platform.errors import ContractError
from risk_platform.features.declaration import Aggregate, Filter, Run
from risk_platform.features.online import operators
from risk_platform.features.online.columns import Columns
from risk_platform.features.online.measure import SHORT, SQUARE_HIGH, SQUARE_LOW, VALUE
from risk_platform.features.online.rows import EARLY_BIT, FOREIGN_BIT, GATE_BIT, NO_CODE, TURN_FRAUD_BIT
from risk_platform.features.online.tables import NEVER, HostTables, Reach, Row, View
from risk_platform.features.spec import FeatureSpec

DAY_US, HOUR_US = 86_400_000_000, 3_600_000_000
_RUNS = {
    "length": operators.RUN_LENGTH,
    "age_first": operators.RUN_AGE_FIRST,
    "age_before": operators.RUN_AGE_BEFORE,
    "since": operators.RUN_SINCE,
}
_SUMMED = ("count", "rate", "sum", "mean", "std", "age_first", "age_last", "last")
Bits = tuple[int, int]


@dataclass
class _Side:
    """What a view asks of payments (one list), or of resolutions (known good by age, and turns)."""

    windows: list[str] = field(default_factory=list)
    summed: set[str] = field(default_factory=set)
    adds: list[tuple[Row, ...]] = field(default_factory=list)
    asked: list[tuple[str, list[int]]] = field(default_factory=list)
    edges: list[Row] = field(default_factory=list)

    def ask(self, window: str, op: list[int]) -> None:
        if window not in self.windows:
            self.windows.append(window)
        self.asked.append((window, op))

    def add(self, rows: tuple[Row, ...]) -> int:
        if rows not in self.adds:
            self.adds.append(rows)
        return self.adds.index(rows)

    def close(self) -> None:
        """Put windows in the order of their width, accumulators in that of the widest window each is needed in."""
        windows = sorted(self.windows, key=micros)
        needed = [
            [micros(w) for w, op in self.asked if at in _accumulators(op)] for at in range(len(self.adds))
        ]
        order = sorted(range(len(self.adds)), key=lambda at: -max(needed[at], default=0))
        for window, op in self.asked:
            op[operators.EDGE] = windows.index(window)
            for column in _named(op):
                op[column] = order.index(op[column])
        self.adds = [self.adds[at] for at in order]
        self.edges = []
        for window in windows:
            width = micros(window)
            mask = sum(1 << at for at, old in enumerate(order) if width in needed[old])
            active = sum(max(needed[old], default=0) >= width for old in order)
            self.edges.append((width, int(width > DAY_US), int(window in self.summed), mask, active))

    def ops(self) -> list[list[int]]:
        return [op for _, op in self.asked]


class ViewBuilder:
    """Collects what one entity asks in one stage; `match` narrows its lists, `gated` to accounts that were paid."""

    def __init__(
        self, spec: FeatureSpec, columns: Columns, host: HostTables, reach: Reach, key: Row, *, gated: bool
    ) -> None:
        self._spec, self._columns, self._host, self._reach = spec, columns, host, reach
        self._key, self._gate = key, int(gated) << GATE_BIT
        self._carried = key[2] == NO_CODE
        self._sides = _Side(), _Side()

    def aggregate(self, a: Aggregate, slot: int) -> None:
        """Add one aggregate that is answered in column `slot`."""
        resolved = bool(a.filter) and self._spec.filters[str(a.filter)].stream == "resolutions"
        side, streams = self._sides[resolved], self._condition(a.filter, resolved=resolved)
        reach = micros(a.window) + HOUR_US + self._reach.keep
        self._keep_for(reach, resolved=resolved)
        op = [getattr(operators, a.agg.upper()), 0, -1, -1, -1, 0, 0, slot, 0, 0, 0]
        match a.agg:
            case "count" | "rate" | "age_first" | "age_last":
                op[operators.A] = self._count(side, streams)
                if a.agg == "rate":
                    op[operators.B] = self._count(side, self._condition(None, resolved=resolved))
            case "sum" | "mean" | "std":
                self._summation(a, op, side, streams)
            case "max":
                self._maximum(a, op, streams, reach)
            case "distinct":
                op[operators.COLUMN] = self._columns.code(self._column(a).removesuffix("_code"))
                op[operators.MASK : operators.WANT + 1] = streams[-1]
                op[operators.FIRST_MASK : operators.FIRST_WANT + 1] = streams[0]
            case "last":
                op[operators.COLUMN] = self._columns.measure(
                    self._column(a), self._with_maturity(reach, resolved)
                )
                op[operators.A] = self._count(side, self._present(a, op[operators.COLUMN], streams))
        if a.agg in _SUMMED:
            side.summed.add(a.window)
        side.ask(a.window, op)

    def run(self, run: Run, slot: int) -> None:
        """Add a run state that is answered in column `slot`."""
        inside, outside = (self._condition(name, resolved=True) for name in (run.of, run.broken_by))
        (mask, want), (other_mask, other_want) = inside[1], outside[1]
        if not mask & other_mask & (want ^ other_want):
            raise ContractError(f"{run.name}: {run.of} and {run.broken_by} must exclude each other.")
        self._keep_for(self._reach.runs + self._reach.keep, resolved=True)
        side = self._sides[1]
        a, b = self._count(side, inside), self._count(side, outside)
        side.summed.add(run.horizon)
        side.ask(run.horizon, [_RUNS[run.state], 0, a, b, -1, 0, 0, slot, 0, 0, 0])

    def close(self) -> None:
        """Hand the view to its host."""
        paid, found = self._sides
        paid.close()
        found.close()
        uses = [
            [self._host.adds[at].place(row, kept=self._kept(row)) for row in rows]
            for at, rows in (
                (0, [rows[0] for rows in paid.adds]),
                (0, [rows[0] for rows in found.adds]),
                (1, [rows[1] for rows in found.adds]),
            )
        ]
        whole = any(op[operators.OP] >= operators.RUN_LENGTH for _, op in found.asked)
        edges = paid.edges, found.edges
        self._host.lay_down(
            View(self._key, edges, (uses[0], uses[1], uses[2]), whole, paid.ops(), found.ops())
        )

    def _kept(self, row: Row) -> bool:
        return self._carried and row[:2] != NEVER

    def _keep_for(self, reach: int, *, resolved: bool) -> None:
        longest = self._host.longest
        longest[0] = max(longest[0], self._with_maturity(reach, resolved))
        if resolved:
            longest[1] = max(longest[1], reach)

    def _with_maturity(self, reach: int, resolved: bool) -> int:
        """Reach of payments: what is known good by age is as much older."""
        return reach + self._reach.maturity if resolved else reach

    def _summation(self, a: Aggregate, op: list[int], side: _Side, streams: tuple[Bits, ...]) -> None:
        measure = self._columns.measure(self._column(a), 0)
        if measure >= SHORT:
            raise ContractError(f"{a.name}: {a.agg} needs a whole-number measure, which {a.measure} is not.")
        op[operators.A] = side.add(tuple((*bits, measure, VALUE) for bits in streams))
        op[operators.B] = self._count(side, streams)
        if a.agg == "std":
            parts = [tuple((*bits, measure, part) for bits in streams) for part in (SQUARE_HIGH, SQUARE_LOW)]
            op[operators.COLUMN], op[operators.MASK] = (side.add(rows) for rows in parts)

    def _maximum(self, a: Aggregate, op: list[int], streams: tuple[Bits, ...], reach: int) -> None:
        measure = self._columns.measure(self._column(a), self._with_maturity(reach, len(streams) > 1))
        places = [
            self._host.peaks[at].place((*bits, measure), kept=self._kept(bits))
            for at, bits in enumerate(streams)
        ]
        op[operators.A], op[operators.B] = places[0]
        op[operators.MASK], op[operators.WANT] = places[-1]

    def _count(self, side: _Side, streams: tuple[Bits, ...]) -> int:
        """The accumulator that counts what passes; -1 where every payment does."""
        if streams == ((0, 0),):
            return -1
        return side.add(tuple((*bits, -1, VALUE) for bits in streams))

    def _present(self, a: Aggregate, measure: int, streams: tuple[Bits, ...]) -> tuple[Bits, ...]:
        if measure < SHORT:
            return streams
        bit = self._columns.bit(f"has {self._column(a)}")
        return tuple(
            (mask, want) if (mask, want) == NEVER else (mask | bit, want | bit) for mask, want in streams
        )

    def _condition(self, name: str | None, *, resolved: bool) -> tuple[Bits, ...]:
        """The bits that must be as wanted in payments; or in what is known good by age, and in turns."""
        chosen: Any = self._spec.filters[name] if name else Filter(title="", stream="payments")
        mask = want = self._gate
        # Payments of other codes stand among those that a narrowed view is given; turns of theirs do not.
        foreign = 0 if self._carried else 1 << FOREIGN_BIT
        if chosen.when:
            bit = self._columns.bit(chosen.when)
            mask, want = mask | bit, want | bit
        if chosen.unless:
            mask |= self._columns.bit(chosen.unless)
        if not resolved:
            return ((mask | foreign, want),)
        fraud = 1 << TURN_FRAUD_BIT
        aged = NEVER if chosen.label == "fraud" else (mask | 1 << EARLY_BIT | foreign, want)
        turned = (mask | fraud, want | fraud * (chosen.label == "fraud")) if chosen.label else (mask, want)
        return aged, turned

    def _column(self, a: Aggregate) -> str:
        measure = str(a.measure)
        return self._spec.measures[measure].column if measure in self._spec.measures else measure


def _named(op: list[int]) -> list[int]:
    """Columns of an operation that name accumulators of its view."""
    if op[operators.OP] in (operators.MAX, operators.DISTINCT):
        return []
    columns = [operators.A, operators.B]
    if op[operators.OP] == operators.STD:
        columns += [operators.COLUMN, operators.MASK]
    return [column for column in columns if op[column] >= 0]


def _accumulators(op: list[int]) -> list[int]:
    return [op[column] for column in _named(op)]


def micros(window: str) -> int:
    """A window in µs."""
    return parse_duration(window) // timedelta(microseconds=1)
