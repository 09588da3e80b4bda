"""Sample standard deviation from exact integers of 128 bits."""

import numpy as np

from risk_platform.features.online.kernel import Scalar, part

_HALF = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


@part
def standard_deviation(count: Scalar, total: Scalar, squares_high: Scalar, squares_low: Scalar) -> Scalar:
    """√((n·Σx² − (Σx)²) / (n·(n − 1))), NaN below two; Σx² is squares_high · 2³² + squares_low."""
    if count < 2:
        return np.nan
    high_a, low_a = _product(np.uint64(count), np.uint64(squares_high))
    high_b, low_b = _product(np.uint64(count), np.uint64(squares_low))
    low = (low_a << _32) + low_b
    high = (high_a << _32 | low_a >> _32) + high_b + np.uint64(low < low_b)
    high_c, low_c = _product(np.uint64(abs(total)), np.uint64(abs(total)))
    high = high - high_c - np.uint64(low < low_c)
    low = low - low_c
    numerator = np.float64(high) * 18446744073709551616.0 + np.float64(low)
    return np.sqrt(numerator / (np.float64(count) * np.float64(count - 1)))


@part
def _product(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """Upper and lower 64 bits of a · b."""
    a_high, a_low, b_high, b_low = a >> _32, a & _HALF, b >> _32, b & _HALF
    bottom, left, right = a_low * b_low, a_high * b_low, a_low * b_high
    middle = (bottom >> _32) + (left & _HALF) + (right & _HALF)
    high = a_high * b_high + (left >> _32) + (right >> _32) + (middle >> _32)
    return high, (middle << _32) | (bottom & _HALF)
