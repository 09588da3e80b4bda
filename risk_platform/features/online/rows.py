"""The payments that the state still needs, in the order of arrival, and the turns of their labels."""

from typing import NamedTuple

import numpy as np

from risk_platform.features.online.kernel import Codes, Floats, Ints, Scalar, inline, part

# Payments are numbered from the first one ever; lists keep the lower bits of a number.
REF = np.int64(0x7FFFFFFF)
FIRST, NEXT = 0, 1
CHUNK_BITS = 12
CHUNK = 1 << CHUNK_BITS
PAYMENTS, IMPLICIT, EXPLICIT = 0, 1, 2

# Columns of `wide` (64 bits); the first one holds the columns BITS and RANK of `cells` (32 bits).
TIME, IDENTITY, FIXED_INTS = 1, 2, 3
BITS, RANK = 0, 1
# Bits of a payment, above those of its flags: whether an account was paid, parts of the day, what its label was found
# to be, and whether it was found before it was old enough to count as known good by itself.
FLAGS = 21
GATE_BIT, DAYPART_BIT, SHIFTED_BIT, FOUND_BIT, EARLY_BIT, FRAUD_BIT = 21, 22, 25, 28, 29, 30
# In the bits of an explicit turn: that it is one to fraud; in those that a narrowed view sees, that it is none of its.
TURN_FRAUD_BIT, FOREIGN_BIT = 31, 32
# RANK is the rank among payments of the same instant, and how many turns of the payment are kept.
HELD_SHIFT = 20
RANK_MASK = np.int64((1 << HELD_SHIFT) - 1)
# Columns that only recent payments have: where the identifier begins in the text, how far back the previous payment
# of the same instant is; measures follow.
TEXT, SAME, FIXED_SHORT = 0, 1, 2
# A code's column, and how it is read: as it is, only where an account was paid, or from the bits.
PLAIN, GATED, SMALL = 0, 1 << 8, 2 << 8
COLUMN_MASK = 0xFF
NO_CODE = -1


class Rows(NamedTuple):
    """Payments in chunks of CHUNK; `places` says where the chunk of a number lies.

    `wide` and `cells` are two views of the same memory: event time in µs, hash of (source, transaction_id),
    whole-number measures; bits, rank and identifiers (-1 for null). `short` are chunks of single columns that are
    needed for a shorter time, at `short_places`, each from number `short_first` on. `span` is (first, next) number.
    """

    wide: Ints
    cells: Codes
    places: Codes
    short: Floats
    short_places: Codes
    short_first: Ints
    span: Ints


class Turns(NamedTuple):
    """Turns of labels in the order they became known, but for those to known good by age alone.

    When (µs), and 4 × payment number + 2 where the payment was not yet known good + 1 where it is fraud.
    """

    ints: Ints
    span: Ints


def new_turns(room: int = 64) -> Turns:
    """No turns yet."""
    return Turns(np.zeros((room, 2), np.int64), np.zeros(2, np.int64))


def drop_turns(turns: Turns, first: int) -> None:
    """Move the turns from number `first` on to the front, once a third of them is dropped."""
    dropped, kept = first - int(turns.span[FIRST]), int(turns.span[NEXT]) - first
    if 2 * dropped > kept:
        turns.ints[:kept] = turns.ints[dropped : dropped + kept]
        turns.span[FIRST] = first


@inline
def row_of(rows: Rows, number: Scalar) -> Scalar:
    """Row of a payment whose number, or the lower bits of it, is given."""
    chunk = rows.places[(number >> CHUNK_BITS) & (len(rows.places) - 1)]
    return np.int64(chunk) << CHUNK_BITS | number & (CHUNK - 1)


@inline
def short_of(rows: Rows, column: Scalar, number: Scalar) -> Scalar:
    """Where the value of a payment in a column of `short` lies."""
    chunk = rows.short_places[column, (number >> CHUNK_BITS) & (len(rows.places) - 1)]
    return np.int64(chunk) << CHUNK_BITS | number & (CHUNK - 1)


@inline
def code_of(rows: Rows, row: Scalar, code: Scalar) -> Scalar:
    """Identifier of the payment in `row` in the column that `code` describes, -1 for null."""
    column = code & COLUMN_MASK
    if code < GATED:
        return np.int64(rows.cells[row, column])
    if code < SMALL:
        return np.int64(rows.cells[row, column]) if rows.cells[row, BITS] >> GATE_BIT & 1 else np.int64(-1)
    return np.int64(rows.cells[row, BITS] >> column & 7)


@inline
def turn_of(turns: Turns, number: Scalar) -> Scalar:
    """Row of a turn whose number, or the lower bits of it, is given."""
    return (number - turns.span[FIRST]) & REF


@inline
def payment_of(stream: Scalar, ref: Scalar, rows: Rows, turns: Turns) -> Scalar:
    """Row of the payment that an entry of a list speaks of."""
    if stream == EXPLICIT:
        return row_of(rows, turns.ints[turn_of(turns, ref), 1] >> 2)
    return row_of(rows, ref)


@inline
def bits_of(stream: Scalar, ref: Scalar, row: Scalar, rows: Rows, turns: Turns) -> Scalar:
    """Bits of the payment in `row`, with the label of the entry where it is an explicit turn."""
    bits = np.int64(rows.cells[row, BITS])
    if stream == EXPLICIT:
        bits |= (turns.ints[turn_of(turns, ref), 1] & 1) << TURN_FRAUD_BIT
    return bits


@inline
def moment_of(stream: Scalar, shift: Scalar, ref: Scalar, rows: Rows, turns: Turns) -> Scalar:
    """When an entry counts (µs): at the event time and `shift` later, or when its turn became known."""
    if stream == EXPLICIT:
        return turns.ints[turn_of(turns, ref), 0]
    return rows.wide[row_of(rows, ref), TIME] + shift


@inline
def comes_before(
    stream: Scalar,
    ref: Scalar,
    other_stream: Scalar,
    other: Scalar,
    shift: Scalar,
    rows: Rows,
    turns: Turns,
) -> Scalar:
    """Whether an entry stands before another: by moment, then event time, then identifier, then label."""
    at = moment_of(stream, shift, ref, rows, turns)
    other_at = moment_of(other_stream, shift, other, rows, turns)
    if at != other_at:
        return at < other_at
    return _breaks_tie(stream, ref, other_stream, other, rows, turns)


@part
def _breaks_tie(
    stream: Scalar, ref: Scalar, other_stream: Scalar, other: Scalar, rows: Rows, turns: Turns
) -> Scalar:
    """Whether an entry stands before another of the same moment."""
    a, b = payment_of(stream, ref, rows, turns), payment_of(other_stream, other, rows, turns)
    if rows.wide[a, TIME] != rows.wide[b, TIME]:
        return rows.wide[a, TIME] < rows.wide[b, TIME]
    if a != b:
        return rows.cells[a, RANK] & RANK_MASK < rows.cells[b, RANK] & RANK_MASK
    left, right = bits_of(stream, ref, a, rows, turns), bits_of(other_stream, other, b, rows, turns)
    return left >> TURN_FRAUD_BIT < right >> TURN_FRAUD_BIT
