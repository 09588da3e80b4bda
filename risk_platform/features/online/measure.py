"""What an entry adds to an accumulator, and what it competes with for a maximum."""

import numpy as np

from risk_platform.features.online.kernel import Ints, Scalar, inline
from risk_platform.features.online.rows import Rows, short_of

# Columns of an accumulator: bits that must be as wanted, the measure (-1: count), which part of it is summed.
MASK, WANT, COLUMN, PART = 0, 1, 2, 3
VALUE, SQUARE_HIGH, SQUARE_LOW = range(3)
# A measure is a column of `wide`, or from here on one of `short`.
SHORT = 1 << 8
# Squares are summed in two halves, so that they stay exact up to this value.
LARGEST = 1 << 47
_HALF = np.int64(0xFFFFFFFF)


@inline
def passes(condition: Ints, bits: Scalar) -> Scalar:
    """Whether a payment with these `bits` counts."""
    return bits & condition[MASK] == condition[WANT]


@inline
def sum_value(add: Ints, row: Scalar, bits: Scalar, rows: Rows) -> Scalar:
    """What the payment in `row` with these `bits` adds to the accumulator `add`."""
    if bits & add[MASK] != add[WANT]:
        return np.int64(0)
    if add[COLUMN] < 0:
        return np.int64(1)
    return part_of(rows.wide[row, add[COLUMN]], add[PART])


@inline
def part_of(value: Scalar, which: Scalar) -> Scalar:
    """The value, or one half of its square."""
    if which == VALUE:
        return value
    high, low = value >> 32, value & _HALF
    square_low = np.uint64(low) * np.uint64(low)
    if which == SQUARE_LOW:
        return np.int64(square_low & np.uint64(_HALF))
    return (high * high << 32) + 2 * high * low + np.int64(square_low >> np.uint64(32))


@inline
def peak_value(peak: Ints, row: Scalar, number: Scalar, bits: Scalar, rows: Rows) -> Scalar:
    """The measure of the payment in `row` where it passes the filter of `peak`, else −inf."""
    if bits & peak[MASK] != peak[WANT]:
        return -np.inf
    value = measure_of(row, number, peak[COLUMN], rows)
    return value if value == value else -np.inf


@inline
def measure_of(row: Scalar, number: Scalar, column: Scalar, rows: Rows) -> Scalar:
    """The measure in `column` of the payment in `row`; NaN for null."""
    if column < SHORT:
        return np.float64(rows.wide[row, column])
    return rows.short[short_of(rows, column - SHORT, number)]
