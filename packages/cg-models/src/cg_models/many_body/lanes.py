"""A few numbers side by side in one register of the processor, for numba: loops of eight steps it would not make one instruction.

Inside a compiled function `load(array, k, n)` has n numbers of a contiguous array from its k-th on, counted through all axes;
they add, subtract and multiply each other; numbers are added to them, have them taken away, and multiply them.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import operator
from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, models, overload, register_model

_FLAGS = ("nsz", "arcp", "contract", "reassoc")


class Lanes(types.Type):
    """So many numbers in double precision."""

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(name=f"Lanes({count})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, _vector(lanes))


def _vector(lanes: Lanes) -> Any:
    return ir.VectorType(ir.DoubleType(), lanes.count)


def _place(context: Any, builder: Any, array: Any, value: Any, index: Any, lanes: Lanes) -> Any:
    data = context.make_array(array)(context, builder, value).data
    return builder.bitcast(builder.gep(data, [index]), _vector(lanes).as_pointer())


@intrinsic(prefer_literal=True)
def load(typing: Any, array: Any, index: Any, count: Any) -> Any:
    """Return `count` numbers of a contiguous array, from number `index` on."""
    lanes = Lanes(count.literal_value)

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        place = _place(context, builder, array, given[0], given[1], lanes)
        return builder.load(place, align=8)

    return lanes(array, types.intp, count), code


@intrinsic
def store(typing: Any, array: Any, index: Any, lanes: Any) -> Any:
    """Write numbers to a contiguous array, from number `index` on."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        place = _place(context, builder, array, given[0], given[1], lanes)
        builder.store(given[2], place, align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), code


@intrinsic(prefer_literal=True)
def lane(typing: Any, lanes: Any, which: Any) -> Any:
    """Return one of the numbers."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.extract_element(given[0], given[1])

    return types.float64(lanes, types.intp), code


@intrinsic
def total(typing: Any, lanes: Any) -> Any:
    """Return the sum of the numbers."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kind = _vector(lanes)
        name = f"llvm.vector.reduce.fadd.v{lanes.count}f64"
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(kind.element, [kind.element, kind]), name
        )
        return builder.call(function, [ir.Constant(kind.element, -0.0), given[0]], fastmath=_FLAGS)

    return types.float64(lanes), code


@intrinsic
def _larger(typing: Any, a: Any, b: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", *given), *given)

    return a(a, b), code


@numba.njit(inline="always")
def larger(number: Any, lanes: Any) -> Any:
    """Return the larger of the number and of each of the numbers."""
    return _larger(_splat(number, lanes), lanes)


@intrinsic
def _splat(typing: Any, number: Any, like: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kind, i32 = _vector(like), ir.IntType(32)
        one = builder.insert_element(ir.Constant(kind, ir.Undefined), given[0], ir.Constant(i32, 0))
        zeros = ir.Constant(ir.VectorType(i32, like.count), [0] * like.count)
        return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), zeros)

    return like(types.float64, like), code


def _between(instruction: str) -> Any:
    @intrinsic
    def of(typing: Any, a: Any, b: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            return getattr(builder, instruction)(*given, flags=_FLAGS)

        return a(a, b), code

    return of


_add, _subtract, _multiply = _between("fadd"), _between("fsub"), _between("fmul")


def _of_a_number(a: Any, b: Any) -> bool:
    return isinstance(b, Lanes) and isinstance(a, types.Float | types.Integer)


@overload(operator.add)
def _plus(a: Any, b: Any) -> Any:
    def sum_of(a: Any, b: Any) -> Any:
        return _add(a, b)

    def raised(a: Any, b: Any) -> Any:
        return _add(_splat(a, b), b)

    if isinstance(a, Lanes) and a == b:
        return sum_of
    return raised if _of_a_number(a, b) else None


@overload(operator.sub)
def _minus(a: Any, b: Any) -> Any:
    def difference(a: Any, b: Any) -> Any:
        return _subtract(a, b)

    def left(a: Any, b: Any) -> Any:
        return _subtract(_splat(a, b), b)

    if isinstance(a, Lanes) and a == b:
        return difference
    return left if _of_a_number(a, b) else None


@overload(operator.mul)
def _times(a: Any, b: Any) -> Any:
    def product(a: Any, b: Any) -> Any:
        return _multiply(a, b)

    def multiple(a: Any, b: Any) -> Any:
        return _multiply(_splat(a, b), b)

    if isinstance(a, Lanes) and a == b:
        return product
    return multiple if _of_a_number(a, b) else None
