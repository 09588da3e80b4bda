"""The whole state of the online engine: rows, turns, ledger and lists, and how they grow and shrink."""

from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Any

import numpy as np

from risk_platform.features.online.admission import admit
from risk_platform.features.online.columns import FIRST_CODE, INTS, TEXTS, Columns
from risk_platform.features.online.derive import Program, derive
from risk_platform.features.online.early import Early
from risk_platform.features.online.host import (
    PAYMENTS_DROPPED,
    PAYMENTS_ENTERED,
    TURNS_ENTERED,
    Batch,
    Host,
    Space,
    space_for,
)
from risk_platform.features.online.host import TURNS_DROPPED as HOST_TURNS_DROPPED
from risk_platform.features.online.index import find_numbers
from risk_platform.features.online.kernel import Floats, Ints, Words, grown
from risk_platform.features.online.labels import judge
from risk_platform.features.online.ledger import (
    INSTANTS_DROPPED,
    NEWEST,
    ROWS_DROPPED,
    TEXT_FIRST,
    TEXT_NEXT,
    TURNS_DROPPED,
    Arrivals,
    Limits,
    ledger_with_room,
    new_ledger,
)
from risk_platform.features.online.plan import Plan
from risk_platform.features.online.pool import LONGEST, log_with_entries, log_with_lists, new_log
from risk_platform.features.online.rows import FIRST, NEXT, TEXT, Turns, drop_turns, new_turns
from risk_platform.features.online.step import absorb, refill, step
from risk_platform.features.online.store import age, give_back, keep, new_rows, rows_with_room, short_places
from risk_platform.features.online.tally import new_tally, tally_with_room
from risk_platform.kernels import in_halves, settled

DAY = 86_400_000_000
# Below this many payments a second thread costs more than it does; the first stage is less work.
_FEW, _FEW_FIRST = 32, 128
# After so many payments the room of what aged out is given back.
_OFTEN = 256


class State:
    """Everything that later payments can see, and the steps that change it."""

    def __init__(self, columns: Columns, plan: Plan, limits: Limits) -> None:
        self.columns, self.plan, self.limits = columns, plan, limits
        # All of them, used or not, so that the kernels are compiled for one number of spaces.
        self.spaces = tuple(dict.fromkeys(TEXTS.values()))
        self.code_plan = np.array(
            [(FIRST_CODE + at, self.spaces.index(TEXTS[name])) for at, name in enumerate(columns.codes)],
            np.int64,
        ).reshape(len(columns.codes), 2)
        self.rows = new_rows(len(INTS), len(columns.floats), len(columns.codes))
        self.turns = new_turns()
        self.ledger = new_ledger(len(self.spaces))
        self.hosts = {
            name: Host(
                new_log(int(host.kept[:2].max()), int(host.kept[2:].max())),
                np.zeros(5, np.int64),
                new_tally(),
            )
            for name, host in plan.hosts.items()
        }
        self.early = Early()
        self.last_known = -(1 << 62)
        self._working: dict[str, Space] = {name: space_for(host, 1) for name, host in plan.hosts.items()}
        self._beside = {name: self._working[name] for name in plan.first_hosts}
        self._loops: dict[str, Callable[..., int]] = {}
        self._unsettled = 0
        self._kept = self._reaches()
        self._shown = self._flags(), np.array([plan.slots[name] for name in columns.floats], np.int64)

    @property
    def newest(self) -> int:
        """Newest event time so far, µs."""
        return int(self.ledger.clock[NEWEST])

    def admit(self, arrivals: Arrivals) -> Batch:
        """Rows for the arrivals, none of which breaks a rule, and the batch they are."""
        count = len(arrivals.time)
        self.rows = rows_with_room(self.rows, count)
        self.ledger = ledger_with_room(self.ledger, self.rows, count, len(arrivals.text))
        self._make_turns(count + len(arrivals.early))
        first = int(self.rows.span[NEXT])
        newest = np.empty(count, np.int64)
        given = (arrivals, self.code_plan, self._kept, self.ledger, self.rows, self.turns, newest)
        self._call("admit", admit, *given)
        self.last_known = int(arrivals.known[-1])
        # A copy of its own, so that the type of the batch is always the same.
        batch = Batch(first, np.array(arrivals.known), newest)
        lists = self._lists
        for name in self.hosts:
            self._prepare(name, lists, count)
        return batch

    def judge(self, verdicts: Ints) -> None:
        """Note verdicts on payments of the state: (payment number, known µs, is_fraud), in order."""
        self._make_turns(len(verdicts))
        judge(verdicts, self._kept, self.rows, self.turns)
        self.absorb()

    def numbers_of(self, words: Words) -> Ints:
        """Numbers of the payments whose identifiers hash to `words`, -1 where there is none."""
        numbers = np.empty(len(words), np.int64)
        first = int(self.ledger.clock[ROWS_DROPPED])
        self._call("find", find_numbers, self.ledger.payments, words, first, self.rows, numbers)
        return numbers

    def derive(self, program: Program, texts: Words, values: Floats) -> None:
        """Write expressions of the payments (payments × slots)."""
        self._call("derive", derive, program, texts, values)

    def write(self, batch: Batch, values: Floats) -> None:
        """Keep what later payments see of the batch (payments × slots): measures and flags."""
        self._call("keep", keep, batch.first, *self._shown, values, self.rows)

    def answer(self, batch: Batch, out: Floats) -> None:
        """Answer every first-stage aggregate into its slot of `out` (payments × slots)."""
        for name in self.plan.first_hosts:
            in_halves(partial(self._answer, name, batch, out), len(batch.known), _FEW_FIRST)

    def step(self, batch: Batch, out: Floats, threads: Executor) -> None:
        """Answer every second-stage aggregate into its slot of `out` (payments × slots) and enter the batch."""
        if len(batch.known) < _FEW:
            for name in self.hosts:
                self._step(name, batch, out)
        else:
            for done in [threads.submit(self._step, name, batch, out) for name in self.hosts]:
                done.result()
        self.absorb()
        self._unsettled += len(batch.known)
        if self._unsettled >= _OFTEN:
            self.settle()

    def absorb(self) -> None:
        """Enter the turns that are not yet; all that is derived of their payments is known by now."""
        for name, plan in self.plan.hosts.items():
            while self.hosts[name].progress[TURNS_ENTERED] < self.turns.span[NEXT]:
                self._more_room(name, absorb(plan, self.hosts[name], self.rows, self.turns))

    def settle(self) -> None:
        """Give back the room of what aged out."""
        self._unsettled = 0
        self.early.forget(self.newest - self.limits.horizon)
        rows, turns, text = self.needed()
        before = self.rows.short_first.copy()
        limits, recent = self.newest - self._short_reach, int(self.ledger.clock[INSTANTS_DROPPED])
        self._call("age", age, self.rows, limits, rows, recent)
        give_back(self.rows, rows, before)
        drop_turns(self.turns, turns)
        clock = self.ledger.clock
        unused = text - int(clock[TEXT_FIRST])
        kept = int(clock[TEXT_NEXT]) - text
        if unused > kept:
            self.ledger.text[:kept] = self.ledger.text[unused : unused + kept]
            clock[TEXT_FIRST] = text

    def needed(self) -> tuple[int, int, int]:
        """First payment, first turn and first byte of text that anything can still ask for."""
        clock = self.ledger.clock
        paid = [int(host.progress[PAYMENTS_DROPPED]) for host in self.hosts.values()]
        turned = [int(host.progress[HOST_TURNS_DROPPED]) for host in self.hosts.values()]
        recent = int(clock[INSTANTS_DROPPED])
        if recent == int(self.rows.span[NEXT]):
            text = int(clock[TEXT_NEXT])
        else:
            text = int(self.rows.short[short_places(self.rows, TEXT, recent, recent + 1)][0])
        return min([int(clock[ROWS_DROPPED]), *paid]), min([int(clock[TURNS_DROPPED]), *turned]), text

    def relist(self, name: str, lists: Ints, entries: Ints, progress: Ints) -> None:
        """Fill the lists of a host with what `contents` told of them."""
        log = log_with_lists(self.hosts[name].log, self._lists)
        self.hosts[name] = Host(log, progress, new_tally())
        done = np.zeros(2, np.int64)
        while done[0] < len(lists):
            given = (lists, entries, done, self.plan.hosts[name], self.hosts[name].log, self.rows, self.turns)
            self._more_room(name, refill(*given))

    def _reaches(self) -> Ints:
        """Limits as the ledger takes them: it keeps rows, ties and turns longer than any list asks for them."""
        paid, turned = np.max([host.reach for host in self.plan.hosts.values()], axis=0, initial=0).tolist()
        late = self.limits.tolerance
        rows = max(paid, self.limits.horizon + late) + 2 * DAY
        self._short_reach = np.array([0, 0, *self.columns.floats.values()], np.int64)
        return np.array([self.limits.maturity, self.limits.horizon, rows, late + DAY, turned + DAY], np.int64)

    def _flags(self) -> Ints:
        """The slot that each bit is read from, and whether it says that a value is there."""
        slots, bits = self.plan.slots, self.columns.bits
        read = [(slots[name.removeprefix("has ")], name.startswith("has ")) for name in bits]
        return np.array(read, np.int64).reshape(len(bits), 2)

    @property
    def _lists(self) -> int:
        """How many lists a host may have: two for every code, and more codes than parts of the day."""
        return 2 * max((len(space.keys) for space in self.ledger.spaces), default=8)

    def _prepare(self, name: str, lists: int, count: int) -> None:
        """Make room for so many lists, and working space for their length."""
        log, progress, tally = self.hosts[name]
        larger = tally_with_room(tally, count * len(self.plan.hosts[name].tallies))
        if larger is not tally or lists > len(log.spans):
            self.hosts[name] = Host(log_with_lists(log, lists), progress, larger)
        longest = int(log.meta[LONGEST]) + count
        if self._working[name].strip.shape[1] < longest:
            self._working[name] = space_for(self.plan.hosts[name], 2 * longest)
            if name in self.plan.first_hosts:
                self._beside[name] = space_for(self.plan.hosts[name], 2 * longest)

    def _answer(self, name: str, batch: Batch, out: Floats, part: slice) -> None:
        """Answer the first stage of a part of the batch; nothing but the thread's own space is written to."""
        some = Batch(batch.first + part.start, batch.known[part], batch.newest[part])
        working = self._beside[name] if part.start else self._working[name]
        given = (0, some, self.plan.hosts[name], self.hosts[name], working, out[part])
        self._call("step", step, *given, self.rows, self.turns)

    def _step(self, name: str, batch: Batch, out: Floats) -> None:
        until = batch.first + len(batch.known)
        while self.hosts[name].progress[PAYMENTS_ENTERED] < until:
            given = (1, batch, self.plan.hosts[name], self.hosts[name], self._working[name], out)
            self._more_room(name, self._call("step", step, *given, self.rows, self.turns))

    def _more_room(self, name: str, entries: int) -> None:
        if entries:
            host = self.hosts[name]
            self.hosts[name] = host._replace(log=log_with_entries(host.log, entries))

    def _call(self, name: str, loop: Callable[..., Any], *given: object) -> int:
        if name not in self._loops:
            self._loops[name] = settled(loop, *given)
        return self._loops[name](*given)

    def _make_turns(self, more: int) -> None:
        needed = int(self.turns.span[NEXT] - self.turns.span[FIRST]) + more
        if needed > len(self.turns.ints):
            self.turns = Turns(grown(self.turns.ints, 2 * needed), self.turns.span)
