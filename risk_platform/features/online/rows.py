"""The payments that the state still needs, one row each in the order of arrival, and the turns of their labels."""

from typing import NamedTuple

import numpy as np

from risk_platform.features.online.kernel import Codes, Floats, Ints, Scalar, inline, part

# Numbers are counted from the first payment ever; a log keeps their lower half.
LOWER = np.int64(0xFFFFFFFF)
FIRST, NEXT = 0, 1
FRAUD_BIT = 31
OPEN, GOOD, FRAUD = 0, 1, 2
PAYMENTS, RESOLUTIONS = 0, 1


# First columns of the whole numbers and of the codes of a row; measures and identifiers follow.
TIME, TEXT, FIXED_INTS = 0, 1, 2
BITS, LABEL, IDENTITY, TIE, SAME, HELD, FIXED_CODES = range(7)


class Rows(NamedTuple):
    """Payments, in row `number - span[FIRST]` payment `number`; `span` is (first, next) number.

    `ints`: event time in µs, where its identifier begins in the text, whole-number measures. `codes`: flags and which
    floats are there, label (open, good, fraud), code in the table of identifiers, rank by (source, transaction_id)
    among payments of the same instant, how far back the previous of them is, how many turns of its label are kept;
    then identifiers, -1 for null. `floats`: other measures, NaN for null.
    """

    ints: Ints
    codes: Codes
    floats: Floats
    span: Ints


class Turns(NamedTuple):
    """Turns of labels in the order they became known: when (µs), and 2 × payment number + is_fraud."""

    ints: Ints
    span: Ints


def new_rows(ints: int, floats: int, codes: int, room: int = 64) -> Rows:
    """No payments yet, with so many measures and identifiers."""
    return Rows(
        np.zeros((room, FIXED_INTS + ints), np.int64),
        np.zeros((room, FIXED_CODES + codes), np.int32),
        np.zeros((room, floats), np.float64),
        np.zeros(2, np.int64),
    )


def new_turns(room: int = 64) -> Turns:
    """No turns yet."""
    return Turns(np.zeros((room, 2), np.int64), np.zeros(2, np.int64))


@inline
def row_of(rows: Rows, number: Scalar) -> Scalar:
    """Row of a payment whose number, or the lower half of it, is given."""
    return (number - rows.span[FIRST]) & LOWER


@inline
def turn_of(turns: Turns, number: Scalar) -> Scalar:
    """Row of a turn whose number, or the lower half of it, is given."""
    return (number - turns.span[FIRST]) & LOWER


@inline
def payment_of(stream: Scalar, entry: Scalar, rows: Rows, turns: Turns) -> Scalar:
    """Row of the payment that an entry of a log speaks of."""
    number = np.int64(entry) & LOWER
    if stream == PAYMENTS:
        return row_of(rows, number)
    return row_of(rows, turns.ints[turn_of(turns, number), 1] >> 1)


@inline
def bits_of(stream: Scalar, entry: Scalar, row: Scalar, rows: Rows, turns: Turns) -> Scalar:
    """Flags of the payment in `row`, with the label of the entry where it is a resolution."""
    bits = np.int64(rows.codes[row, BITS])
    if stream == RESOLUTIONS:
        bits |= (turns.ints[turn_of(turns, np.int64(entry) & LOWER), 1] & 1) << FRAUD_BIT
    return bits


@inline
def moment_of(stream: Scalar, entry: Scalar, rows: Rows, turns: Turns) -> Scalar:
    """When an entry counts: the payment's event time, or when its label became known (µs)."""
    number = np.int64(entry) & LOWER
    if stream == PAYMENTS:
        return rows.ints[row_of(rows, number), TIME]
    return turns.ints[turn_of(turns, number), 0]


@part
def comes_before(stream: Scalar, left: Scalar, right: Scalar, rows: Rows, turns: Turns) -> Scalar:
    """Whether `left` stands before `right`: by moment, then event time, then identifier, then label."""
    at, other = moment_of(stream, left, rows, turns), moment_of(stream, right, rows, turns)
    if at != other:
        return at < other
    a, b = payment_of(stream, left, rows, turns), payment_of(stream, right, rows, turns)
    if rows.ints[a, TIME] != rows.ints[b, TIME]:
        return rows.ints[a, TIME] < rows.ints[b, TIME]
    if a != b:
        return rows.codes[a, TIE] < rows.codes[b, TIE]
    return bits_of(stream, left, a, rows, turns) < bits_of(stream, right, b, rows, turns)
