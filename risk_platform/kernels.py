"""Kernels that release the interpreter's lock, and a second thread for them."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar, cast

import numba
from numba.core import cgutils, types
from numba.extending import intrinsic

_Function = TypeVar("_Function", bound=Callable[..., Any])
_typeof: Any = numba.typeof
_njit: Any = numba.njit


def kernel(function: _Function) -> _Function:
    """`function` compiled on its first call, and kept compiled on disk."""
    return cast(_Function, numba.njit(cache=True, nogil=True)(function))


def uncounted(function: _Function) -> _Function:
    """A kernel that makes no arrays: nobody counts who refers to them, so it is compiled in a fraction of the time."""
    return cast(_Function, _njit(cache=True, nogil=True, _nrt=False)(function))


def inline(function: _Function) -> _Function:
    """`function` as a part that is copied into the kernels that call it; it stands in the file of each of them."""
    return cast(_Function, numba.njit(inline="always")(function))


def settled(loop: Callable[..., Any], *arguments: object) -> Callable[..., Any]:
    """The machine code of the kernel `loop` for arguments of the types of `arguments`; it looks at types no more.

    To look at the types of many arrays takes longer than the work on one row, or ten times as long.
    """
    compiled: Any = loop
    code: Callable[..., Any] = compiled.compile(tuple(_typeof(argument) for argument in arguments))
    return code


def settling(loop: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel `loop`, settled at its first call: all calls have arguments of the same types."""
    code: list[Callable[..., Any]] = []

    def call(*arguments: object) -> Any:
        if not code:
            code.append(settled(loop, *arguments))
        return code[0](*arguments)

    return call


@intrinsic
def _copy_bytes(_: Any, target: Any, _at: Any, source: Any, _begin: Any, _count: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        target, at, source, begin, count = arguments
        kinds = signature.args
        into = context.make_array(kinds[0])(context, builder, target).data
        out_of = context.make_array(kinds[2])(context, builder, source).data
        _code.raw_memcpy(builder, builder.gep(into, [at]), builder.gep(out_of, [begin]), count, 1)
        return context.get_dummy_value()

    return types.void(target, types.int64, source, types.int64, types.int64), code


_code: Any = cgutils
# In a kernel, copy_bytes(target, at, source, begin, count) copies bytes from one array to the other as memcpy does:
# nothing is checked, and both are arrays of bytes without gaps.
copy_bytes: Any = _copy_bytes


@cache
def _second_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="kernel")


# A forked child has no threads but its own.
os.register_at_fork(after_in_child=_second_thread.cache_clear)


def in_halves(work: Callable[[slice], None], count: int, worthwhile: int) -> None:
    """`work` on the rows 0 … count − 1, on two threads from `worthwhile` rows on; each row is worked on once.

    Who finds the second thread busy with another's half does both.
    """
    if count < worthwhile:
        work(slice(0, count))
        return
    middle = count // 2
    other = _second_thread().submit(work, slice(middle, count))
    work(slice(0, middle))
    if other.cancel():
        work(slice(middle, count))
    else:
        other.result()
