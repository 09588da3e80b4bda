"""Eight numbers at a time: what each operation writes, and where aligned arrays begin."""

from typing import Any

import numpy as np
import pytest

from risk_platform.kernels import kernel
from risk_platform.kernels_vectors import WIDTH, add, add_product, aligned, set_multiple, set_product


@kernel
def _all_four(left: Any, right: Any, out: Any) -> None:
    set_product(out, 0, left, 1, right, 2)
    set_multiple(out, WIDTH, left, 1, 3.0)
    add_product(out, 2 * WIDTH, left, 1, right, 2)
    add(out, 3 * WIDTH, right, 2)


def test_each_operation_is_that_of_numpy_from_the_places_named() -> None:
    left, right, out = np.arange(10.0), np.arange(10.0) / 7, np.ones(4 * WIDTH)
    _all_four(left, right, out)
    a, b = left[1:9], right[2:10]
    np.testing.assert_array_equal(out, np.concatenate([a * b, a * 3.0, 1 + a * b, 1 + b]))


@pytest.mark.parametrize("length", [0, 1, WIDTH, 1_000, 100_000])
def test_an_aligned_array_begins_with_a_line_of_the_cache(length: int) -> None:
    array = aligned(length)
    assert len(array) == length
    assert array.ctypes.data % (8 * WIDTH) == 0
