"""Sums over pairs whose order the GPU chooses, the same bits every time: whole numbers, whose sum no order changes.

What a step's pairs say of the tables' rows is rounded to multiples of a unit, a power of two that the largest possible
sum over this step's pairs allows, and added to 64-bit integers. Every step these go to sums in double precision, each by the
one thread that owns it. The unit is 2⁻⁶² of the largest possible sum: with 10³ particles rounding is about 10⁻¹² of the
largest share of a pair. (A copy of the rows per thread would need hundreds of times the memory, and atomics on doubles give
other last bits in every run.)
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"
from __future__ import annotations

import math

import numpy as np
from numba import cuda

from cg_sim.differentiable.cuda.packing import CUTOFF, ROW, ROWS, STEEPEST
from cg_sim.engines.cuda.packing import N

_BITS = 62  # of a signed integer, one spared for rounding
_CEILING = 2.0**_BITS
_LARGEST = 1e280  # what is more ends as NaN
_LEAST = -900  # exponents whose unit and its inverse are numbers


@cuda.jit(device=True)
def unit_and_scale(largest, g_energy, g_virial, whole, numbers):
    """Return the unit for adjoints of forces of at most `largest` and its inverse: NaN and zero if there is none."""
    w = (abs(g_virial) * numbers[CUTOFF] + 2.0 * largest) * numbers[STEEPEST]
    total = (abs(g_energy) + 3.0 * w) * whole[N] * whole[N]
    if not total < _LARGEST:
        return math.nan, 0.0
    _, exponent = math.frexp(total)
    bits = max(exponent, _LEAST) - _BITS
    return math.ldexp(1.0, bits), math.ldexp(1.0, -bits)


@cuda.jit(device=True)
def add(fixed, row, t, g_energy, w, scale):
    """Add g_energy (1, t, t², t³) + w (0, 1, 2t, 3t²), in units of 1/scale, to a row of `fixed`."""
    if g_energy != 0.0:
        _add(fixed, row, 0, g_energy * scale)
    g1 = g_energy * t + w
    _add(fixed, row, 1, g1 * scale)
    _add(fixed, row, 2, t * (g1 + w) * scale)
    _add(fixed, row, 3, t * t * (g1 + 2.0 * w) * scale)


@cuda.jit(device=True)
def _add(fixed, row, k, units):
    if abs(units) < _CEILING and units != 0.0:  # no NaN
        cuda.atomic.add(fixed, (row, k), np.int64(math.floor(units + 0.5)))


@cuda.jit(device=True)
def drain(t, threads, fixed, rows, whole, unit):
    """Add the sums to those in double precision and begin again at zero."""
    for row in range(whole[ROW] + t, whole[ROW] + whole[ROWS], threads):
        for k in range(4):
            rows[row, k] += fixed[row, k] * unit
            fixed[row, k] = 0
