"""The inner loop: the force on one particle from its padded row of neighbors, 8 at a time.

Positions are fractions of the box: in single precision 32-bit integers (fraction · 2³²), whose differences wrap
around to the nearest image by themselves and resolve 2⁻³² of the box; in double precision float64, reduced by
rint. A row of neighbors is padded with the particle's own index; its own entry is sent beyond the cutoff.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from cg_sim.engines.cpu.kernels import simd
from cg_sim.engines.cpu.kernels.simd import F32, F64, I32, I64

LANES = 8  # neighbors taken together: more in single precision gained nothing and pads more
_FAR = 1e30


ARGUMENTS = ("points", "i", "neighbors", "count", "box", "pairs", "curve", "shapes")


class Row:
    """The arguments of a row kernel as LLVM values, and the steps that all of them share."""

    def __init__(self, context, builder, signature, arguments, names=ARGUMENTS, *, width, kind, triclinic, typed):
        self.builder, self.width, self.kind, self.triclinic, self.typed = builder, width, kind, triclinic, typed
        values = dict(zip(names, arguments, strict=True))
        kinds = dict(zip(names, signature.args, strict=True))
        arrays = {
            name: context.make_array(kinds[name])(context, builder, value)
            for name, value in values.items()
            if isinstance(kinds[name], types.Array)
        }
        self.values = values | {name: array.data for name, array in arrays.items()}
        self.i, self.count = values["i"], values["count"]
        self.points, self.pairs, self.curve = (self.values[name] for name in ("points", "pairs", "curve"))
        stride = builder.extract_value(arrays["neighbors"].shape, 1)
        self.list = builder.gep(self.values["neighbors"], [builder.mul(self.i, stride)])
        cell = self.values["box"]
        self.box = [simd.splat(builder, self._number(cell, k), width) for k in range(9)]
        self.kinds = values["shapes"]

    def _number(self, pointer, k):
        return self.builder.load(self.builder.gep(pointer, [ir.Constant(I64, k)]))

    def splat(self, value):
        return simd.splat(self.builder, value, self.width)

    def constant(self, value):
        return simd.constant(self.kind, value, self.width)

    def floats(self, integers):
        return self.builder.sitofp(integers, ir.VectorType(self.kind, self.width))

    def cartesian(self, s):
        """Return fractional differences as Cartesian ones: d = s·H."""
        b, h = self.builder, self.box
        if not self.triclinic:
            return tuple(b.fmul(s[k], h[4 * k]) for k in range(3))
        return tuple(simd.fma(b, s[0], h[k], simd.fma(b, s[1], h[3 + k], b.fmul(s[2], h[6 + k]))) for k in range(3))

    def square(self, d):
        b = self.builder
        return simd.fma(b, d[0], d[0], simd.fma(b, d[1], d[1], b.fmul(d[2], d[2])))

    def shape(self, center_type, other_type):
        """Return (start, 1/spacing, number of rows, first row) of the curve for this pair of types."""
        if not self.typed:
            return tuple(self.splat(self._number(self.pairs, k)) for k in range(4))
        b = self.builder
        base = simd.splat(b, b.mul(center_type, self.kinds), self.width)
        return simd.fetch_rows(b, self.pairs, b.add(base, other_type), self.kind)

    def locate(self, x, shape):
        """Return the curve's row, the position in it, and how far argument x is beyond the curve's start."""
        b = self.builder
        start, scale, last, first = shape
        beyond = b.fsub(x, start)
        place = b.fmul(beyond, scale)
        place = simd.smaller(b, simd.larger(b, place, self.constant(0.0)), last)
        whole = b.fptosi(place, ir.VectorType(I32, self.width))
        t = b.fsub(place, self.floats(whole))
        return b.add(whole, b.fptosi(first, ir.VectorType(I32, self.width))), t, beyond

    def over_neighbors(self, step, sums):
        """Run `step(indices) -> increments` over the row, adding to `sums` accumulators; the last two are minima."""
        b = self.builder
        slots = [cgutils.alloca_once_value(b, self.constant(0.0)) for _ in range(sums)]
        slots += [cgutils.alloca_once_value(b, self.constant(_FAR)) for _ in range(2)]
        with cgutils.for_range_slice(b, ir.Constant(I64, 0), self.count, ir.Constant(I64, self.width), I64) as (k, _):
            increments = step(simd.load(b, b.gep(self.list, [k]), I32, self.width))
            for slot, increment in zip(slots[:-2], increments[:-2], strict=True):
                b.store(b.fadd(b.load(slot), increment), slot)
            for slot, value in zip(slots[-2:], increments[-2:], strict=True):
                b.store(simd.smaller(b, b.load(slot), value), slot)
        values = [simd.total(b, b.load(slot)) for slot in slots[:-2]]
        return [*values, *(simd.least(b, b.load(slot)) for slot in slots[-2:])]


def _single(row: Row):
    b = row.builder
    center = simd.load(b, b.gep(row.points, [b.shl(row.i, ir.Constant(I64, 2))]), I32, 4)
    here = [b.extract_element(center, ir.Constant(I32, k)) for k in range(4)]
    own = row.splat(b.trunc(row.i, I32))

    def step(indices):
        *other, kind = simd.fetch_rows(b, row.points, indices, I32)
        s = [row.floats(b.sub(row.splat(mine), theirs)) for mine, theirs in zip(here[:3], other, strict=True)]
        d = row.cartesian(s)
        r2 = row.square(d)
        r2 = b.select(b.icmp_signed("==", indices, own), row.constant(_FAR), r2)
        at, t, beyond = row.locate(r2, row.shape(here[3], kind))
        c0, c1, c2, c3 = simd.fetch_rows(b, row.curve, at, F32)
        w = simd.fma(b, simd.fma(b, simd.fma(b, c3, t, c2), t, c1), t, c0)
        return [*(b.fmul(w, x) for x in d), beyond, r2]

    return row.over_neighbors(step, 3)


def _double(row: Row, energies: bool):
    b = row.builder
    center = simd.load(b, b.gep(row.points, [b.shl(row.i, ir.Constant(I64, 2))]), F64, 4)
    here = [b.extract_element(center, ir.Constant(I32, k)) for k in range(4)]
    own = row.splat(b.trunc(row.i, I32))
    integers = ir.VectorType(I32, row.width)

    def step(indices):
        *other, kind = simd.fetch_rows(b, row.points, indices, F64)
        s = [b.fsub(row.splat(mine), theirs) for mine, theirs in zip(here[:3], other, strict=True)]
        s = [b.fsub(x, simd.unary(b, "rint", x)) for x in s]
        d = row.cartesian(s)
        r2 = row.square(d)
        r2 = b.select(b.icmp_signed("==", indices, own), row.constant(_FAR), r2)
        r = simd.unary(b, "sqrt", r2)
        shape = row.shape(b.fptosi(here[3], I32), b.fptosi(kind, integers))
        at, t, beyond = row.locate(r, shape)
        c0, c1, c2, c3 = simd.fetch_rows(b, row.curve, at, F64)
        slope = simd.fma(b, simd.fma(b, b.fmul(c3, row.constant(3.0)), t, b.fmul(c2, row.constant(2.0))), t, c1)
        w = b.fneg(b.fdiv(b.fmul(slope, shape[1]), simd.larger(b, r, row.constant(1e-30))))
        f = [b.fmul(w, x) for x in d]
        if not energies:
            return [*f, beyond, r2]
        u = simd.fma(b, simd.fma(b, simd.fma(b, c3, t, c2), t, c1), t, c0)
        products = [b.fmul(f[p], d[q]) for p, q in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))]
        products = [b.select(b.fcmp_ordered("<", r2, row.constant(0.5 * _FAR)), x, row.constant(0.0)) for x in products]
        return [*f, u, *products, beyond, r2]

    return row.over_neighbors(step, 10 if energies else 3)


def _kernel(body, values: int, *, width: int, kind, triclinic: bool, typed: bool):
    @intrinsic
    def row_kernel(typing_context, points, i, neighbors, count, box, pairs, curve, shapes):
        signature = types.UniTuple(types.float64, values)(points, i, neighbors, count, box, pairs, curve, shapes)

        def generate(context, builder, signature, arguments):
            row = Row(context, builder, signature, arguments, width=width, kind=kind, triclinic=triclinic, typed=typed)
            return context.make_tuple(builder, signature.return_type, body(row))

        return signature, generate

    return row_kernel


def single_kernel(*, triclinic: bool, typed: bool):
    """Return f(points, i, neighbors, count, box, pairs, curve, types) → (fx, fy, fz, least, min r²), single precision.

    `least` is the smallest argument minus its curve's start: negative if a pair is nearer than its curve allows.
    """
    return _kernel(_single, 5, width=LANES, kind=F32, triclinic=triclinic, typed=typed)


def double_kernel(*, triclinic: bool, typed: bool, energies: bool):
    """Return the same in double precision; with `energies` (fx, fy, fz, u, xx, yy, zz, xy, xz, yz, least, min r²), all sums
    over the full row (each pair is seen twice by a sum over particles)."""

    def body(row):
        return _double(row, energies)

    return _kernel(body, 12 if energies else 5, width=LANES, kind=F64, triclinic=triclinic, typed=typed)
