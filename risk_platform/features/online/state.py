"""The whole state of the online engine: rows, turns, ledger and units, and how they grow and shrink."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from risk_platform.features.online.admission import admit
from risk_platform.features.online.arrivals import code_plan
from risk_platform.features.online.derive import Values
from risk_platform.features.online.early import Early
from risk_platform.features.online.kernel import Floats, Ints, grown, settled
from risk_platform.features.online.labels import judge
from risk_platform.features.online.ledger import (
    INSTANTS_DROPPED,
    NEWEST,
    ROWS_DROPPED,
    TEXT_FIRST,
    TEXT_NEXT,
    TURNS_DROPPED,
    Arrivals,
    ledger_with_room,
    new_ledger,
)
from risk_platform.features.online.plan import INTS, Columns, Stage
from risk_platform.features.online.rows import BITS, FIRST, NEXT, TEXT, Rows, Turns, new_rows, new_turns
from risk_platform.features.online.step import step
from risk_platform.features.online.unit import (
    PAYMENTS_DROPPED,
    Batch,
    Space,
    new_unit,
    roomier,
    space_for,
)
from risk_platform.features.online.unit import TURNS_DROPPED as UNIT_TURNS_DROPPED

DAY = 86_400_000_000
# Below this many payments a second thread costs more than it does.
_FEW = 32


@dataclass(frozen=True)
class Limits:
    """Durations in µs: age of known good, how late a report counts, how late a payment may come."""

    maturity: int
    horizon: int
    tolerance: int


class State:
    """Everything that later payments can see, and the steps that change it."""

    def __init__(self, columns: Columns, stages: tuple[Stage, ...], limits: Limits) -> None:
        self.columns, self.limits = columns, limits
        self.code_plan, self.texts, spaces = code_plan(columns.codes)
        self.plans = {
            f"{at}.{entity}": plan for at, stage in enumerate(stages) for entity, plan in stage.units.items()
        }
        self.rows = new_rows(len(INTS), len(columns.floats), len(columns.codes))
        self.turns = new_turns()
        self.ledger = new_ledger(len(spaces))
        self.units = {name: new_unit(plan) for name, plan in self.plans.items()}
        self.early = Early()
        self.last_known = -(1 << 62)
        self._spaces: dict[str, Space] = {name: space_for(plan, 1, 1) for name, plan in self.plans.items()}
        self._stage_units = [[f"{at}.{entity}" for entity in stage.units] for at, stage in enumerate(stages)]
        self._paid = tuple(name for name, plan in self.plans.items() if plan.used[0])
        self._resolved = tuple(name for name, plan in self.plans.items() if plan.used[1])
        self._admit: Callable[..., int] | None = None
        self._steps: dict[str, Callable[..., int]] = {}
        self._kept = self._reaches()

    @property
    def newest(self) -> int:
        """Newest event time so far, µs."""
        return int(self.ledger.clock[NEWEST])

    def admit(self, arrivals: Arrivals) -> Batch:
        """Rows for the arrivals, none of which breaks a rule, and the batch they are."""
        self._make_room(arrivals)
        first = int(self.rows.span[NEXT])
        newest = np.maximum.accumulate(np.maximum(arrivals.time, self.newest))
        before = np.empty(len(arrivals.time), np.int64)
        at = 0
        while at < len(before):
            given = (
                at, arrivals, self.code_plan, self._kept, self.ledger, self.rows, self.turns, before
            )  # fmt: skip
            self._admit = self._admit or settled(admit, *given)
            at = self._admit(*given)
            if at < len(before):
                self._more_turns(len(arrivals.early))
        self.last_known = int(arrivals.known[-1])
        # A copy of its own, so that the type of the batch is always the same.
        return Batch(first, np.array(arrivals.known), newest, before)

    def judge(self, verdicts: Ints) -> None:
        """Note verdicts on payments of the state: (payment number, known µs, is_fraud), in order."""
        at = 0
        while at < len(verdicts):
            at = judge(at, verdicts, self._kept, self.ledger, self.rows, self.turns)
            if at < len(verdicts):
                self._more_turns(1)

    def write(self, batch: Batch, values: Values) -> None:
        """Keep what later payments see of the batch: the measures and flags that `values` has so far."""
        begin = batch.first - int(self.rows.span[FIRST])
        part = slice(begin, begin + len(batch.known))
        for at, name in enumerate(self.columns.floats):
            if name in values:
                self.rows.floats[part, at] = values[name]
        bits = np.zeros(len(batch.known), np.int32)
        for at, name in enumerate(self.columns.bits):
            column = values.get(name.removeprefix("has "))
            if column is not None:
                there = ~np.isnan(column) if name.startswith("has ") else column == 1
                bits |= there.astype(np.int32) << np.int32(at)
        self.rows.codes[part, BITS] = bits

    def run(self, stage: int, batch: Batch, out: Floats, threads: Executor) -> None:
        """Answer every aggregate of the stage into `out` (payments × names) and enter the batch."""
        names = self._stage_units[stage]
        self._fit_spaces(names, len(batch.known))
        if len(batch.known) < _FEW:
            for name in names:
                self._step(name, batch, out)
        else:
            for done in [threads.submit(self._step, name, batch, out) for name in names]:
                done.result()

    def settle(self) -> None:
        """Give back the room of what aged out."""
        self.early.forget(self.newest - self.limits.horizon)
        rows, turns, text = self.needed()
        _shift(self.rows.span, rows, (self.rows.ints, self.rows.codes, self.rows.floats))
        _shift(self.turns.span, turns, (self.turns.ints,))
        clock = self.ledger.clock
        unused = text - int(clock[TEXT_FIRST])
        kept = int(clock[TEXT_NEXT]) - text
        if unused > kept:
            self.ledger.text[:kept] = self.ledger.text[unused : unused + kept]
            clock[TEXT_FIRST] = text

    def needed(self) -> tuple[int, int, int]:
        """First payment, first turn and first byte of text that anything can still ask for."""
        clock = self.ledger.clock
        paid = [int(self.units[name].progress[PAYMENTS_DROPPED]) for name in self._paid]
        turned = [int(self.units[name].progress[UNIT_TURNS_DROPPED]) for name in self._resolved]
        recent = int(clock[INSTANTS_DROPPED])
        empty = recent == int(self.rows.span[NEXT])
        text = clock[TEXT_NEXT] if empty else self.rows.ints[recent - int(self.rows.span[FIRST]), TEXT]
        return min([int(clock[ROWS_DROPPED]), *paid]), min([int(clock[TURNS_DROPPED]), *turned]), int(text)

    def _reaches(self) -> Ints:
        """Limits as the ledger takes them: it keeps rows, ties and turns longer than any unit asks for them."""
        paid, resolved = np.max([plan.reach for plan in self.plans.values()], axis=0).tolist()
        late = self.limits.tolerance
        rows = max(paid, self.limits.horizon + late) + 2 * DAY
        return np.array(
            [self.limits.maturity, self.limits.horizon, rows, late + DAY, resolved + DAY], np.int64
        )

    def _step(self, name: str, batch: Batch, out: Floats) -> None:
        at = 0
        while True:
            given = (
                at, batch, self.plans[name], self.units[name], self._spaces[name], out, self.rows, self.turns
            )  # fmt: skip
            if name not in self._steps:
                self._steps[name] = settled(step, *given)
            at = self._steps[name](*given)
            if at == len(batch.known):
                return
            self.units[name] = roomier(self.units[name])

    def _fit_spaces(self, names: list[str], payments: int) -> None:
        codes = max(len(space.keys) for space in self.ledger.spaces)
        for name in names:
            space = self._spaces[name]
            if len(space.payments.seen) <= codes or len(space.found) < payments:
                self._spaces[name] = space_for(self.plans[name], codes, payments)

    def _make_room(self, arrivals: Arrivals) -> None:
        count = len(arrivals.time)
        self.ledger = ledger_with_room(self.ledger, count, 2 * count, len(arrivals.text))
        used = int(self.rows.span[NEXT] - self.rows.span[FIRST])
        room = len(self.rows.ints)
        while used + count > room:
            room *= 2
        if room > len(self.rows.ints):
            ints, codes, floats, span = self.rows
            self.rows = Rows(grown(ints, room), grown(codes, room), grown(floats, room), span)

    def _more_turns(self, least: int) -> None:
        self.turns = Turns(grown(self.turns.ints, 2 * len(self.turns.ints) + least), self.turns.span)


def _shift(span: Ints, first: int, arrays: tuple[npt.NDArray[Any], ...]) -> None:
    """Move the rows from number `first` on to the front, once a third of them is dropped."""
    dropped, kept = first - int(span[FIRST]), int(span[NEXT]) - first
    if 2 * dropped > kept:
        for array in arrays:
            array[:kept] = array[dropped : dropped + kept]
        span[FIRST] = first
