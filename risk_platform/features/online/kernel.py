"""How the loops of the online engine are compiled: to machine code, kept on disk, free of the interpreter lock."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

Bytes = npt.NDArray[np.uint8]
Bits = npt.NDArray[np.uint32]
Codes = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# A number in machine code, of which Python's and numpy's types are two descriptions.
Scalar: TypeAlias = Any

_config: Any = numba.config
_njit: Any = numba.njit
_Function = TypeVar("_Function", bound=Callable[..., Any])
# Kernels allocate nothing; without reference counts, passing the many arrays of the state costs next to nothing.
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}


@contextmanager
def _kept_by_source() -> Iterator[None]:
    """Keep machine code in a folder named by all sources of the engine: a kernel is built from several files."""
    sources = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        source = path.read_bytes()
        if any(mark in source for mark in (b"@kernel", b"@part", b"@inline")):
            sources.update(source)
    before = _config.CACHE_DIR
    folder = Path(before or Path(__file__).parent / "__pycache__") / f"kernels-{sources.hexdigest()[:16]}"
    if os.access(folder.parent if folder.parent.exists() else folder.parents[1], os.W_OK):
        _config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        _config.CACHE_DIR = before


def kernel(function: _Function) -> _Function:
    """`function` as a compiled loop that Python calls, kept on disk."""
    with _kept_by_source():
        return cast(_Function, _njit(cache=True, **_OPTIONS)(function))


def part(function: _Function) -> _Function:
    """`function` as a part of the loops that call it."""
    return cast(_Function, _njit(**_OPTIONS)(function))


def inline(function: _Function) -> _Function:
    """`function` as a part that is copied into each of its callers."""
    return cast(_Function, _njit(forceinline=True, **_OPTIONS)(function))


_code: Any = cgutils


@intrinsic
def _fetch_row(_: Any, array: Any, row: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        given = context.make_array(signature.args[0])(context, builder, arguments[0])
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        length = builder.extract_value(given.strides, 0)
        first = builder.gep(
            builder.bitcast(given.data, byte),
            [builder.mul(length, builder.sext(arguments[1], ir.IntType(64)))],
        )
        last = builder.gep(first, [builder.sub(length, ir.Constant(ir.IntType(64), 1))])
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        fetch = _code.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        for place in (first, last):
            builder.call(fetch, [place, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, row), code


# In a kernel, fetch_row(array, row) asks memory for a row of up to a line's length of it that will soon be read.
fetch_row: Any = _fetch_row


def grown(array: npt.NDArray[Any], length: int) -> npt.NDArray[Any]:
    """A copy of `array` with `length` rows; the new ones are zero."""
    longer = np.zeros((length, *array.shape[1:]), dtype=array.dtype)
    longer[: len(array)] = array
    return longer
