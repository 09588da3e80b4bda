"""The payments that the state still needs, one row each in the order of arrival, and the turns of their labels."""

from typing import NamedTuple

import numpy as np

from risk_platform.features.online.kernel import Bits, Bytes, Codes, Floats, Ints, kernel

# Numbers are counted from the first payment ever; a log keeps their lower half.
LOWER = np.int64(0xFFFFFFFF)
FIRST, NEXT = 0, 1
FRAUD_BIT = 31
OPEN, GOOD, FRAUD = 0, 1, 2
PAYMENTS, RESOLUTIONS = 0, 1


class Rows(NamedTuple):
    """Columns of payments, row `number - span[FIRST]` for payment `number`; `span` is (first, next) number.

    `time` is event time in µs, `codes` are -1 for null, `floats` NaN for null, `bits` hold flags and which floats are
    there, `label` is open, good or fraud, `identity` the code in the table of identifiers, `tie` the rank by
    (source, transaction_id) among payments of the same instant, `same` how far back the previous of them is, `text` where
    that identifier begins, `held` how many turns of its label are kept.
    """

    time: Ints
    ints: Ints
    floats: Floats
    codes: Codes
    bits: Bits
    label: Bytes
    identity: Codes
    tie: Codes
    same: Codes
    text: Ints
    held: Codes
    span: Ints


class Turns(NamedTuple):
    """Turns of labels in the order they became known: when, and 2 × payment number + is_fraud."""

    time: Ints
    what: Ints
    span: Ints


def new_rows(ints: int, floats: int, codes: int, room: int = 64) -> Rows:
    """No payments yet, with so many columns of each type."""
    return Rows(
        np.zeros(room, np.int64),
        np.zeros((room, ints), np.int64),
        np.zeros((room, floats), np.float64),
        np.zeros((room, codes), np.int32),
        np.zeros(room, np.uint32),
        np.zeros(room, np.uint8),
        np.zeros(room, np.int32),
        np.zeros(room, np.int32),
        np.zeros(room, np.int32),
        np.zeros(room, np.int64),
        np.zeros(room, np.int32),
        np.zeros(2, np.int64),
    )


def new_turns(room: int = 64) -> Turns:
    """No turns yet."""
    return Turns(np.zeros(room, np.int64), np.zeros(room, np.int64), np.zeros(2, np.int64))


@kernel
def row_of(rows: Rows, number: int) -> int:
    """Row of a payment whose number, or the lower half of it, is given."""
    return (number - rows.span[FIRST]) & LOWER


@kernel
def turn_of(turns: Turns, number: int) -> int:
    """Row of a turn whose number, or the lower half of it, is given."""
    return (number - turns.span[FIRST]) & LOWER


@kernel
def payment_of(stream: int, entry: np.uint64, rows: Rows, turns: Turns) -> int:
    """Row of the payment that an entry of a log speaks of."""
    number = np.int64(entry) & LOWER
    if stream == PAYMENTS:
        return row_of(rows, number)
    return row_of(rows, turns.what[turn_of(turns, number)] >> 1)


@kernel
def bits_of(stream: int, entry: np.uint64, row: int, rows: Rows, turns: Turns) -> int:
    """Flags of the payment in `row`, with the label of the entry where it is a resolution."""
    bits = np.int64(rows.bits[row])
    if stream == RESOLUTIONS:
        bits |= (turns.what[turn_of(turns, np.int64(entry) & LOWER)] & 1) << FRAUD_BIT
    return bits


@kernel
def moment_of(stream: int, entry: np.uint64, rows: Rows, turns: Turns) -> int:
    """When an entry counts: the payment's event time, or when its label became known (µs)."""
    number = np.int64(entry) & LOWER
    if stream == PAYMENTS:
        return rows.time[row_of(rows, number)]
    return turns.time[turn_of(turns, number)]


@kernel
def comes_before(stream: int, left: np.uint64, right: np.uint64, rows: Rows, turns: Turns) -> bool:
    """Whether `left` stands before `right`: by moment, then event time, then identifier, then label."""
    at, other = moment_of(stream, left, rows, turns), moment_of(stream, right, rows, turns)
    if at != other:
        return at < other
    a, b = payment_of(stream, left, rows, turns), payment_of(stream, right, rows, turns)
    if rows.time[a] != rows.time[b]:
        return rows.time[a] < rows.time[b]
    if a != b:
        return rows.tie[a] < rows.tie[b]
    return bits_of(stream, left, a, rows, turns) < bits_of(stream, right, b, rows, turns)
