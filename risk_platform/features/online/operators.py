"""The aggregates of one payment, each from what its windows hold of payments or turns."""

import numpy as np

from risk_platform.features.online.distinct import distinct
from risk_platform.features.online.exact import standard_deviation
from risk_platform.features.online.host import HIGH, KIND, LIST, MANY, Host, HostPlan, Space
from risk_platform.features.online.kernel import Floats, Ints, Scalar, inline
from risk_platform.features.online.measure import measure_of
from risk_platform.features.online.pool import Log
from risk_platform.features.online.rows import NO_CODE, TIME, Rows, Turns, code_of, payment_of
from risk_platform.features.online.runs import run_state
from risk_platform.features.online.search import (
    highest,
    later,
    number_at,
    passing,
)
from risk_platform.features.online.tally import tallied

COUNT, RATE, SUM, MEAN, STD, MAX, DISTINCT, AGE_FIRST, AGE_LAST, LAST = range(10)
RUN_LENGTH, RUN_AGE_FIRST, RUN_AGE_BEFORE, RUN_SINCE = range(10, 14)
# Columns of an operation. A and B are accumulators of the view, or maxima of payments and of turns (-1: every entry),
# COLUMN a measure or a code. FIRST_MASK, FIRST_WANT and MASK, WANT are the filter of a distinct count for payments and
# for turns; of a standard deviation, COLUMN and MASK are the accumulators of both halves of the squares.
OP, EDGE, A, B, COLUMN, MASK, WANT, SLOT, FIRST_MASK, FIRST_WANT, TALLY = range(11)
DAY = 86_400_000_000.0


@inline
def leave_null(ops: Ints, begin: Scalar, end: Scalar, out: Floats) -> None:
    """Write null for every operation: a part of the key is null."""
    for o in range(begin, end):
        out[ops[o, SLOT]] = np.nan


@inline
def answer(
    stream: Scalar,
    view: Scalar,
    begin: Scalar,
    end: Scalar,
    row: Scalar,
    plan: HostPlan,
    host: Host,
    space: Space,
    out: Floats,
    rows: Rows,
    turns: Turns,
) -> None:
    """Write the operations from `begin` to `end` that the payment in `row` asks of what was looked at."""
    moment, log = rows.wide[row, TIME], host.log
    for o in range(begin, end):
        op = plan.ops[o]
        if op[OP] <= STD:
            value = _from_sums(stream, op, space)
        elif op[OP] == MAX:
            value = highest(stream, op[A], op[B], op[EDGE], plan, log, space, rows, turns)
        elif op[OP] == DISTINCT:
            value = np.nan
            if code_of(rows, row, op[COLUMN]) != NO_CODE:
                value = _different(stream, op, plan, host, space, rows, turns)
        elif op[OP] <= LAST:
            value = _from_one(stream, view, op, moment, plan, log, space, rows, turns)
        elif space.sums[0, op[EDGE], op[A]] + space.sums[1, op[EDGE], op[A]] == 0:
            value = 0.0 if op[OP] == RUN_LENGTH else np.nan
        else:
            value = run_state(view, op, moment, plan, log, space, rows, turns)
        out[op[SLOT]] = value


@inline
def _different(
    stream: Scalar, op: Ints, plan: HostPlan, host: Host, space: Space, rows: Rows, turns: Turns
) -> Scalar:
    """How many different codes the window has: of a long list from its tally, else one by one."""
    found = np.int64(-1)
    if op[TALLY] and space.at[0, KIND] == MANY:
        what, begin = plan.tallies[op[TALLY] - 1], space.begins[op[EDGE]]
        low, high = space.places[0, op[EDGE]], space.at[0, HIGH]
        found = tallied(what, space.at[0, LIST], begin, low, high, host.tally, host.log, rows, turns)
    if found >= 0:
        return np.float64(found)
    return distinct(stream, op, host.log, space, rows, turns)


@inline
def _growth(stream: Scalar, a: Scalar, edge: Scalar, space: Space) -> Scalar:
    """What accumulator `a`, or the number of entries, grew by within the window."""
    if a < 0:
        return space.at[0, HIGH] - space.places[0, edge]
    grown = space.sums[0, edge, a]
    return grown + space.sums[1, edge, a] if stream else grown


@inline
def _from_sums(stream: Scalar, op: Ints, space: Space) -> Scalar:
    edge = op[EDGE]
    grown = _growth(stream, op[A], edge, space)
    if op[OP] == COUNT or op[OP] == SUM:
        return np.float64(grown)
    if op[OP] == STD:
        high, low = _growth(stream, op[COLUMN], edge, space), _growth(stream, op[MASK], edge, space)
        return standard_deviation(_growth(stream, op[B], edge, space), grown, high, low)
    among = _growth(stream, op[B], edge, space)
    return np.float64(grown) / np.float64(among) if among else np.nan


@inline
def _from_one(
    stream: Scalar,
    view: Scalar,
    op: Ints,
    moment: Scalar,
    plan: HostPlan,
    log: Log,
    space: Space,
    rows: Rows,
    turns: Turns,
) -> Scalar:
    """Age or measure of the first or the last entry of the window that passes."""
    forward = op[OP] == AGE_FIRST
    chosen, place = 0, np.int64(-1)
    for source in range(2 if stream else 1):
        if space.at[source, HIGH] == space.places[source, op[EDGE]]:
            continue
        if op[A] >= 0 and space.sums[source, op[EDGE], op[A]] == 0:
            continue
        low, high = space.places[source, op[EDGE]], space.at[source, HIGH]
        if op[A] < 0:
            found = low if forward else high - 1
        else:
            found = passing(forward, source, stream, view, op[A], low, high, plan, log, space, rows, turns)
        if found >= 0 and (
            place < 0 or later(chosen, place, source, found, stream, plan, log, space, rows, turns) == forward
        ):
            chosen, place = source, found
    if place < 0:
        return np.nan
    number = number_at(chosen, place, stream, log, space, turns)
    row = payment_of(0, number, rows, turns)
    if op[OP] == LAST:
        return measure_of(row, number, op[COLUMN], rows)
    return (moment - rows.wide[row, TIME]) / DAY
