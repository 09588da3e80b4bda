"""One entity's part of the state: its keys, the list of each in both streams, and the step over a batch."""

from typing import NamedTuple

import numpy as np

from risk_platform.features.online.kernel import Floats, Ints, Scalar, grown, inline, kernel, part
from risk_platform.features.online.log import insert, trim
from risk_platform.features.online.operators import SLOT, Scratch, answer
from risk_platform.features.online.pool import (
    BUMP,
    END,
    HEAD,
    Log,
    LogPlan,
    new_log,
    room_needed,
    with_entries,
)
from risk_platform.features.online.rows import LOWER, PAYMENTS, TIME, Rows, Turns, row_of, turn_of
from risk_platform.features.online.table import FREED, USED, Table, enter, find, new_table, remove, with_room

# Progress: payments and turns whose entries are dropped, turns that are entered, and what the step waits for.
PAYMENTS_DROPPED, TURNS_DROPPED, TURNS_ENTERED, WAITS_FOR = 0, 1, 2, 3
KEYS, PAYMENT_ROOM, TURN_ROOM = 1, 2, 3
SECOND = 1_000_000


class UnitPlan(NamedTuple):
    """Code columns of the key asked for and of the key entered under (-1: no second one), and what each log answers.

    `used` says which of the streams is, `reach` how long (µs) each keeps its entries.
    """

    key: Ints
    seen: Ints
    used: Ints
    reach: Ints
    payments: LogPlan
    resolutions: LogPlan


class Unit(NamedTuple):
    """State of one entity."""

    keys: Table
    payments: Log
    resolutions: Log
    progress: Ints


class Space(NamedTuple):
    """Working space of a unit, nothing of which outlives a payment."""

    payments: Scratch
    resolutions: Scratch


class Batch(NamedTuple):
    """New payments from number `first` on: known times, newest event time so far, turns known before each."""

    first: int
    known: Ints
    newest: Ints
    turns: Ints


def new_unit(plan: UnitPlan) -> Unit:
    """The state of an entity nobody was seen of."""
    keys = new_table()
    room = len(keys.keys)
    return Unit(keys, new_log(plan.payments, room), new_log(plan.resolutions, room), np.zeros(4, np.int64))


def space_for(plan: UnitPlan, codes: int) -> Space:
    """Working space for `codes` different codes."""
    seen = np.zeros(codes + 1, np.int64)
    return Space(
        *(
            Scratch(
                np.zeros(len(log.edges) + 1, np.int64),
                np.zeros((len(log.edges) + 2, len(log.adds)), np.int64),
                seen,
            )
            for log in (plan.payments, plan.resolutions)
        )
    )


def roomier(unit: Unit) -> Unit:
    """`unit` with more of what its step waits for."""
    wanted = unit.progress[WAITS_FOR]
    if wanted == PAYMENT_ROOM:
        return unit._replace(payments=with_entries(unit.payments, 2 * len(unit.payments.pool)))
    if wanted == TURN_ROOM:
        return unit._replace(resolutions=with_entries(unit.resolutions, 2 * len(unit.resolutions.pool)))
    room = 2 * len(unit.keys.keys)
    return Unit(
        with_room(unit.keys, room - int(unit.keys.counts[USED])),
        unit.payments._replace(spans=grown(unit.payments.spans, room)),
        unit.resolutions._replace(spans=grown(unit.resolutions.spans, room)),
        unit.progress,
    )


@kernel
def step(
    at: Scalar,
    batch: Batch,
    plan: UnitPlan,
    unit: Unit,
    scratch: Space,
    out: Floats,
    rows: Rows,
    turns: Turns,
) -> Scalar:
    """Answer and enter the payments from `at` on; where it ends, smaller than their number, it waits for room.

    Payments of one known instant do not see each other: all are answered before the first is entered.
    """
    count = len(batch.known)
    while at < count:
        end = at + 1
        while end < count and batch.known[end] == batch.known[at]:
            end += 1
        first = row_of(rows, batch.first + at)
        if not _enter_turns(batch.turns[at], plan, unit, rows, turns):
            return at
        if not _has_room(first, end - at, plan, unit, rows):
            return at
        for i in range(at, end):
            _answer_one(first + i - at, batch.known[i], plan, unit, scratch, out[i], rows, turns)
        for i in range(at, end):
            _enter_payment(batch.first + i, plan, unit, rows, turns)
        _drop(batch.newest[end - 1], batch.first + end, plan, unit, rows, turns)
        at = end
    return at


@inline
def _key_of(columns: Ints, row: Scalar, rows: Rows) -> Scalar:
    """Key of the payment in `row` plus one; 0 when a part is null."""
    first = np.int64(rows.codes[row, columns[0]])
    if first < 0:
        return np.uint64(0)
    if columns[1] < 0:
        return np.uint64(first + 1)
    second = np.int64(rows.codes[row, columns[1]])
    return np.uint64((first << 32 | second) + 1) if second >= 0 else np.uint64(0)


@inline
def _key_room(unit: Unit) -> Scalar:
    return len(unit.keys.keys) - unit.keys.counts[USED] + unit.keys.counts[FREED]


@part
def _enter_turns(until: Scalar, plan: UnitPlan, unit: Unit, rows: Rows, turns: Turns) -> Scalar:
    """Enter the turns before number `until`; False, and nothing lost, when there is no room."""
    while plan.used[1] and unit.progress[TURNS_ENTERED] < until:
        number = unit.progress[TURNS_ENTERED]
        turn = turn_of(turns, number)
        key = _key_of(plan.seen, row_of(rows, turns.ints[turn, 1] >> 1), rows)
        if key != 0:
            unit.progress[WAITS_FOR] = KEYS
            if _key_room(unit) < 1:
                return False
            code = find(unit.keys, key)
            log = unit.resolutions
            needed = np.int64(64) if code < 0 else room_needed(log, code, 1)
            unit.progress[WAITS_FOR] = TURN_ROOM
            if log.meta[BUMP] + needed > len(log.pool):
                return False
            if code < 0:
                code = enter(unit.keys, key)
            entry = np.uint64(turns.ints[turn, 0] // SECOND) << np.uint64(32) | np.uint64(number & LOWER)
            insert(plan.resolutions, log, code, entry, rows, turns)
        unit.progress[TURNS_ENTERED] += 1
    return True


@part
def _has_room(first: Scalar, count: Scalar, plan: UnitPlan, unit: Unit, rows: Rows) -> Scalar:
    if not plan.used[0]:
        return True
    unit.progress[WAITS_FOR] = KEYS
    if _key_room(unit) < count:
        return False
    needed = np.int64(0)
    for row in range(first, first + count):
        key = _key_of(plan.seen, row, rows)
        if key != 0:
            code = find(unit.keys, key)
            needed += 64 + 2 * count if code < 0 else room_needed(unit.payments, code, count)
    unit.progress[WAITS_FOR] = PAYMENT_ROOM
    return bool(unit.payments.meta[BUMP] + needed <= len(unit.payments.pool))


@inline
def _answer_one(
    row: Scalar,
    known: Scalar,
    plan: UnitPlan,
    unit: Unit,
    scratch: Space,
    out: Floats,
    rows: Rows,
    turns: Turns,
) -> None:
    key = _key_of(plan.key, row, rows)
    if key == 0:
        for o in range(len(plan.payments.ops)):
            out[plan.payments.ops[o, SLOT]] = np.nan
        for o in range(len(plan.resolutions.ops)):
            out[plan.resolutions.ops[o, SLOT]] = np.nan
        return
    code = find(unit.keys, key)
    moment = rows.ints[row, TIME]
    if plan.used[0]:
        answer(plan.payments, unit.payments, code, row, moment, scratch.payments, out, rows, turns)
    if plan.used[1]:
        bound = min(moment, known)
        answer(plan.resolutions, unit.resolutions, code, row, bound, scratch.resolutions, out, rows, turns)


@part
def _enter_payment(number: Scalar, plan: UnitPlan, unit: Unit, rows: Rows, turns: Turns) -> None:
    if not plan.used[0]:
        return
    row = row_of(rows, number)
    key = _key_of(plan.seen, row, rows)
    if key == 0:
        return
    code = find(unit.keys, key)
    if code < 0:
        code = enter(unit.keys, key)
    entry = np.uint64(rows.ints[row, TIME] // SECOND) << np.uint64(32) | np.uint64(number & LOWER)
    insert(plan.payments, unit.payments, code, entry, rows, turns)


@part
def _drop(newest: Scalar, until: Scalar, plan: UnitPlan, unit: Unit, rows: Rows, turns: Turns) -> None:
    """Drop what no window can reach any more, key by key in the order it came."""
    limit = newest - plan.reach[0]
    while plan.used[0] and unit.progress[PAYMENTS_DROPPED] < until:
        row = row_of(rows, unit.progress[PAYMENTS_DROPPED])
        if rows.ints[row, TIME] >= limit:
            break
        _trim_key(_key_of(plan.seen, row, rows), PAYMENTS, limit, plan, unit, rows, turns)
        unit.progress[PAYMENTS_DROPPED] += 1
    limit = newest - plan.reach[1]
    while plan.used[1] and unit.progress[TURNS_DROPPED] < unit.progress[TURNS_ENTERED]:
        turn = turn_of(turns, unit.progress[TURNS_DROPPED])
        if turns.ints[turn, 0] >= limit:
            break
        row = row_of(rows, turns.ints[turn, 1] >> 1)
        _trim_key(_key_of(plan.seen, row, rows), 1, limit, plan, unit, rows, turns)
        unit.progress[TURNS_DROPPED] += 1


@part
def _trim_key(
    key: Scalar, stream: Scalar, limit: Scalar, plan: UnitPlan, unit: Unit, rows: Rows, turns: Turns
) -> None:
    code = find(unit.keys, key) if key != 0 else np.int64(-1)
    if code < 0:
        return
    if stream == PAYMENTS:
        trim(plan.payments, unit.payments, code, limit, rows, turns)
    else:
        trim(plan.resolutions, unit.resolutions, code, limit, rows, turns)
    paid, resolved = unit.payments.spans[code], unit.resolutions.spans[code]
    if paid[END] == paid[HEAD] and resolved[END] == resolved[HEAD]:
        remove(unit.keys, code)
