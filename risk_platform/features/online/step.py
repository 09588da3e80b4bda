"""The step of one entity over a batch: answer each payment from its key's lists, then enter it."""

import numpy as np

from risk_platform.features.online.kernel import Floats, Ints, Scalar, inline, kernel, part
from risk_platform.features.online.log import insert, trim
from risk_platform.features.online.operators import SLOT, answer
from risk_platform.features.online.pool import BUMP, END, HEAD, room_needed
from risk_platform.features.online.rows import (
    LOWER,
    PAYMENTS,
    RESOLUTIONS,
    TIME,
    Rows,
    Turns,
    row_of,
    turn_of,
)
from risk_platform.features.online.table import FREED, USED, enter, find, remove
from risk_platform.features.online.unit import (
    KEYS,
    PAYMENT_ROOM,
    PAYMENTS_DROPPED,
    TURN_ROOM,
    TURNS_DROPPED,
    TURNS_ENTERED,
    WAITS_FOR,
    Batch,
    Space,
    Unit,
    UnitPlan,
)

SECOND = 1_000_000


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
        if not _has_room(first, at, end, plan, unit, scratch, rows):
            return at
        for i in range(at, end):
            _answer_one(i, first + i - at, batch.known[i], plan, unit, scratch, out[i], rows, turns)
        for i in range(at, end):
            _enter_payment(batch.first + i, scratch.found[i], plan, unit, rows, turns)
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
def _has_room(
    first: Scalar, at: Scalar, end: Scalar, plan: UnitPlan, unit: Unit, scratch: Space, rows: Rows
) -> Scalar:
    """Find the keys of the payments from `at` to `end`; False when there is no room to enter them."""
    count = end - at
    unit.progress[WAITS_FOR] = KEYS
    if _key_room(unit) < count:
        return False
    needed = np.int64(0)
    for i in range(at, end):
        key = _key_of(plan.seen, first + i - at, rows)
        code = find(unit.keys, key) if key != 0 else np.int64(-1)
        scratch.found[i] = code
        if key != 0 and plan.used[0]:
            needed += 64 + 2 * count if code < 0 else room_needed(unit.payments, code, count)
    unit.progress[WAITS_FOR] = PAYMENT_ROOM
    return bool(unit.payments.meta[BUMP] + needed <= len(unit.payments.pool))


@inline
def _answer_one(
    i: Scalar,
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
    same = plan.key[0] == plan.seen[0] and plan.key[1] == plan.seen[1]
    code = scratch.found[i] if same else find(unit.keys, key)
    moment = rows.ints[row, TIME]
    if plan.used[0]:
        answer(plan.payments, unit.payments, code, row, moment, scratch.payments, out, rows, turns)
    if plan.used[1]:
        bound = min(moment, known)
        answer(plan.resolutions, unit.resolutions, code, row, bound, scratch.resolutions, out, rows, turns)


@part
def _enter_payment(
    number: Scalar, found: Scalar, plan: UnitPlan, unit: Unit, rows: Rows, turns: Turns
) -> None:
    if not plan.used[0]:
        return
    row = row_of(rows, number)
    key = _key_of(plan.seen, row, rows)
    if key == 0:
        return
    # A payment of the same instant may have brought the key in.
    code = found if found >= 0 else find(unit.keys, key)
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
        _trim_key(_key_of(plan.seen, row, rows), RESOLUTIONS, limit, plan, unit, rows, turns)
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
