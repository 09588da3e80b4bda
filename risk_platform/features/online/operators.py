"""The aggregates of one payment, each from two places in the list of its key."""

from typing import NamedTuple

import numpy as np

from risk_platform.features.online.exact import standard_deviation
from risk_platform.features.online.kernel import Floats, Ints, Scalar, inline, part
from risk_platform.features.online.log import before_first, highest, nth, position, totals
from risk_platform.features.online.measure import column_value
from risk_platform.features.online.pool import END, HEAD, START, Log, LogPlan
from risk_platform.features.online.rows import TIME, Rows, Turns, bits_of, payment_of

COUNT, RATE, SUM, MEAN, STD, MAX, DISTINCT, AGE_FIRST, AGE_LAST, LAST = range(10)
RUN_LENGTH, RUN_AGE_FIRST, RUN_AGE_BEFORE, RUN_SINCE = range(10, 14)
# Columns of an operation. A and B are accumulators (-1: every entry counts), COLUMN a measure or a code.
OP, EDGE, A, B, COLUMN, MASK, WANT, SLOT = range(8)
WIDTH, SAWTOOTH, SUMMED = 0, 1, 2
HOUR, DAY = 3_600_000_000, 86_400_000_000.0


class Scratch(NamedTuple):
    """Working space of one thread: places and accumulators at the end (0) and at each window's begin, seen codes."""

    places: Ints
    sums: Ints
    seen: Ints


@part
def answer(
    plan: LogPlan,
    log: Log,
    key: Scalar,
    row: Scalar,
    bound: Scalar,
    scratch: Scratch,
    out: Floats,
    rows: Rows,
    turns: Turns,
) -> None:
    """Write every aggregate that the payment in `row` sees of `key` before `bound` (µs); key -1 was never seen."""
    moment = rows.ints[row, TIME]
    _look_up(plan, log, key, moment, bound, scratch, rows, turns)
    for o in range(len(plan.ops)):
        op = plan.ops[o]
        if key < 0 or scratch.places[0] == log.spans[key, HEAD]:
            out[op[SLOT]] = _nothing(op, row, rows)
        elif op[OP] <= STD:
            out[op[SLOT]] = _from_sums(op, scratch)
        elif op[OP] <= DISTINCT:
            out[op[SLOT]] = _from_entries(plan, log, key, op, row, scratch, rows, turns)
        elif op[OP] <= LAST:
            out[op[SLOT]] = _from_one(plan, log, key, op, moment, scratch, rows, turns)
        else:
            out[op[SLOT]] = _of_run(plan, log, key, op, moment, scratch, rows, turns)


@inline
def _look_up(
    plan: LogPlan,
    log: Log,
    key: Scalar,
    moment: Scalar,
    bound: Scalar,
    scratch: Scratch,
    rows: Rows,
    turns: Turns,
) -> None:
    scratch.places[0] = 0
    if key < 0:
        return
    end = position(plan, log, key, bound, np.int64(log.spans[key, END]), rows, turns)
    scratch.places[0] = end
    if end == log.spans[key, HEAD]:
        return
    totals(plan, log, key, end, scratch.sums[0], rows, turns)
    summed = 0
    for e in range(len(plan.edges)):
        edge = plan.edges[e]
        begin = moment - edge[WIDTH]
        if edge[SAWTOOTH]:
            begin = begin // HOUR * HOUR
        place = position(plan, log, key, begin, end, rows, turns)
        scratch.places[e + 1] = place
        if edge[SUMMED]:
            if place == end and summed == e:
                for a in range(len(plan.adds)):
                    scratch.sums[e + 1, a] = scratch.sums[e, a]
            else:
                totals(plan, log, key, place, scratch.sums[e + 1], rows, turns)
            summed = e + 1
        end = place


@inline
def _nothing(op: Ints, row: Scalar, rows: Rows) -> Scalar:
    """The aggregate over no events."""
    if op[OP] == DISTINCT and rows.codes[row, op[COLUMN]] < 0:
        return np.nan
    if op[OP] == COUNT or op[OP] == SUM or op[OP] == DISTINCT or op[OP] == RUN_LENGTH:
        return 0.0
    return np.nan


@inline
def _growth(a: Scalar, edge: Scalar, scratch: Scratch) -> Scalar:
    """What accumulator `a`, or the number of entries, grew by within the window."""
    if a < 0:
        return scratch.places[0] - scratch.places[edge]
    return scratch.sums[0, a] - scratch.sums[edge, a]


@inline
def _from_sums(op: Ints, scratch: Scratch) -> Scalar:
    edge = op[EDGE]
    grown = _growth(op[A], edge, scratch)
    if op[OP] == COUNT or op[OP] == SUM:
        return np.float64(grown)
    if op[OP] == STD:
        high, low = _growth(op[A] + 1, edge, scratch), _growth(op[A] + 2, edge, scratch)
        return standard_deviation(_growth(op[B], edge, scratch), grown, high, low)
    among = _growth(op[B], edge, scratch)
    return np.float64(grown) / np.float64(among) if among else np.nan


@inline
def _from_entries(
    plan: LogPlan, log: Log, key: Scalar, op: Ints, row: Scalar, scratch: Scratch, rows: Rows, turns: Turns
) -> Scalar:
    begin, end = scratch.places[op[EDGE]], scratch.places[0]
    if op[OP] == MAX:
        top = highest(plan, log, key, op[A], begin, end, rows, turns)
        return top if top > -np.inf else np.nan
    if rows.codes[row, op[COLUMN]] < 0:
        return np.nan
    scratch.seen[0] += 1
    different = 0
    for at in range(begin, end):
        entry = log.pool[log.spans[key, START] + at]
        other = payment_of(plan.stream, entry, rows, turns)
        code = rows.codes[other, op[COLUMN]]
        if code < 0 or scratch.seen[code + 1] == scratch.seen[0]:
            continue
        if bits_of(plan.stream, entry, other, rows, turns) & op[MASK] == op[WANT]:
            scratch.seen[code + 1] = scratch.seen[0]
            different += 1
    return np.float64(different)


@inline
def _from_one(
    plan: LogPlan, log: Log, key: Scalar, op: Ints, moment: Scalar, scratch: Scratch, rows: Rows, turns: Turns
) -> Scalar:
    begin, end = scratch.places[op[EDGE]], scratch.places[0]
    a = op[A]
    if a < 0:
        place = begin if op[OP] == AGE_FIRST else end - 1
    elif op[OP] == AGE_FIRST:
        reached = scratch.sums[op[EDGE], a]
        place = (
            end
            if scratch.sums[0, a] == reached
            else nth(plan, log, key, a, reached + 1, begin, end, rows, turns)
        )
    else:
        place = _last_passing(plan, log, key, a, end, scratch, rows, turns)
    if place < begin or place >= end:
        return np.nan
    row = payment_of(plan.stream, log.pool[log.spans[key, START] + place], rows, turns)
    return column_value(row, op[COLUMN], rows) if op[OP] == LAST else (moment - rows.ints[row, TIME]) / DAY


@part
def _last_passing(
    plan: LogPlan,
    log: Log,
    key: Scalar,
    a: Scalar,
    end: Scalar,
    scratch: Scratch,
    rows: Rows,
    turns: Turns,
) -> Scalar:
    if scratch.sums[0, a] == before_first(log, key, a):
        return np.int64(-1)
    return nth(plan, log, key, a, scratch.sums[0, a], np.int64(log.spans[key, HEAD]), end, rows, turns)


@part
def _of_run(
    plan: LogPlan, log: Log, key: Scalar, op: Ints, moment: Scalar, scratch: Scratch, rows: Rows, turns: Turns
) -> Scalar:
    """A state of the run of entries that pass A, broken by those that pass B."""
    none = 0.0 if op[OP] == RUN_LENGTH else np.nan
    start, head, end = np.int64(log.spans[key, START]), np.int64(log.spans[key, HEAD]), scratch.places[0]
    inside, outside, spare = scratch.sums[0, op[A]], scratch.sums[0, op[B]], scratch.sums[-1]
    before = before_first(log, key, op[A])
    if inside == before:
        return none
    latest = nth(plan, log, key, op[A], inside, head, end, rows, turns)
    if latest < scratch.places[op[EDGE]]:
        return none
    totals(plan, log, key, latest + 1, spare, rows, turns)
    since = outside - spare[op[B]]
    if op[OP] == RUN_SINCE:
        return np.float64(since)
    if since > 0:
        return none
    broken = np.int64(-1)
    if outside > before_first(log, key, op[B]):
        broken = nth(plan, log, key, op[B], outside, head, end, rows, turns)
        totals(plan, log, key, broken + 1, spare, rows, turns)
        before = spare[op[A]]
    if op[OP] == RUN_LENGTH:
        return np.float64(inside - before)
    place = (
        broken if op[OP] == RUN_AGE_BEFORE else nth(plan, log, key, op[A], before + 1, head, end, rows, turns)
    )
    if place < 0:
        return np.nan
    return (moment - rows.ints[payment_of(plan.stream, log.pool[start + place], rows, turns), TIME]) / DAY
