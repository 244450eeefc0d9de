"""One large system: sort its particles by cell, and list the neighbors of each.

Cells are counted with atomics, whose order is anyone's guess; ranking each cell's particles by id makes the order of
all, and with it every sum, the same in every run.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import cuda, int32

from cg_sim.engines.cuda.packing import REACH2
from cg_sim.engines.cuda.pair_functions import flavor
from cg_sim.engines.cuda.particle_functions import Particles, fraction

STARTING_THREADS = 256


@cuda.jit
def count_particles(position, numbers, cells, cell_of, counts):
    """Find the cell of every particle, the first axis counted fastest, and add it to its cell's count."""
    i = cuda.grid(1)
    if i < position.shape[1]:
        c = 0
        for axis in range(2, -1, -1):
            k = np.int64(fraction(position, i, axis, numbers) * cells[axis])
            c = c * cells[axis] + min(k, cells[axis] - 1)
        cell_of[i] = c
        cuda.atomic.add(counts, c, 1)


@cuda.jit
def start_cells(counts, starts, cursors):
    """Write the running sum of `counts` to `starts`, one longer, and to `cursors`, and clear it: one block, a stretch per thread."""
    t, threads, total = cuda.threadIdx.x, cuda.blockDim.x, len(counts)
    sums = cuda.shared.array(0, int32)  # of the launch's size: the simulator makes a fixed one per thread, now and then
    stretch = (total + threads - 1) // threads
    own = 0
    for c in range(t * stretch, min((t + 1) * stretch, total)):
        own += counts[c]
    sums[t] = own
    cuda.syncthreads()
    here = 0
    for k in range(t):
        here += sums[k]
    for c in range(t * stretch, min((t + 1) * stretch, total)):
        starts[c] = here
        cursors[c] = here
        here += counts[c]
        counts[c] = 0
    if t == threads - 1:
        starts[total] = here


@cuda.jit
def fill_cells(cell_of, cursors, order):
    i = cuda.grid(1)
    if i < len(cell_of):
        order[cuda.atomic.add(cursors, cell_of[i], 1)] = i


@cuda.jit
def rank_cells(starts, ids, order):
    """Sort the particles of each cell by id, by insertion: a cell holds few."""
    c = cuda.grid(1)
    if c < len(starts) - 1:
        for a in range(starts[c] + 1, starts[c + 1]):
            i = order[a]
            b = a - 1
            while b >= starts[c] and ids[order[b]] > ids[i]:
                order[b + 1] = order[b]
                b -= 1
            order[b + 1] = i


@cuda.jit
def sort_particles(
    order, position, velocity, mass, kind, ids, new_position, new_velocity, new_mass, new_kind, new_ids, reference
):
    """Copy what particles carry along in the order of cells; positions become the list's reference."""
    i = cuda.grid(1)
    if i < len(order):
        o = order[i]
        for k in range(3):
            new_position[k, i] = position[k, o]
            reference[k, i] = position[k, o]
            new_velocity[k, i] = velocity[k, o]
        new_mass[i], new_kind[i], new_ids[i] = mass[o], kind[o], ids[o]


@cache
def list_kernel(*, single: bool, triclinic: bool) -> Any:
    """Return the kernel that writes one row of neighbors per particle, and the longest to status[at]."""
    f = flavor(single=single, triclinic=triclinic, typed=False, planes=False)
    offset, factors, real = f.offset, f.factors, f.real

    @cuda.jit(device=True)
    def append(i, n, first, end, points, box, reach2, rows, count):
        x, y, z = points[4 * i], points[4 * i + 1], points[4 * i + 2]
        for j in range(first, end):
            dx, dy, dz = offset(x, y, z, points[4 * j], points[4 * j + 1], points[4 * j + 2], box)
            if dx * dx + dy * dy + dz * dz < reach2 and j != i:
                if count * n + i < len(rows):
                    rows[count * n + i] = j
                count += 1
        return count

    @cuda.jit
    def list_neighbors(order, cell_of, cells, starts, points, numbers, rows, counts, status, at):
        i, n = cuda.grid(1), len(order)
        if i < n:
            box, reach2 = factors(numbers), real(numbers[REACH2])
            nx, ny, nz = cells[0], cells[1], cells[2]
            c = cell_of[order[i]]
            cx, cy, cz = c % nx, c // nx % ny, c // (nx * ny)
            count = 0
            for kz in range(min(3, nz)):
                z = (cz + kz + nz - 1) % nz if nz > 3 else kz
                for ky in range(min(3, ny)):
                    y = (cy + ky + ny - 1) % ny if ny > 3 else ky
                    for kx in range(min(3, nx)):
                        x = (cx + kx + nx - 1) % nx if nx > 3 else kx
                        home = (z * ny + y) * nx + x
                        count = append(i, n, starts[home], starts[home + 1], points, box, reach2, rows, count)
            counts[i] = count
            cuda.atomic.max(status, at, count)

    return list_neighbors


@cache
def place_kernel(*, single: bool) -> Any:
    """Return the kernel that writes the points of all particles."""
    place = flavor(single=single, triclinic=False, typed=False, planes=False).place

    @cuda.jit
    def place_all(position, kind, numbers, points):
        i, n = cuda.grid(1), position.shape[1]
        if i < n:
            p = Particles(position, position, position, position, kind, kind)
            place(points, i, n, p, i, numbers)

    return place_all
