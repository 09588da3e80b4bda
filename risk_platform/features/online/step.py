"""The step of one host over a batch: answer each payment from its keys' lists, then enter it."""

import numpy as np

from risk_platform.features.online.host import (
    FOUND_END,
    KEY,
    MATCH,
    MATCH_KEY,
    PAID_END,
    PAID_OPS,
    PAYMENTS_ANSWERED,
    PAYMENTS_DROPPED,
    PAYMENTS_ENTERED,
    STAGE,
    TURNS_DROPPED,
    TURNS_ENTERED,
    Batch,
    Host,
    HostPlan,
    Space,
    list_of,
)
from risk_platform.features.online.kernel import Floats, Ints, Scalar, fetch_row, inline, kernel, part
from risk_platform.features.online.log import amend, insert, trim
from risk_platform.features.online.operators import answer, leave_null
from risk_platform.features.online.pool import END, HEAD, START, Log, room_needed
from risk_platform.features.online.rows import (
    EXPLICIT,
    IMPLICIT,
    NEXT,
    NO_CODE,
    PAYMENTS,
    TIME,
    Rows,
    Turns,
    code_of,
    row_of,
    turn_of,
)
from risk_platform.features.online.strip import LAID_OUT
from risk_platform.features.online.tally import count_in, count_out
from risk_platform.features.online.window import look

# Of the next payment's list, if it is too long to be laid out, so many of the newest entries are asked for ahead.
_NEWEST = 32


@kernel
def step(
    stage: Scalar,
    batch: Batch,
    plan: HostPlan,
    host: Host,
    space: Space,
    out: Floats,
    rows: Rows,
    turns: Turns,
) -> Scalar:
    """Answer and enter the payments; what is not 0 is how many entries the lists lack room for, to go on then.

    Payments of one known instant do not see each other: all are answered before the first is entered. In the first
    stage (0) none is entered.
    """
    count = len(batch.known)
    at = np.int64(0) if stage == 0 else host.progress[PAYMENTS_ENTERED] - batch.first
    answered = at if stage == 0 else host.progress[PAYMENTS_ANSWERED] - batch.first
    while at < count:
        end = at + 1
        while end < count and batch.known[end] == batch.known[at]:
            end += 1
        for i in range(answered, end):
            if i + 1 < count:
                _fetch_one(stage, batch.first + i + 1, plan, host.log, rows)
            _answer_one(stage, batch.first + i, batch.known[i], plan, host, space, out[i], rows, turns)
        answered = max(answered, end)
        if stage == 0:
            at = end
            continue
        host.progress[PAYMENTS_ANSWERED] = batch.first + answered
        for i in range(at, end):
            lacking = _enter_payment(batch.first + i, plan, host, rows, turns)
            if lacking:
                return lacking
            host.progress[PAYMENTS_ENTERED] += 1
        _drop(batch.newest[end - 1], batch.first + end, plan, host, rows, turns)
        at = end
    return np.int64(0)


@kernel
def absorb(plan: HostPlan, host: Host, rows: Rows, turns: Turns) -> Scalar:
    """Enter the turns that are not yet; what is not 0 is how many entries the lists lack room for, to go on then.

    A turn counts from when it became known, so no payment that was known before sees it.
    """
    while host.progress[TURNS_ENTERED] < turns.span[NEXT]:
        number = host.progress[TURNS_ENTERED]
        word = turns.ints[turn_of(turns, number), 1]
        paid = word >> 2
        code = code_of(rows, row_of(rows, paid), plan.seen)
        if plan.used[1] and code != NO_CODE:
            key = list_of(code, 1)
            lacking = room_needed(host.log, key)
            if lacking:
                return lacking
            if word >> 1 & 1 and paid < host.progress[PAYMENTS_ENTERED]:
                kept = plan.paid_adds[: plan.kept[0]], plan.paid_peaks[: plan.kept[2]]
                amend(kept[0], kept[1], host.log, list_of(code, 0), paid, rows, turns)
            found = plan.found_adds[: plan.kept[1]], plan.found_peaks[: plan.kept[3]]
            insert(EXPLICIT, found[0], found[1], host.log, key, number, rows, turns)
        host.progress[TURNS_ENTERED] += 1
    return np.int64(0)


@kernel
def refill(
    lists: Ints, entries: Ints, done: Ints, plan: HostPlan, log: Log, rows: Rows, turns: Turns
) -> Scalar:
    """Enter lists of (key, length) from where `done` (lists, entries) is; returns as `absorb` does."""
    kept = plan.kept
    while done[0] < len(lists):
        key, length = lists[done[0], 0], lists[done[0], 1]
        while log.spans[key, END] < length:
            lacking = room_needed(log, key)
            if lacking:
                return lacking
            number = entries[done[1]]
            if key & 1:
                adds, peaks = plan.found_adds[: kept[1]], plan.found_peaks[: kept[3]]
                insert(EXPLICIT, adds, peaks, log, key, number, rows, turns)
            else:
                adds, peaks = plan.paid_adds[: kept[0]], plan.paid_peaks[: kept[2]]
                insert(PAYMENTS, adds, peaks, log, key, number, rows, turns)
            done[1] += 1
        done[0] += 1
    return np.int64(0)


@inline
def _answer_one(
    stage: Scalar,
    number: Scalar,
    known: Scalar,
    plan: HostPlan,
    host: Host,
    space: Space,
    out: Floats,
    rows: Rows,
    turns: Turns,
) -> None:
    row = row_of(rows, number)
    moment = rows.wide[row, TIME]
    space.laid[0] = NO_CODE
    for v in range(len(plan.views)):
        view = plan.views[v]
        if view[STAGE] != stage:
            continue
        code = code_of(rows, row, view[KEY])
        own = np.int64(0) if view[MATCH] == NO_CODE else code_of(rows, row, view[MATCH_KEY])
        if code == NO_CODE or own == NO_CODE:
            leave_null(plan.ops, view[PAID_OPS], view[FOUND_END], out)
            continue
        for stream in range(3):
            resolved = stream != PAYMENTS
            begin, end = view[PAID_OPS + 2 * resolved], view[PAID_END + 2 * resolved]
            if begin == end:
                continue
            bound = min(moment, known) if resolved else moment
            ask = plan.asks[3 * v + stream]
            look(
                stream, stage, ask, code, view[MATCH], own, moment, bound, plan, host.log, space, rows, turns
            )
            if stream != IMPLICIT:
                answer(resolved, v, begin, end, row, plan, host, space, out, rows, turns)


@inline
def _fetch_one(stage: Scalar, number: Scalar, plan: HostPlan, log: Log, rows: Rows) -> None:
    """Ask memory for what the next payment will read: a list's payments lie all over it."""
    row = row_of(rows, number)
    for v in range(len(plan.views)):
        view = plan.views[v]
        code = code_of(rows, row, view[KEY])
        if view[STAGE] != stage or view[MATCH] != NO_CODE or code == NO_CODE:
            continue
        span = log.spans[list_of(code, 0)]
        start, head, end = np.int64(span[START]), np.int64(span[HEAD]), np.int64(span[END])
        if end - head > LAID_OUT and not plan.narrows >> stage & 1:
            head = end - _NEWEST
        for at in range(start + head, start + end):
            fetch_row(rows.wide, row_of(rows, np.int64(log.pool[at])))


@part
def _enter_payment(number: Scalar, plan: HostPlan, host: Host, rows: Rows, turns: Turns) -> Scalar:
    code = code_of(rows, row_of(rows, number), plan.seen)
    if code == NO_CODE:
        return np.int64(0)
    key = list_of(code, 0)
    lacking = room_needed(host.log, key)
    if lacking == 0:
        kept = plan.paid_adds[: plan.kept[0]], plan.paid_peaks[: plan.kept[2]]
        insert(PAYMENTS, kept[0], kept[1], host.log, key, number, rows, turns)
        count_in(plan.tallies, key, row_of(rows, number), host.tally, rows)
    return lacking


@part
def _drop(newest: Scalar, until: Scalar, plan: HostPlan, host: Host, rows: Rows, turns: Turns) -> None:
    """Drop what no window can reach any more, key by key in the order it came."""
    limit = newest - plan.reach[0]
    while host.progress[PAYMENTS_DROPPED] < until:
        row = row_of(rows, host.progress[PAYMENTS_DROPPED])
        if rows.wide[row, TIME] >= limit:
            break
        code = code_of(rows, row, plan.seen)
        if code != NO_CODE:
            kept = plan.paid_adds[: plan.kept[0]]
            count_out(plan.tallies, list_of(code, 0), limit, host.tally, host.log, rows, turns)
            trim(PAYMENTS, kept, host.log, list_of(code, 0), limit, rows, turns)
        host.progress[PAYMENTS_DROPPED] += 1
    limit = newest - plan.reach[1]
    while host.progress[TURNS_DROPPED] < host.progress[TURNS_ENTERED]:
        turn = turn_of(turns, host.progress[TURNS_DROPPED])
        if turns.ints[turn, 0] >= limit:
            break
        code = code_of(rows, row_of(rows, turns.ints[turn, 1] >> 2), plan.seen)
        if plan.used[1] and code != NO_CODE:
            trim(EXPLICIT, plan.found_adds[: plan.kept[1]], host.log, list_of(code, 1), limit, rows, turns)
        host.progress[TURNS_DROPPED] += 1
