"""The engine's force loop by itself: on a liquid, in the first cache, with other ways to fetch, and the clock.

The loop takes a row of neighbors, several at a time, and per neighbor fetches a row of four numbers (the position)
and another (the curve). The variants exchange how rows are fetched while the loop is compiled, and keep the rest.
"""

import re
from collections import Counter

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from serving import OPTIONS, serve

import cg_data as cd
import cg_sim as cs
from cg_sim.engines.cpu.kernels import simd
from cg_sim.engines.cpu.kernels.forces_of_rows import LANES, double_kernel, single_kernel
from cg_sim.engines.cpu.kernels.simd import F32, F64, I32, I64

POINTS, ROW, ROWS, CURVE = 128, 64, 32, 256  # neighbors, their list and the curve fill two thirds of 32 KiB
SINGLE = OPTIONS["precision"] == "single"
KIND = np.float32 if SINGLE else np.float64
_PIECES = {I32: (8, "avx2.gather.d.d.256"), F32: (8, "avx2.gather.d.ps.256"), F64: (4, "avx2.gather.d.pd.256")}


def contiguous(builder, table, indices, kind):
    """Fetch what lies where the first index points: no look-up."""
    first = builder.zext(builder.extract_element(indices, ir.Constant(I32, 0)), I64)
    start, width = builder.shl(first, ir.Constant(I64, 2)), indices.type.count
    places = [builder.gep(table, [builder.add(start, ir.Constant(I64, k * width))]) for k in range(4)]
    return tuple(simd.load(builder, place, kind, width) for place in places)


def gathered(builder, table, indices, kind):
    """Fetch by the processor's own gather instructions."""
    piece, name = _PIECES[kind]
    vector = ir.VectorType(kind, piece)
    mask = builder.bitcast(ir.Constant(ir.VectorType(I64 if kind is F64 else I32, piece), [-1] * piece), vector)
    wide = builder.shl(indices, ir.Constant(indices.type, [2] * indices.type.count))
    found = []
    for column in range(4):
        base = builder.bitcast(builder.gep(table, [ir.Constant(I64, column)]), ir.IntType(8).as_pointer())
        parts = [
            simd.call(
                builder, f"llvm.x86.{name}", vector, ir.Constant(vector, ir.Undefined), base,
                _lanes(builder, wide, range(start, start + piece)), mask,
                ir.Constant(ir.IntType(8), 8 if kind is F64 else 4),
            )
            for start in range(0, indices.type.count, piece)
        ]  # fmt: skip
        while len(parts) > 1:
            both = range(2 * parts[0].type.count)
            parts = [_lanes(builder, a, both, b) for a, b in zip(parts[::2], parts[1::2], strict=True)]
        found.append(parts[0])
    return tuple(found)


def _lanes(builder, a, order, b=None):
    mask = ir.Constant(ir.VectorType(I32, len(order)), list(order))
    return builder.shuffle_vector(a, a if b is None else b, mask)


@intrinsic
def fetch_only(typing_context, points, i, neighbors, count, box, pairs, curve, shapes):
    """Sum what the two fetches bring, the curve's row taken by the neighbor's index: no arithmetic."""
    signature = types.UniTuple(types.float64, 4)(points, i, neighbors, count, box, pairs, curve, shapes)

    def generate(context, builder, signature, arguments):
        def data(k):
            return context.make_array(signature.args[k])(context, builder, arguments[k])

        kind, at = (F32 if SINGLE else F64), data(2)
        own = builder.gep(at.data, [builder.mul(arguments[1], builder.extract_value(at.shape, 1))])
        start = ir.Constant(ir.VectorType(kind, LANES), [0.0] * LANES)
        slots = [cgutils.alloca_once_value(builder, start) for _ in range(4)]
        limits = (ir.Constant(I64, 0), arguments[3], ir.Constant(I64, LANES), I64)
        with cgutils.for_range_slice(builder, *limits) as (k, _):
            indices = simd.load(builder, builder.gep(own, [k]), I32, LANES)
            place = simd.fetch_rows(builder, data(0).data, indices, I32 if SINGLE else F64)
            curve_row = simd.fetch_rows(builder, data(6).data, indices, kind)
            for slot, a, b in zip(slots, place, curve_row, strict=True):
                both = builder.fadd(builder.bitcast(a, b.type), b)
                builder.store(builder.fadd(builder.load(slot), both), slot)
        sums = [simd.total(builder, builder.load(slot)) for slot in slots]
        return context.make_tuple(builder, signature.return_type, sums)

    return signature, generate


def over_rows(kernel):
    """Return the loop over all rows, compiled now, while `simd.fetch_rows` is the variant's."""

    @njit(nogil=True, error_model="numpy")
    def loop(repeats, points, neighbors, counts, box, pairs, curve):
        total = 0.0
        for _ in range(repeats):
            for i in range(len(neighbors)):
                found = kernel(points, i, neighbors, counts[i], box, pairs, curve, np.int32(1))
                total += found[0] + found[1] + found[2] + found[3]
        return total

    return loop


def in_first_cache():
    rng = np.random.default_rng(1)
    fractions = rng.random((POINTS, 4))
    points = ((fractions - 0.5) * 2.0**32).astype(np.int32) if SINGLE else fractions
    points = np.concatenate([points, points])  # room for what `contiguous` reads beyond
    neighbors = rng.integers(0, POINTS, (ROWS, ROW)).astype(np.int32)
    counts = np.full(ROWS, ROW)
    box = np.diag(np.full(3, 5.0)).ravel() / (2.0**32 if SINGLE else 1.0)
    reach = 6.25 if SINGLE else 2.5
    pairs = np.array([[0.0, CURVE / reach, CURVE, 0.0]])
    curve = np.concatenate([rng.random((CURVE, 4)), np.zeros((LANES + 1, 4))])
    return points, neighbors, counts, box.astype(KIND), pairs.astype(KIND), curve.astype(KIND)


def in_a_liquid():
    start = np.load(OPTIONS["start"])
    state = cs.State(start["positions"], float(start["side"]), start["velocities"])
    forces = cd.as_interactions(cd.LennardJones(cutoff=2.5).table(1000))
    session = cs.engine("cpu")(cs.Job(state, forces, 1.0, 0.005, cs.Langevin(1.0), precision=OPTIONS["precision"]))
    session.advance(1000)
    session.advance(1)  # the list is made anew if the skin has changed
    box = session._geometry.of_integers if SINGLE else session._geometry.of_fractions
    counts = (session._neighbors.counts.astype(np.int64) + LANES - 1) // LANES * LANES
    return session._particles.points, session._neighbors.rows, counts, box, session._pairs.pairs, session._pairs.rows


def instructions(loop):
    """Return how many instructions of each sort the inner loop has per neighbor, from its assembly (x86)."""
    lines = next(iter(loop.inspect_asm().values())).splitlines()
    labels = {line[:-1]: k for k, line in enumerate(lines) if re.match(r"\.\w+:", line)}
    bodies = []
    for k, line in enumerate(lines):
        jump = re.match(r"\s+j\w+\s+(\.\w+)", line)
        if jump and labels.get(jump[1], k) < k:
            bodies.append((labels[jump[1]], k + 1))
    innermost = [a for a in bodies if not any(a is not b and a[0] <= b[0] and b[1] <= a[1] for b in bodies)]
    first, last = max(
        innermost, key=lambda body: sum(bool(re.match(r"\tv(fmadd|mul)\w+p[sd]", x)) for x in lines[slice(*body)])
    )
    counts = Counter(_sort(line.split()[0]) for line in lines[first:last] if re.match(r"\t[a-z]", line))
    return {sort: count / LANES for sort, count in counts.items()}


def _sort(name):
    if re.match(r"v(p?unpck|p?shuf|perm|pblend|p?insert[fi]|insert[fi]|extract[fi]|broadcast)", name):
        return "vector shuffles"
    if name in ("vmovd", "vmovq") or not name.startswith("v") or name.startswith("vpextr"):
        return "scalar"
    return "vector moves" if name.startswith(("vmov", "vpmov")) else "vector arithmetic"


def main():
    variant = OPTIONS["variant"]
    if variant == "clock":
        return serve(chain(), per_step=1_000_000, facts=dict)
    if variant in ("contiguous", "gathered"):
        simd.fetch_rows = {"contiguous": contiguous, "gathered": gathered}[variant]
    engines = (
        single_kernel(triclinic=False, typed=False)
        if SINGLE
        else double_kernel(triclinic=False, typed=False, energies=False)
    )
    loop = over_rows(fetch_only if variant == "fetch only" else engines)
    data = in_a_liquid() if variant == "liquid" else in_first_cache()
    loop(1, *data)
    facts = {"instructions": instructions(loop), "entries": float(data[2].mean())}
    return serve(lambda steps: loop(steps, *data), per_step=int(data[2].sum()), facts=lambda: facts)


def chain():
    """Return a loop of fused multiply-adds each of which waits for the one before."""

    @njit(fastmath={"contract"})
    def dependent(steps, x, a, b):
        for _ in range(steps * 1_000_000):
            x = x * a + b
        return x

    dependent(1, 1.0, 0.5, 0.5)
    return lambda steps: dependent(steps, 1.0, 0.5, 0.5)


main()
