"""The inner loops over a half list, 8 pairs at a time: forces, how many pairs lie where on the tables, and what a loss
says of positions and table rows.

Particles and their adjoints are rows of four numbers, so that a pair's share of its second particle is one addition.
A row of the list is padded with the particle's own index: such a pair is sent beyond the cutoff, where a row of zeros
ends every table, as every pair is that is listed but too far.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"
from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from cg_sim.engines.cpu.kernels import simd
from cg_sim.engines.cpu.kernels.forces_of_rows import ARGUMENTS, LANES, Row
from cg_sim.engines.cpu.kernels.simd import F64, I32, I64

_FAR = 1e30


class _HalfRow(Row):
    """A row of the list: its loop, and the pair's geometry and curve."""

    def run(self, step, sums: int, minima: int):
        """Call `step(indices) → sums and minima` over the row; return the totals."""
        b = self.builder
        slots = [cgutils.alloca_once_value(b, self.constant(0.0)) for _ in range(sums)]
        lows = [cgutils.alloca_once_value(b, self.constant(_FAR)) for _ in range(minima)]
        for slot in slots:
            b.store(self.constant(0.0), slot)
        for low in lows:
            b.store(self.constant(_FAR), low)
        with cgutils.for_range_slice(b, ir.Constant(I64, 0), self.count, ir.Constant(I64, self.width), I64) as (k, _):
            found = step(simd.load(b, b.gep(self.list, [k]), I32, self.width))
            for slot, value in zip(slots, found[:sums], strict=True):
                b.store(b.fadd(b.load(slot), value), slot)
            for low, value in zip(lows, found[sums:], strict=True):
                b.store(simd.smaller(b, b.load(low), value), low)
        return [*(simd.total(b, b.load(s)) for s in slots), *(simd.least(b, b.load(low)) for low in lows)]

    def pair(self, indices):
        """Return d = x_i − x_j, r, 1/r, 1/spacing, the curve's rows, the place t in them, and r beyond the curve's start."""
        b = self.builder
        center = simd.load(b, b.gep(self.points, [b.shl(self.i, ir.Constant(I64, 2))]), F64, 4)
        here = [b.extract_element(center, ir.Constant(I32, k)) for k in range(4)]
        *other, kind = simd.fetch_rows(b, self.points, indices, F64)
        s = [b.fsub(self.splat(mine), theirs) for mine, theirs in zip(here[:3], other, strict=True)]
        d = self.cartesian([b.fsub(x, simd.unary(b, "rint", x)) for x in s])
        own = self.splat(b.trunc(self.i, I32))
        r2 = b.select(b.icmp_signed("==", indices, own), self.constant(_FAR), self.square(d))
        r = simd.unary(b, "sqrt", r2)
        shape = self.shape(b.fptosi(here[3], I32), b.fptosi(kind, ir.VectorType(I32, self.width)))
        at, t, beyond = self.locate(r, shape)
        return d, r, b.fdiv(self.constant(1.0), r), shape[1], at, t, beyond

    def force(self, at, t, per):
        """Return the curve's coefficients and F(r) = −U′."""
        b = self.builder
        c0, c1, c2, c3 = simd.fetch_rows(b, self.curve, at, F64)
        slope = simd.fma(b, simd.fma(b, b.fmul(c3, self.constant(3.0)), t, b.fmul(c2, self.constant(2.0))), t, c1)
        return (c0, c1, c2, c3), b.fneg(b.fmul(slope, per))

    def scatter(self, name, indices, vectors):
        """Add the lanes of four vectors (None: zeros) to the rows `indices` of the array `name`."""
        b, pointer = self.builder, self.values[name]
        rows = simd.as_rows(b, [self.constant(0.0) if v is None else v for v in vectors])
        for lane, row in enumerate(rows):
            index = b.zext(b.extract_element(indices, ir.Constant(I32, lane)), I64)
            at = b.gep(pointer, [b.shl(index, ir.Constant(I64, 2))])
            simd.store(b, b.fadd(simd.load(b, at, F64, 4), row), at, align=8)


def _forces(row: _HalfRow):
    b = row.builder

    def step(indices):
        d, r, inverse, per, at, t, beyond = row.pair(indices)
        (c0, c1, c2, c3), force = row.force(at, t, per)
        s = b.fmul(force, inverse)
        f = [b.fmul(s, x) for x in d]
        row.scatter("forces", indices, [*(b.fneg(x) for x in f), None])
        u = simd.fma(b, simd.fma(b, simd.fma(b, c3, t, c2), t, c1), t, c0)
        return [*f, u, b.fmul(force, r), beyond]

    return row.run(step, 5, 1)


def _deposit(row: _HalfRow):
    b = row.builder

    def step(indices):
        _, _, _, _, at, t, beyond = row.pair(indices)
        t2 = b.fmul(t, t)
        row.scatter("sums", at, [row.constant(1.0), t, t2, b.fmul(t2, t)])
        return [beyond]

    return row.run(step, 0, 1)


def _transpose(row: _HalfRow):
    b = row.builder
    g_energy, g_virial = (row.splat(row.values[name]) for name in ("g_energy", "g_virial"))
    mine = simd.load(b, b.gep(row.values["g_forces"], [b.shl(row.i, ir.Constant(I64, 2))]), F64, 4)
    mine = [row.splat(b.extract_element(mine, ir.Constant(I32, k))) for k in range(3)]

    def step(indices):
        d, r, inverse, per, at, t, _ = row.pair(indices)
        (_, _, c2, c3), force = row.force(at, t, per)
        s = b.fmul(force, inverse)
        f = [b.fmul(s, x) for x in d]
        row.scatter("forces", indices, [*(b.fneg(x) for x in f), None])
        theirs = simd.fetch_rows(b, row.values["g_forces"], indices, F64)
        apart = [b.fsub(x, y) for x, y in zip(mine, theirs[:3], strict=True)]
        along = simd.fma(b, d[0], apart[0], simd.fma(b, d[1], apart[1], b.fmul(d[2], apart[2])))
        along = b.fmul(along, inverse)
        slope = simd.fma(b, b.fmul(c3, row.constant(3.0)), t, c2)  # −F′ = 2 · this / spacing²
        slope = b.fmul(b.fmul(slope, row.constant(-2.0)), b.fmul(per, per))
        q = b.fmul(b.fmul(along, b.fsub(slope, s)), inverse)
        q = simd.fma(b, g_virial, b.fadd(s, slope), b.fsub(q, b.fmul(g_energy, s)))
        h = [simd.fma(b, s, y, b.fmul(q, x)) for x, y in zip(d, apart, strict=True)]
        row.scatter("g_x", indices, [*(b.fneg(x) for x in h), None])
        w = b.fneg(b.fmul(simd.fma(b, g_virial, r, along), per))
        g1 = simd.fma(b, g_energy, t, w)
        g2 = b.fmul(t, b.fadd(g1, w))
        g3 = b.fmul(b.fmul(t, t), b.fadd(g1, b.fmul(row.constant(2.0), w)))
        row.scatter("g_rows", at, [g_energy, g1, g2, g3])
        return [*f, *h]

    return row.run(step, 6, 0)


def _kernel(body, names: tuple[str, ...], results: int, *, triclinic: bool, typed: bool):
    """Return the intrinsic of these arguments."""

    def generated(signature):
        def generate(context, builder, signature, arguments):
            row = _HalfRow(context, builder, signature, arguments, names, width=LANES, kind=F64, triclinic=triclinic,
                           typed=typed)  # fmt: skip
            return context.make_tuple(builder, signature.return_type, body(row))

        return signature, generate

    float_, tuple_ = types.float64, types.UniTuple(types.float64, results)
    if len(names) == len(ARGUMENTS) + 1:

        @intrinsic
        def adding(typing, points, i, neighbors, count, box, pairs, curve, shapes, to):
            return generated(tuple_(points, i, neighbors, count, box, pairs, curve, shapes, to))

        return adding

    @intrinsic
    def transpose(
        typing, points, i, neighbors, count, box, pairs, curve, shapes, forces, g_forces, g_energy, g_virial, g_x, g_rows
    ):  # fmt: skip
        return generated(tuple_(points, i, neighbors, count, box, pairs, curve, shapes, forces, g_forces, float_, float_,
                                g_x, g_rows))  # fmt: skip

    return transpose


def forces_kernel(*, triclinic: bool, typed: bool):
    """Return f(points, i, neighbors, count, box, pairs, curve, types, forces) → (fx, fy, fz, u, Σ r F, least).

    The share of i's partners is added to `forces`; i's own is returned. `least` is negative if a pair is nearer than its
    curve allows.
    """
    return _kernel(_forces, (*ARGUMENTS, "forces"), 6, triclinic=triclinic, typed=typed)


def deposit_kernel(*, triclinic: bool, typed: bool):
    """Return f(points, i, neighbors, count, box, pairs, curve, types, sums) → (least,): Σ (1, t, t², t³) of the pairs that lie
    on each row of the curve is added to `sums`."""
    return _kernel(_deposit, (*ARGUMENTS, "sums"), 1, triclinic=triclinic, typed=typed)


def transpose_kernel(*, triclinic: bool, typed: bool):
    """Return f(…, forces, g_forces, g_energy, g_virial, g_x, g_rows) → (fx, fy, fz, gx, gy, gz), added to likewise."""
    names = (*ARGUMENTS, "forces", "g_forces", "g_energy", "g_virial", "g_x", "g_rows")
    return _kernel(_transpose, names, 6, triclinic=triclinic, typed=typed)
