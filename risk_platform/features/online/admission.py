"""The door of the state: payments become rows, and what aged out leaves."""

import numpy as np

from risk_platform.features.online.heap import push
from risk_platform.features.online.kernel import Bytes, Ints, Scalar, kernel, part
from risk_platform.features.online.labels import come_due, room_for, turn
from risk_platform.features.online.ledger import (
    HORIZON,
    INSTANTS_DROPPED,
    MATURITY,
    NEWEST,
    ROW_REACH,
    ROWS_DROPPED,
    TEXT_FIRST,
    TEXT_NEXT,
    TIE_REACH,
    TURN_REACH,
    TURNS_DROPPED,
    Arrivals,
    Ledger,
)
from risk_platform.features.online.rows import (
    BITS,
    FIRST,
    FIXED_CODES,
    FIXED_INTS,
    HELD,
    IDENTITY,
    LABEL,
    NEXT,
    OPEN,
    SAME,
    TEXT,
    TIE,
    TIME,
    Rows,
    Turns,
    row_of,
)
from risk_platform.features.online.table import enter, find, remove


@kernel
def admit(
    at: Scalar,
    arrivals: Arrivals,
    plan: Ints,
    limits: Ints,
    ledger: Ledger,
    rows: Rows,
    turns: Turns,
    before: Ints,
) -> Scalar:
    """Make rows of the arrivals from `at` on; `before` says how many turns were known before each.

    `plan` names the id space (-1: a ready code) and the column of each code. Where it ends, smaller than the number
    of arrivals, there is no room for more turns.
    """
    e = np.int64(0)
    while at < len(arrivals.time):
        moment, known = arrivals.time[at], arrivals.known[at]
        if not come_due(known, ledger, rows, turns) or not room_for(len(arrivals.early), turns):
            return at
        before[at] = turns.span[NEXT]
        number = _make_row(at, arrivals, plan, ledger, rows)
        while e < len(arrivals.early) and arrivals.early[e, 0] <= at:
            if arrivals.early[e, 0] == at and arrivals.early[e, 2] <= moment + limits[HORIZON]:
                turn(number, known, arrivals.early[e, 1] == 1, rows, turns)
            e += 1
        push(ledger.heap, max(moment + limits[MATURITY], known), number)
        ledger.clock[NEWEST] = max(ledger.clock[NEWEST], moment)
        _forget(plan, limits, ledger, rows, turns)
        at += 1
    return at


@part
def _make_row(at: Scalar, arrivals: Arrivals, plan: Ints, ledger: Ledger, rows: Rows) -> Scalar:
    number = rows.span[NEXT]
    row = row_of(rows, number)
    rows.span[NEXT] += 1
    rows.ints[row, TIME] = arrivals.time[at]
    for column in range(arrivals.ints.shape[1]):
        rows.ints[row, FIXED_INTS + column] = arrivals.ints[at, column]
    rows.codes[row, BITS] = 0
    rows.codes[row, LABEL] = OPEN
    rows.codes[row, HELD] = 0
    code = enter(ledger.identities, arrivals.identity[at])
    ledger.numbers[code] = number
    rows.codes[row, IDENTITY] = code
    for c in range(len(plan)):
        if plan[c, 0] < 0:
            rows.codes[row, FIXED_CODES + c] = arrivals.codes[at, plan[c, 1]]
        else:
            rows.codes[row, FIXED_CODES + c] = _code(arrivals.words[at, plan[c, 1]], plan[c, 0], ledger)
    _keep_text(row, arrivals.text[arrivals.offsets[at] : arrivals.offsets[at + 1]], ledger, rows)
    _rank(number, row, ledger, rows)
    return number


@part
def _code(word: Scalar, space: Scalar, ledger: Ledger) -> Scalar:
    """Code of an identifier in its space, with one more user; -1 for null."""
    if word == 0:
        return np.int64(-1)
    table = ledger.spaces[space]
    code = find(table, word)
    if code < 0:
        code = enter(table, word)
        ledger.users[space][code] = 0
    ledger.users[space][code] += 1
    return code


@part
def _keep_text(row: Scalar, text: Bytes, ledger: Ledger, rows: Rows) -> None:
    rows.ints[row, TEXT] = ledger.clock[TEXT_NEXT]
    begin = ledger.clock[TEXT_NEXT] - ledger.clock[TEXT_FIRST]
    for at in range(len(text)):
        ledger.text[begin + at] = text[at]
    ledger.clock[TEXT_NEXT] += len(text)


@part
def _rank(number: Scalar, row: Scalar, ledger: Ledger, rows: Rows) -> None:
    """Rank the payment among those of the same instant by source and transaction_id."""
    rows.codes[row, TIE] = 0
    rows.codes[row, SAME] = 0
    word = np.uint64(rows.ints[row, TIME])
    code = find(ledger.instants, word)
    if code < 0:
        ledger.latest[enter(ledger.instants, word)] = number
        return
    other = ledger.latest[code]
    rows.codes[row, SAME] = number - other
    ledger.latest[code] = number
    while True:
        earlier = row_of(rows, other)
        if _text_below(earlier, row, ledger, rows):
            rows.codes[row, TIE] += 1
        else:
            rows.codes[earlier, TIE] += 1
        if rows.codes[earlier, SAME] == 0:
            return
        other -= rows.codes[earlier, SAME]


@part
def _text_below(left: Scalar, right: Scalar, ledger: Ledger, rows: Rows) -> Scalar:
    a, a_end = _text_of(left, ledger, rows)
    b, b_end = _text_of(right, ledger, rows)
    while a < a_end and b < b_end:
        if ledger.text[a] != ledger.text[b]:
            return bool(ledger.text[a] < ledger.text[b])
        a += 1
        b += 1
    return bool(a == a_end and b < b_end)


@part
def _text_of(row: Scalar, ledger: Ledger, rows: Rows) -> tuple[Scalar, Scalar]:
    first = ledger.clock[TEXT_FIRST]
    last = row + 1 == rows.span[NEXT] - rows.span[FIRST]
    end = ledger.clock[TEXT_NEXT] if last else rows.ints[row + 1, TEXT]
    return rows.ints[row, TEXT] - first, end - first


@part
def _forget(plan: Ints, limits: Ints, ledger: Ledger, rows: Rows, turns: Turns) -> None:
    """Drop payments, and instants that no arrival can tie with, that aged out."""
    newest = ledger.clock[NEWEST]
    while rows.ints[row_of(rows, ledger.clock[INSTANTS_DROPPED]), TIME] < newest - limits[TIE_REACH]:
        word = np.uint64(rows.ints[row_of(rows, ledger.clock[INSTANTS_DROPPED]), TIME])
        code = find(ledger.instants, word)
        if code >= 0:
            remove(ledger.instants, code)
        ledger.clock[INSTANTS_DROPPED] += 1
    while ledger.clock[TURNS_DROPPED] < turns.span[NEXT]:
        at = ledger.clock[TURNS_DROPPED] - turns.span[FIRST]
        if turns.ints[at, 0] >= newest - limits[TURN_REACH]:
            break
        rows.codes[row_of(rows, turns.ints[at, 1] >> 1), HELD] -= 1
        ledger.clock[TURNS_DROPPED] += 1
    while ledger.clock[ROWS_DROPPED] < ledger.clock[INSTANTS_DROPPED]:
        row = row_of(rows, ledger.clock[ROWS_DROPPED])
        if (
            rows.ints[row, TIME] >= newest - limits[ROW_REACH]
            or rows.codes[row, HELD] > 0
            or rows.codes[row, LABEL] == OPEN
        ):
            break
        _drop_row(row, plan, ledger, rows)
        ledger.clock[ROWS_DROPPED] += 1


@part
def _drop_row(row: Scalar, plan: Ints, ledger: Ledger, rows: Rows) -> None:
    remove(ledger.identities, rows.codes[row, IDENTITY])
    for c in range(len(plan)):
        code, space = rows.codes[row, FIXED_CODES + c], plan[c, 0]
        if space >= 0 and code >= 0:
            ledger.users[space][code] -= 1
            if ledger.users[space][code] == 0:
                remove(ledger.spaces[space], code)
