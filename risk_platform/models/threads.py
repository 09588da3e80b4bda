"""Kernels that release the interpreter's lock, and a second thread for them."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar, cast

import numba

_Function = TypeVar("_Function", bound=Callable[..., Any])


def kernel(function: _Function) -> _Function:
    """`function` compiled on its first call, and kept compiled on disk."""
    return cast(_Function, numba.njit(cache=True, nogil=True)(function))


@cache
def _second_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="kernel")


# A forked child has no threads but its own.
os.register_at_fork(after_in_child=_second_thread.cache_clear)


def in_halves(work: Callable[[slice], None], count: int, worthwhile: int) -> None:
    """`work` on the rows 0 … count − 1, on two threads from `worthwhile` rows on; each row is worked on once."""
    if count < worthwhile:
        work(slice(0, count))
        return
    middle = count // 2
    other = _second_thread().submit(work, slice(middle, count))
    work(slice(0, middle))
    other.result()
