"""Sort the particles in space and list their neighbors: done by all threads together, between barriers."""

# mypy: disable-error-code="no-untyped-def,untyped-decorator"
from __future__ import annotations

import math

import numpy as np
from numba import njit

from cg_sim.engines.cpu.kernels.barrier import wait
from cg_sim.engines.cpu.kernels.cells import count_cells, list_orthorhombic, list_triclinic, sort_by_cell, to_grid

_compiled = njit(nogil=True, error_model="numpy")


@_compiled
def _gather_vectors(lo, hi, a, scratch, order):
    for k in range(3):
        for i in range(np.uint64(lo), np.uint64(hi)):
            scratch[k, i] = a[k, order[i]]


@_compiled
def _copy_vectors(lo, hi, a, scratch):
    for k in range(3):
        for i in range(np.uint64(lo), np.uint64(hi)):
            a[k, i] = scratch[k, i]


@_compiled
def _permute_vectors(lo, hi, a, scratch, order, sync, threads):
    _gather_vectors(lo, hi, a, scratch, order)
    wait(sync, threads)
    _copy_vectors(lo, hi, a, scratch)
    wait(sync, threads)


@_compiled
def _permute_scalars(lo, hi, p, order, sync, threads):
    for i in range(np.uint64(lo), np.uint64(hi)):
        p.scratch[0, i] = p.mass[order[i]]
        p.scratch[1, i] = p.kind[order[i]]
        p.scratch[2, i] = p.id[order[i]]
    wait(sync, threads)
    for i in range(np.uint64(lo), np.uint64(hi)):
        p.mass[i] = p.scratch[0, i]
        p.kind[i] = int(p.scratch[1, i])
        p.id[i] = int(p.scratch[2, i])


@_compiled
def box_widths(geometry, out):
    for k in range(3):
        column = geometry.inverse[:, k]
        out[k] = 1 / math.sqrt(column[0] ** 2 + column[1] ** 2 + column[2] ** 2)


@_compiled
def rebuild(thread, threads, lo, hi, p, list_, geometry, triclinic, reach, widths, shared):
    """Sort, list all pairs nearer than reach = (wanted, least); return the width of row needed and the distance kept.

    In a tilted box the nearest image is only found up to half the smallest width: lists reach no further there.
    `scratch` is overwritten, and forces are not permuted: they are computed next.
    """
    if thread == 0:
        box_widths(geometry, widths)
        count_cells(widths, reach[0], len(list_.starts) - 1, list_.cells)
        sort_by_cell(p.position, geometry.inverse, list_.cells, list_.order, list_.starts, list_.cell_of)
    wait(shared.sync, threads)
    for a in (p.position, p.velocity):
        _permute_vectors(lo, hi, a, p.scratch, list_.order, shared.sync, threads)
    _permute_scalars(lo, hi, p, list_.order, shared.sync, threads)
    _copy_vectors(lo, hi, p.reference, p.position)
    to_grid(lo, hi, p.position, geometry.inverse, list_.grid)
    wait(shared.sync, threads)
    lines = list_.cells[1] * list_.cells[2]
    first, last = lines * thread // threads, lines * (thread + 1) // threads
    a, b, c, d, e, f = list_.grid, list_.cells, list_.starts, geometry.of_integers, list_.rows, list_.counts
    kept = reach[0]
    if triclinic:
        kept = max(min(kept, 0.5 * min(widths[0], widths[1], widths[2])), reach[1])
    reach2 = kept * kept * (1 + 1e-6)  # distances are single precision here
    if triclinic:
        shared.longest[thread, 0] = list_triclinic(first, last, a, b, c, d, reach2, e, f)
    else:
        shared.longest[thread, 0] = list_orthorhombic(first, last, a, b, c, d, reach2, e, f)
    wait(shared.sync, threads)
    needed = 0
    for k in range(threads):
        needed = max(needed, shared.longest[k, 0])
    return needed, kept
