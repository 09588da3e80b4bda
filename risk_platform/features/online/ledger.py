"""The door of the state: payments become rows, their labels come due or are judged, what aged out leaves."""

from typing import NamedTuple

import numpy as np

from risk_platform.features.online.heap import Heap, heap_with_room, new_heap, pop, push
from risk_platform.features.online.kernel import Bytes, Codes, Ints, Scalar, Words, grown, kernel, part
from risk_platform.features.online.rows import (
    BITS,
    FIRST,
    FIXED_CODES,
    FIXED_INTS,
    FRAUD,
    GOOD,
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
from risk_platform.features.online.table import Table, enter, find, new_table, remove, with_room

NEWEST, INSTANTS_DROPPED, TEXT_FIRST, TEXT_NEXT, ROWS_DROPPED, TURNS_DROPPED = range(6)
# Limits (µs): age of known good, and how long rows, ties and turns are kept and how late a verdict counts.
MATURITY, HORIZON, ROW_REACH, TIE_REACH, TURN_REACH = range(5)


class Ledger(NamedTuple):
    """What is kept of payments beside their rows.

    `identities` finds a payment by the hash of (source, transaction_id), `numbers` holds its number; `spaces` are the
    identifiers of each id space, `users` how many live rows name each; `instants` finds the newest payment of an
    event time; `text` holds the identifiers of recent payments, from offset clock[TEXT_FIRST] on.
    """

    identities: Table
    numbers: Ints
    spaces: tuple[Table, ...]
    users: tuple[Codes, ...]
    instants: Table
    latest: Ints
    text: Bytes
    heap: Heap
    clock: Ints


class Arrivals(NamedTuple):
    """New payments: event and known time (µs), whole-number measures, hashes of identifiers, ready codes, own ids.

    `early` are verdicts that came before their payment: (position, is_fraud) in order.
    """

    time: Ints
    known: Ints
    ints: Ints
    words: Words
    codes: Codes
    identity: Words
    offsets: Codes
    text: Bytes
    early: Ints


def new_ledger(spaces: int) -> Ledger:
    """The ledger of no payments, with so many id spaces."""
    room = 64
    return Ledger(
        new_table(room),
        np.zeros(room, np.int64),
        tuple(new_table(room) for _ in range(spaces)),
        tuple(np.zeros(room, np.int32) for _ in range(spaces)),
        new_table(room),
        np.zeros(room, np.int64),
        np.zeros(1024, np.uint8),
        new_heap(),
        np.array([-(1 << 62), 0, 0, 0, 0, 0], np.int64),
    )


def ledger_with_room(ledger: Ledger, payments: int, names: int, text: int) -> Ledger:
    """`ledger`, or larger copies of its parts, for so many payments, identifiers in each space and bytes of text."""
    identities = with_room(ledger.identities, payments)
    spaces = tuple(with_room(space, names) for space in ledger.spaces)
    instants = with_room(ledger.instants, payments)
    needed = int(ledger.clock[TEXT_NEXT] - ledger.clock[TEXT_FIRST]) + text
    length = len(ledger.text)
    while length < needed:
        length *= 2
    return Ledger(
        identities,
        _as_long_as(ledger.numbers, identities),
        spaces,
        tuple(_as_long_as(users, space) for users, space in zip(ledger.users, spaces, strict=True)),
        instants,
        _as_long_as(ledger.latest, instants),
        ledger.text if length == len(ledger.text) else grown(ledger.text, length),
        heap_with_room(ledger.heap, payments),
        ledger.clock,
    )


def _as_long_as(array: np.ndarray, table: Table) -> np.ndarray:
    return array if len(array) == len(table.keys) else grown(array, len(table.keys))


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
        if not come_due(known, ledger, rows, turns) or not _room_for(len(arrivals.early), turns):
            return at
        before[at] = turns.span[NEXT]
        number = _make_row(at, arrivals, plan, ledger, rows)
        while e < len(arrivals.early) and arrivals.early[e, 0] <= at:
            if arrivals.early[e, 0] == at and known <= moment + limits[HORIZON]:
                turn(number, known, arrivals.early[e, 1] == 1, rows, turns)
            e += 1
        push(ledger.heap, max(moment + limits[MATURITY], known), number)
        ledger.clock[NEWEST] = max(ledger.clock[NEWEST], moment)
        _forget(plan, limits, ledger, rows, turns)
        at += 1
    return at


@kernel
def judge(at: Scalar, verdicts: Ints, limits: Ints, ledger: Ledger, rows: Rows, turns: Turns) -> Scalar:
    """Note the verdicts from `at` on: (payment number, known µs, is_fraud); ends early when there is no room."""
    while at < len(verdicts):
        number, known = verdicts[at, 0], verdicts[at, 1]
        if not come_due(known, ledger, rows, turns) or not _room_for(1, turns):
            return at
        if known <= rows.ints[row_of(rows, number), TIME] + limits[HORIZON]:
            turn(number, known, verdicts[at, 2] == 1, rows, turns)
        at += 1
    return at


@part
def _room_for(more: Scalar, turns: Turns) -> Scalar:
    return bool(turns.span[NEXT] - turns.span[FIRST] + more <= len(turns.ints))


@part
def come_due(until: Scalar, ledger: Ledger, rows: Rows, turns: Turns) -> Scalar:
    """Turn the payments nobody reported that come due before `until` to good; False when there is no room."""
    while ledger.heap.size[0] > 0 and ledger.heap.due[0] < until:
        number = ledger.heap.number[0]
        if number >= ledger.clock[ROWS_DROPPED] and rows.codes[row_of(rows, number), LABEL] == OPEN:
            if not _room_for(1, turns):
                return False
            turn(number, ledger.heap.due[0], False, rows, turns)
        pop(ledger.heap)
    return True


@part
def turn(number: Scalar, moment: Scalar, is_fraud: bool, rows: Rows, turns: Turns) -> None:
    """Note what payment `number` is found to be at `moment` unless it is that already."""
    label = FRAUD if is_fraud else GOOD
    row = row_of(rows, number)
    if rows.codes[row, LABEL] == label:
        return
    at = turns.span[NEXT] - turns.span[FIRST]
    turns.ints[at, 0] = moment
    turns.ints[at, 1] = 2 * number + (1 if is_fraud else 0)
    turns.span[NEXT] += 1
    rows.codes[row, LABEL] = label
    rows.codes[row, HELD] += 1


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
