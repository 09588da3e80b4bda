"""The whole state of the online engine: rows, turns, ledger and units, and how they grow and shrink."""

from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from risk_platform.errors import ContractError
from risk_platform.features.online import arrivals as arriving
from risk_platform.features.online.derive import Values
from risk_platform.features.online.kernel import Bools, Floats, Ints, Words, grown
from risk_platform.features.online.ledger import (
    INSTANTS_DROPPED,
    NEWEST,
    ROWS_DROPPED,
    TEXT_FIRST,
    TURNS_DROPPED,
    Arrivals,
    admit,
    judge,
    ledger_with_room,
    new_ledger,
)
from risk_platform.features.online.measure import LARGEST
from risk_platform.features.online.plan import INTS, Columns, Stage
from risk_platform.features.online.rows import FIRST, NEXT, Rows, Turns, new_rows, new_turns
from risk_platform.features.online.table import find_all
from risk_platform.features.online.unit import (
    PAYMENTS_DROPPED,
    Batch,
    Space,
    Unit,
    new_unit,
    roomier,
    space_for,
    step,
)

DAY = 86_400_000_000


class State:
    """Everything that later payments can see."""

    def __init__(
        self, columns: Columns, stages: tuple[Stage, ...], *, maturity: int, horizon: int, tolerance: int
    ) -> None:
        self._columns, self._stages, self._tolerance = columns, stages, tolerance
        self._codes, self._texts, spaces = arriving.code_plan(columns.codes)
        reach = np.max([plan.reach for stage in stages for plan in stage.units.values()], axis=0)
        rows_reach = max(int(reach[0]), horizon + tolerance) + 2 * DAY
        self._limits = np.array(
            [maturity, horizon, rows_reach, tolerance + DAY, int(reach[1]) + DAY], np.int64
        )
        self._rows = new_rows(len(INTS), len(columns.floats), len(columns.codes))
        self._turns = new_turns()
        self._ledger = new_ledger(len(spaces))
        self._units: dict[int, Unit] = {}
        self._spaces: dict[int, Space] = {}
        for stage in stages:
            for plan in stage.units.values():
                self._units[id(plan)] = new_unit(plan)
                self._spaces[id(plan)] = space_for(plan, 1)
        self._early: dict[int, list[tuple[bool, str]]] = {}
        self._last_known = -(1 << 62)

    def admit(self, payments: pa.Table, values: Values) -> Batch:
        """Rows for `payments`, all or none, and the batch they are."""
        arrivals = self._arrivals(payments, values)
        self._refuse(payments, arrivals)
        self._make_room(arrivals)
        first = int(self._rows.span[NEXT])
        newest = np.maximum.accumulate(np.maximum(arrivals.time, self._ledger.clock[NEWEST]))
        before = np.empty(len(arrivals.time), np.int64)
        at = 0
        while at < len(before):
            at = admit(at, arrivals, self._codes, self._limits, self._ledger, self._rows, self._turns, before)
            if at < len(before):
                self._more_turns()
        self._last_known = int(arrivals.known[-1])
        return Batch(first, arrivals.known, newest, before)

    def write(self, batch: Batch, values: Values) -> None:
        """Keep what later payments see of the batch: the measures and flags that `values` has so far."""
        begin = batch.first - int(self._rows.span[FIRST])
        part = slice(begin, begin + len(batch.known))
        for at, name in enumerate(self._columns.floats):
            if name in values:
                self._rows.floats[part, at] = values[name]
        bits = np.zeros(len(batch.known), np.uint32)
        for at, name in enumerate(self._columns.bits):
            column = values.get(name.removeprefix("has "))
            if column is not None:
                there = ~np.isnan(column) if name.startswith("has ") else column == 1
                bits |= there.astype(np.uint32) << np.uint32(at)
        self._rows.bits[part] = bits

    def run(self, stage: Stage, batch: Batch, out: Floats, threads: Executor) -> None:
        """Answer every aggregate of the stage into `out` (payments × names) and enter the batch."""
        codes = max((len(space.keys) for space in self._ledger.spaces), default=1)
        plans = list(stage.units.values())
        jobs = [lambda plan=plan: self._step(plan, batch, out, codes) for plan in plans]
        if len(batch.known) < 32:
            for job in jobs:
                job()
        else:
            for done in [threads.submit(job) for job in jobs]:
                done.result()

    def _step(self, plan: Any, batch: Batch, out: Floats, codes: int) -> None:
        key = id(plan)
        if len(self._spaces[key].payments.seen) <= codes:
            self._spaces[key] = space_for(plan, codes)
        at = 0
        while True:
            at = step(at, batch, plan, self._units[key], self._spaces[key], out, self._rows, self._turns)
            if at == len(batch.known):
                return
            self._units[key] = roomier(self._units[key])

    def report(self, judgements: pa.Table) -> None:
        """Note verdicts; those of payments not seen yet wait for them."""
        table = judgements.sort_by(
            [("known_time", "ascending"), ("is_fraud", "ascending"), ("judgement_id", "ascending")]
        )
        if table.num_rows == 0:
            return
        known = arriving.micros(table.column("known_time"))
        if known[0] < self._last_known:
            raise ContractError("A judgement is older than what was observed before it; report in order.")
        words = arriving.text_parts(arriving.identities_of(table))[2]
        fraud = table.column("is_fraud").to_numpy()
        numbers = self._numbers(words)
        names = table.column("judgement_id").to_pylist()
        for at in np.flatnonzero(numbers < 0):
            self._early.setdefault(int(words[at]), []).append((bool(fraud[at]), names[at]))
        there = numbers >= 0
        verdicts = np.stack([numbers[there], known[there], fraud[there].astype(np.int64)], axis=1)
        at = 0
        while at < len(verdicts):
            at = judge(at, verdicts, self._limits, self._ledger, self._rows, self._turns)
            if at < len(verdicts):
                self._more_turns()
        self._last_known = int(known[-1])

    def too_late(self, moments: Ints) -> Bools:
        """Which event times (µs) are further behind the newest so far than the tolerance."""
        newest = np.maximum.accumulate(np.maximum(moments, self._ledger.clock[NEWEST]))
        late: Bools = moments < newest - self._tolerance
        return late

    def settle(self) -> None:
        """Give back the room of what aged out."""

    def _numbers(self, words: Words) -> Ints:
        codes = np.empty(len(words), np.int64)
        find_all(self._ledger.identities, words, codes)
        return np.where(codes < 0, -1, self._ledger.numbers[codes])

    def _arrivals(self, payments: pa.Table, values: Values) -> Arrivals:
        offsets, text, identity = arriving.text_parts(arriving.identities_of(payments))
        early = [
            (at, int(fraud))
            for at, word in enumerate(identity.tolist() if self._early else [])
            for fraud, _ in sorted(self._early.get(word, ()))
        ]
        return Arrivals(
            arriving.micros(payments.column("event_time")),
            arriving.micros(payments.column("known_time")),
            arriving.whole_numbers(values),
            arriving.words_of(payments, self._texts),
            arriving.ready_codes(values["hour"]),
            identity,
            offsets,
            text,
            np.array(early, np.int64).reshape(len(early), 2),
        )

    def _refuse(self, payments: pa.Table, arrivals: Arrivals) -> None:
        """Raise ContractError for a batch that breaks what `observe` asks for."""
        if arrivals.known[0] <= self._last_known and arrivals.known[0] < self._last_known:
            raise ContractError("A payment became known before the ones observed before it; keep the order.")
        if (np.diff(arrivals.known) < 0).any():
            raise ContractError("The payments are not in the order of their known_time; sort them.")
        self._refuse_payment(payments, self.too_late(arrivals.time), "is later than the tolerance")
        ahead = arrivals.time > arrivals.known + self._tolerance
        self._refuse_payment(payments, ahead, "is further in the future than the tolerance")
        self._refuse_payment(payments, arrivals.time < 0, "is from before 1970")
        large = (np.abs(arrivals.ints) >= LARGEST).any(axis=1)
        self._refuse_payment(payments, large, "has an amount above the largest that sums stay exact for")
        _, first = np.unique(arrivals.identity, return_index=True)
        twice = self._numbers(arrivals.identity) >= 0
        twice[np.setdiff1d(np.arange(len(twice)), first)] = True
        self._refuse_payment(payments, twice, "was observed before")

    def _refuse_payment(self, payments: pa.Table, refused: Bools, why: str) -> None:
        if refused.any():
            at = int(np.argmax(refused))
            source, name = payments["source"][at].as_py(), payments["transaction_id"][at].as_py()
            raise ContractError(f"Payment {source}:{name} {why}; nothing of its batch was observed.")

    def _make_room(self, arrivals: Arrivals) -> None:
        count = len(arrivals.time)
        self._ledger = ledger_with_room(self._ledger, count, 2 * count, len(arrivals.text))
        used = int(self._rows.span[NEXT] - self._rows.span[FIRST])
        room = len(self._rows.time)
        while used + count > room:
            room *= 2
        if room > len(self._rows.time):
            *columns, span = self._rows
            self._rows = Rows(*(grown(column, room) for column in columns), span)

    def _more_turns(self) -> None:
        room = 2 * len(self._turns.time)
        self._turns = Turns(grown(self._turns.time, room), grown(self._turns.what, room), self._turns.span)
