"""Two threads for kernels that release the interpreter's lock."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache


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
