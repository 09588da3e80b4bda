"""How the loops of the online engine are compiled: to machine code, kept on disk, free of the interpreter lock."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Bits = npt.NDArray[np.uint32]
Codes = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_compile = numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False)


def kernel(function: _Function) -> _Function:
    """`function` as a compiled loop."""
    return cast(_Function, _compile(function))


def grown(array: npt.NDArray[Any], length: int) -> npt.NDArray[Any]:
    """A copy of `array` with `length` rows; the new ones are zero."""
    longer = np.zeros((length, *array.shape[1:]), dtype=array.dtype)
    longer[: len(array)] = array
    return longer
