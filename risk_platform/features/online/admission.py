"""The door of the state: payments become rows, and what aged out leaves."""

import numpy as np

from risk_platform.features.online.index import enlist, strike
from risk_platform.features.online.kernel import Bytes, Ints, Scalar, kernel, part
from risk_platform.features.online.labels import turn
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
    FIXED_INTS,
    FOUND_BIT,
    HELD_SHIFT,
    IDENTITY,
    NEXT,
    RANK,
    SAME,
    TEXT,
    TIME,
    Rows,
    Turns,
    row_of,
    short_of,
)
from risk_platform.features.online.table import enter, find, remove


@kernel
def admit(
    arrivals: Arrivals, plan: Ints, limits: Ints, ledger: Ledger, rows: Rows, turns: Turns, newest: Ints
) -> None:
    """Make rows of the arrivals; the caller has seen to the room.

    `plan` names column and id space of each code; `newest` is given the newest event time (µs) up to each arrival.
    """
    e = np.int64(0)
    for at in range(len(arrivals.time)):
        moment, known = arrivals.time[at], arrivals.known[at]
        number = _make_row(at, arrivals, plan, ledger, rows)
        while e < len(arrivals.early) and arrivals.early[e, 0] <= at:
            if arrivals.early[e, 0] == at and arrivals.early[e, 2] <= moment + limits[HORIZON]:
                turn(number, known, arrivals.early[e, 1], 0, rows, turns)
            e += 1
        found = rows.cells[row_of(rows, number), BITS] >> FOUND_BIT & 1
        if known > moment + limits[MATURITY] and not found:
            turn(number, known, 0, 0, rows, turns)
        ledger.clock[NEWEST] = newest[at] = max(ledger.clock[NEWEST], moment)
        _forget(plan, limits, ledger, rows, turns)


@part
def _make_row(at: Scalar, arrivals: Arrivals, plan: Ints, ledger: Ledger, rows: Rows) -> Scalar:
    number = rows.span[NEXT]
    row = row_of(rows, number)
    rows.span[NEXT] += 1
    rows.wide[row, TIME] = arrivals.time[at]
    rows.wide[row, IDENTITY] = np.int64(arrivals.identity[at])
    for column in range(arrivals.ints.shape[1]):
        rows.wide[row, FIXED_INTS + column] = arrivals.ints[at, column]
    rows.cells[row, BITS] = arrivals.bits[at]
    rows.cells[row, RANK] = 0
    enlist(ledger.payments, number, rows)
    for c in range(len(plan)):
        rows.cells[row, plan[c, 0]] = _code(arrivals.words[at, c], plan[c, 1], ledger)
    _keep_text(number, arrivals.text[arrivals.offsets[at] : arrivals.offsets[at + 1]], ledger, rows)
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
def _keep_text(number: Scalar, text: Bytes, ledger: Ledger, rows: Rows) -> None:
    rows.short[short_of(rows, TEXT, number)] = ledger.clock[TEXT_NEXT]
    begin = ledger.clock[TEXT_NEXT] - ledger.clock[TEXT_FIRST]
    for at in range(len(text)):
        ledger.text[begin + at] = text[at]
    ledger.clock[TEXT_NEXT] += len(text)


@part
def _rank(number: Scalar, row: Scalar, ledger: Ledger, rows: Rows) -> None:
    """Rank the payment among those of the same instant by source and transaction_id."""
    rows.short[short_of(rows, SAME, number)] = 0
    word = np.uint64(rows.wide[row, TIME])
    code = find(ledger.instants, word)
    if code < 0:
        ledger.latest[enter(ledger.instants, word)] = number
        return
    other = ledger.latest[code]
    rows.short[short_of(rows, SAME, number)] = number - other
    ledger.latest[code] = number
    while True:
        if _text_below(other, number, ledger, rows):
            rows.cells[row, RANK] += 1
        else:
            rows.cells[row_of(rows, other), RANK] += 1
        step = np.int64(rows.short[short_of(rows, SAME, other)])
        if step == 0:
            return
        other -= step


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
def _text_of(number: Scalar, ledger: Ledger, rows: Rows) -> tuple[Scalar, Scalar]:
    first = ledger.clock[TEXT_FIRST]
    begin = np.int64(rows.short[short_of(rows, TEXT, number)])
    end = ledger.clock[TEXT_NEXT]
    if number + 1 < rows.span[NEXT]:
        end = np.int64(rows.short[short_of(rows, TEXT, number + 1)])
    return begin - first, end - first


@part
def _forget(plan: Ints, limits: Ints, ledger: Ledger, rows: Rows, turns: Turns) -> None:
    """Drop payments, and instants that no arrival can tie with, that aged out."""
    newest = ledger.clock[NEWEST]
    while ledger.clock[INSTANTS_DROPPED] < rows.span[NEXT]:
        moment = rows.wide[row_of(rows, ledger.clock[INSTANTS_DROPPED]), TIME]
        if moment >= newest - limits[TIE_REACH]:
            break
        code = find(ledger.instants, np.uint64(moment))
        if code >= 0:
            remove(ledger.instants, code)
        ledger.clock[INSTANTS_DROPPED] += 1
    while ledger.clock[TURNS_DROPPED] < turns.span[NEXT]:
        at = ledger.clock[TURNS_DROPPED] - turns.span[FIRST]
        if turns.ints[at, 0] >= newest - limits[TURN_REACH]:
            break
        rows.cells[row_of(rows, turns.ints[at, 1] >> 2), RANK] -= 1 << HELD_SHIFT
        ledger.clock[TURNS_DROPPED] += 1
    while ledger.clock[ROWS_DROPPED] < ledger.clock[INSTANTS_DROPPED]:
        row = row_of(rows, ledger.clock[ROWS_DROPPED])
        if rows.wide[row, TIME] >= newest - limits[ROW_REACH] or rows.cells[row, RANK] >> HELD_SHIFT:
            break
        strike(ledger.payments, ledger.clock[ROWS_DROPPED], rows)
        _drop_codes(row, plan, ledger, rows)
        ledger.clock[ROWS_DROPPED] += 1


@part
def _drop_codes(row: Scalar, plan: Ints, ledger: Ledger, rows: Rows) -> None:
    for c in range(len(plan)):
        code, space = rows.cells[row, plan[c, 0]], plan[c, 1]
        if code >= 0:
            ledger.users[space][code] -= 1
            if ledger.users[space][code] == 0:
                remove(ledger.spaces[space], code)
