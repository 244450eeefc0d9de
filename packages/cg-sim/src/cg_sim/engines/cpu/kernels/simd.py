"""Building blocks of vector code in LLVM: what Numba's scalar loops cannot express.

A gather of 16 rows of four numbers as 16 row loads and a transposition costs about a quarter of four hardware
gathers; LLVM lowers the same text to AVX-512, AVX2, SSE or NEON.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"
from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils

I1, I32, I64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)
F32, F64 = ir.FloatType(), ir.DoubleType()


def splat(builder, value, width: int):
    """Return a vector with `value` in every lane."""
    vector = ir.Constant(ir.VectorType(value.type, width), ir.Undefined)
    vector = builder.insert_element(vector, value, ir.Constant(I32, 0))
    zeros = ir.Constant(ir.VectorType(I32, width), [0] * width)
    return builder.shuffle_vector(vector, vector, zeros)


def constant(kind, value: float, width: int):
    """Return a constant vector."""
    return ir.Constant(ir.VectorType(kind, width), [value] * width)


def load(builder, pointer, kind, width: int):
    """Return `width` numbers from `pointer`, which needs no more alignment than one number has."""
    vector = builder.bitcast(pointer, ir.VectorType(kind, width).as_pointer())
    return builder.load(vector, align=8 if kind is F64 else 4)


def store(builder, vector, pointer, align: int = 4) -> None:
    builder.store(vector, builder.bitcast(pointer, vector.type.as_pointer()), align=align)


def call(builder, name: str, result, *arguments):
    """Call an LLVM intrinsic by its full name."""
    kinds = [a.type for a in arguments]
    function = builder.module.declare_intrinsic(name, fnty=ir.FunctionType(result, kinds))
    return builder.call(function, arguments)


def suffix(kind, width: int) -> str:
    letter = {I32: "i32", F32: "f32", F64: "f64", I1: "i1"}[kind]
    return f"v{width}{letter}"


def fma(builder, a, b, c):
    """Return a·b + c, rounded once."""
    kind, width = a.type.element, a.type.count
    return call(builder, f"llvm.fma.{suffix(kind, width)}", a.type, a, b, c)


def unary(builder, name: str, a):
    """Return the elementwise intrinsic `name` (sqrt, rint, floor …)."""
    return call(builder, f"llvm.{name}.{suffix(a.type.element, a.type.count)}", a.type, a)


def smaller(builder, a, b):
    return builder.select(builder.fcmp_ordered("<", a, b), a, b)


def larger(builder, a, b):
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


def total(builder, a):
    """Return the sum of all lanes in double precision, as a tree."""
    if a.type.element is F32:
        a = builder.fpext(a, ir.VectorType(F64, a.type.count))
    while a.type.count > 1:
        half = a.type.count // 2
        a = builder.fadd(_part(builder, a, 0, half), _part(builder, a, half, half))
    return builder.extract_element(a, ir.Constant(I32, 0))


def least(builder, a):
    """Return the smallest lane in double precision."""
    while a.type.count > 1:
        half = a.type.count // 2
        a = smaller(builder, _part(builder, a, 0, half), _part(builder, a, half, half))
    value = builder.extract_element(a, ir.Constant(I32, 0))
    return value if value.type is F64 else builder.fpext(value, F64)


def fetch_rows(builder, table, indices, kind):
    """Return the four columns, one vector each, of the rows `indices` of a C-contiguous (n, 4) table.

    Rows r₀…r₃, r₄…r₇, … are joined to four long vectors (row k mod 4 of every group of four) and transposed
    inside each group, so that lane order is kept.
    """
    width = indices.type.count
    spilled = builder.bitcast(cgutils.alloca_once(builder, indices.type), I32.as_pointer())
    store(builder, indices, spilled)
    rows = [_row(builder, table, spilled, lane, kind) for lane in range(width)]
    a, b, c, d = (_joined(builder, rows[k::4]) for k in range(4))
    low = [4 * g + k for g in range(width // 4) for k in (0, 1)]
    high = [4 * g + k for g in range(width // 4) for k in (2, 3)]
    ab_low, ab_high = _interleaved(builder, a, b, low), _interleaved(builder, a, b, high)
    cd_low, cd_high = _interleaved(builder, c, d, low), _interleaved(builder, c, d, high)
    first = [x for g in range(width // 4) for x in (4 * g, 4 * g + 1, width + 4 * g, width + 4 * g + 1)]
    second = [x + 2 for x in first]
    return tuple(
        _shuffled(builder, low_half, high_half, order)
        for low_half, high_half, order in (
            (ab_low, cd_low, first), (ab_low, cd_low, second), (ab_high, cd_high, first), (ab_high, cd_high, second),
        )
    )  # fmt: skip


def as_rows(builder, columns):
    """Return the rows of four columns, one vector of four numbers each: `fetch_rows` backwards."""
    a, b, c, d = columns
    rows = []
    for first in range(0, a.type.count, 4):
        ab, cd = (_interleaved(builder, x, y, range(first, first + 4)) for x, y in ((a, b), (c, d)))
        rows += [_shuffled(builder, ab, cd, (2 * k, 2 * k + 1, 8 + 2 * k, 8 + 2 * k + 1)) for k in range(4)]
    return rows


def _row(builder, table, indices, lane: int, kind):
    index = builder.zext(builder.load(builder.gep(indices, [ir.Constant(I64, lane)])), I64)
    return load(builder, builder.gep(table, [builder.shl(index, ir.Constant(I64, 2))]), kind, 4)


def _joined(builder, rows):
    while len(rows) > 1:
        width = rows[0].type.count
        rows = [_shuffled(builder, rows[k], rows[k + 1], range(2 * width)) for k in range(0, len(rows), 2)]
    return rows[0]


def _interleaved(builder, a, b, order):
    width = a.type.count
    return _shuffled(builder, a, b, [x for k in order for x in (k, width + k)])


def _shuffled(builder, a, b, order):
    order = list(order)
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, len(order)), order))


def _part(builder, a, start: int, count: int):
    return _shuffled(builder, a, a, range(start, start + count))
