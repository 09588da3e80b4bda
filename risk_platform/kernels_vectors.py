"""Eight numbers at a time for kernels, in vector registers: nothing is checked, arrays of float64 have no gaps.

LLVM finds such loops by itself only where it can prove that arrays do not overlap, which in a kernel it hardly can.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from risk_platform.kernels import kernel

WIDTH = 8
_VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)


class _Vectors:
    """Vectors in the arrays that an intrinsic is called with; array and place of it are arguments side by side."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self._context, self.builder, self._kinds, self.arguments = context, builder, signature.args, arguments

    def read(self, argument: int) -> Any:
        return self.builder.load(self._pointer(argument), align=8)

    def write(self, argument: int, vector: Any) -> Any:
        self.builder.store(vector, self._pointer(argument), align=8)
        return self._context.get_dummy_value()

    def repeated(self, argument: int) -> Any:
        one = self.builder.insert_element(
            ir.Constant(_VECTOR, ir.Undefined), self.arguments[argument], ir.Constant(ir.IntType(32), 0)
        )
        first = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
        return self.builder.shuffle_vector(one, one, first)

    def _pointer(self, argument: int) -> Any:
        array, place = self.arguments[argument : argument + 2]
        data = self._context.make_array(self._kinds[argument])(self._context, self.builder, array).data
        return self.builder.bitcast(self.builder.gep(data, [place]), _VECTOR.as_pointer())


def _code(work: Callable[[_Vectors], Any]) -> Callable[..., Any]:
    return lambda *given: work(_Vectors(*given))


@intrinsic
def _set_product(_: Any, target: Any, at: Any, left: Any, l_at: Any, right: Any, r_at: Any) -> Any:
    kinds = types.void(target, at, left, l_at, right, r_at)
    return kinds, _code(lambda v: v.write(0, v.builder.fmul(v.read(2), v.read(4))))


@intrinsic
def _set_multiple(_: Any, target: Any, at: Any, left: Any, l_at: Any, number: Any) -> Any:
    kinds = types.void(target, at, left, l_at, number)
    return kinds, _code(lambda v: v.write(0, v.builder.fmul(v.read(2), v.repeated(4))))


@intrinsic
def _add_product(_: Any, target: Any, at: Any, left: Any, l_at: Any, right: Any, r_at: Any) -> Any:
    kinds = types.void(target, at, left, l_at, right, r_at)
    return kinds, _code(lambda v: v.write(0, v.builder.fadd(v.read(0), v.builder.fmul(v.read(2), v.read(4)))))


@intrinsic
def _add(_: Any, target: Any, at: Any, left: Any, l_at: Any) -> Any:
    kinds = types.void(target, at, left, l_at)
    return kinds, _code(lambda v: v.write(0, v.builder.fadd(v.read(0), v.read(2))))


# In a kernel, for WIDTH numbers each: target[at:] = left[l:] * right[r:], = left[l:] * number, += left[l:] * right[r:],
# += left[l:].
set_product: Any = _set_product
set_multiple: Any = _set_multiple
add_product: Any = _add_product
add: Any = _add


@kernel
def aligned(length: Any) -> Any:
    """An array of float64, not filled, of which every WIDTH numbers from the first on lie in one line of the cache."""
    room = np.empty(length + WIDTH)
    skipped = -(room.ctypes.data >> 3) % WIDTH
    return room[skipped : skipped + length]
