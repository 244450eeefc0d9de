"""The neighbor list's inner loop: test a run of consecutive candidates, 16 at a time, and keep those in reach."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from cg_sim.engines.cpu.kernels import simd
from cg_sim.engines.cpu.kernels.simd import F32, I32, I64

_LANES = 16


def _lister(*, triclinic: bool):
    @intrinsic
    def list_row(typing_context, grid, i, runs, count, box, reach2, rows):
        """Write into row i of `rows` every j ≠ i of the runs that is nearer than √reach2; return how many there are.

        `grid` is (3, n + 16) int32: fractions · 2³²; `runs[2k], runs[2k + 1]` are the first and the end of run k of
        `count`. Nothing is written beyond the row's end; the counting goes on.
        """
        signature = types.intp(grid, i, runs, count, box, reach2, rows)

        def generate(context, builder, signature, arguments):
            return _Row(context, builder, signature, arguments, triclinic).found()

        return signature, generate

    return list_row


class _Row:
    def __init__(self, context, builder, signature, arguments, triclinic):
        self.builder, self.triclinic = builder, triclinic
        grid, self.i, runs, self.runs, box, reach2, rows = arguments
        kinds = signature.args
        points = context.make_array(kinds[0])(context, builder, grid)
        stride = builder.extract_value(points.shape, 1)
        self.axes = [builder.gep(points.data, [builder.mul(ir.Constant(I64, k), stride)]) for k in range(3)]
        self.bounds = context.make_array(kinds[2])(context, builder, runs).data
        cell = context.make_array(kinds[4])(context, builder, box).data
        self.box = [simd.splat(builder, self._load(cell, ir.Constant(I64, k)), _LANES) for k in range(9)]
        table = context.make_array(kinds[6])(context, builder, rows)
        self.capacity = builder.extract_value(table.shape, 1)
        self.row = builder.gep(table.data, [builder.mul(self.i, self.capacity)])
        self.reach2 = simd.splat(builder, builder.fptrunc(reach2, F32), _LANES)
        self.here = [simd.splat(builder, self._load(axis, self.i), _LANES) for axis in self.axes]
        self.own = simd.splat(builder, builder.trunc(self.i, I32), _LANES)

    def _load(self, pointer, k):
        return self.builder.load(self.builder.gep(pointer, [k]))

    def found(self):
        b, one = self.builder, ir.Constant(I64, 1)
        self.count = cgutils.alloca_once_value(b, ir.Constant(I64, 0))
        with cgutils.for_range(b, self.runs) as run:
            at = b.shl(run.index, one)
            self._append(self._load(self.bounds, at), self._load(self.bounds, b.add(at, one)))
        return b.load(self.count)

    def _append(self, first, end):
        b = self.builder
        limit = simd.splat(b, b.trunc(end, I32), _LANES)
        lanes = ir.Constant(ir.VectorType(I32, _LANES), list(range(_LANES)))
        with cgutils.for_range_slice(b, first, end, ir.Constant(I64, _LANES), I64) as (j, _):
            indices = b.add(simd.splat(b, b.trunc(j, I32), _LANES), lanes)
            near = b.fcmp_ordered("<", self._square(j), self.reach2)
            near = b.and_(near, b.icmp_signed("<", indices, limit))
            near = b.and_(near, b.icmp_signed("!=", indices, self.own))
            packed = simd.call(
                b, "llvm.experimental.vector.compress.v16i32", indices.type, indices, near, self.own
            )  # fmt: skip
            at = b.load(self.count)
            with b.if_then(b.icmp_signed("<=", b.add(at, ir.Constant(I64, _LANES)), self.capacity)):
                simd.store(b, packed, b.gep(self.row, [at]))
            hits = b.zext(b.ctpop(b.bitcast(near, ir.IntType(_LANES))), I64)
            b.store(b.add(at, hits), self.count)

    def _square(self, j):
        b, h = self.builder, self.box
        float_type = ir.VectorType(F32, _LANES)
        s = [
            b.sitofp(b.sub(mine, simd.load(b, b.gep(axis, [j]), I32, _LANES)), float_type)
            for mine, axis in zip(self.here, self.axes, strict=True)
        ]
        if self.triclinic:
            d = [simd.fma(b, s[0], h[k], simd.fma(b, s[1], h[3 + k], b.fmul(s[2], h[6 + k]))) for k in range(3)]
        else:
            d = [b.fmul(s[k], h[4 * k]) for k in range(3)]
        return simd.fma(b, d[0], d[0], simd.fma(b, d[1], d[1], b.fmul(d[2], d[2])))


row_orthorhombic = _lister(triclinic=False)
row_triclinic = _lister(triclinic=True)
