"""Environment vectors and their slopes on the CPU: pairs of neighbors are looked at one by one, and nothing of them is kept.

Angular terms of two neighbors at r and r′ are products of numbers of a neighbor alone, found once, and two of the pair: with
a = r − c, exp(−η ((r + r′)/2 − s)²) = q_s(a) q_s(a′) exp(−η a a′/2) with q_s(a) = exp(−η (a²/4 − s a + s²/2)), s counted from c;
and 2 ((1 + cos(θ − φ))/2)^ζ of all sections φ are quintics of cos θ side by side. Gaussians at evenly spaced shifts follow from
two exponentials.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numba
import numpy as np

from cg_models.many_body.environment import COSINE_SCALE, RADIAL_SCALE, Environment
from cg_models.many_body.lanes import lane, load, store, total

_STEPS, _LARGEST = 64, 40  # of the table of exponentials: per unit, and the largest exponent
_INTERVALS = 512
_NEGLIGIBLE = 27.0  # exp(−27) = 2e-12: Gaussians further out are left out


class Curves(NamedTuple):
    """An Environment as kernels read it; `around` (interval, 6, section) are coefficients of t ∈ [0, 1) on −1 ≤ cos θ ≤ 1."""

    radial_cutoff: float
    radial_eta: float
    radial_first: float
    radial_spacing: float
    radial_shifts: int
    reach: int
    angular_cutoff: float
    angular_eta: float
    center: float
    angular_first: float
    angular_spacing: float
    around: Any
    exponentials: Any


def curves_of(environment: Environment) -> Curves | None:
    """Return what kernels read; None if shifts are not even or terms too narrow."""
    center, radial, angular = (
        environment.angular_cutoff / 2,
        _spacing(environment.radial_shifts),
        _spacing(environment.angular_shifts),
    )
    if not radial or not angular or environment.angular_eta * center**2 / 2 > _LARGEST - 1:
        return None
    reach = math.ceil(math.sqrt(_NEGLIGIBLE / environment.radial_eta) / radial - 0.5)
    return Curves(
        environment.radial_cutoff, environment.radial_eta, environment.radial_shifts[0], radial,
        len(environment.radial_shifts), reach, environment.angular_cutoff, environment.angular_eta, center,
        environment.angular_shifts[0] - center, angular, around(environment),
        np.exp(np.arange(-_LARGEST * _STEPS, _LARGEST * _STEPS + 1) / _STEPS),
    )  # fmt: skip


def around(environment: Environment, intervals: int = _INTERVALS) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return quintics (interval, 6, section) with values and slopes of the terms at ends and middles of intervals."""
    x = COSINE_SCALE * np.linspace(-1, 1, 2 * intervals + 1)[:, None]
    turned = np.arccos(x) - np.array(environment.sections)
    y, zeta = (1 + np.cos(turned)) / 2, environment.zeta
    value = 2 * y**zeta
    slope = zeta * y ** (zeta - 1) * np.sin(turned) * COSINE_SCALE / np.sqrt(1 - x**2) * (2 / intervals)
    powers, t = np.arange(6), np.array([[0.0], [0.5], [1.0]])
    conditions = np.concatenate([t**powers, powers * t ** np.maximum(powers - 1, 0)])
    given = np.stack([found[k : k + 2 * intervals : 2] for found in (value, slope) for k in range(3)])
    solved = np.linalg.solve(conditions, given.reshape(6, -1)).reshape(given.shape)
    return np.ascontiguousarray(solved.transpose(1, 0, 2))


def _spacing(shifts: tuple[float, ...]) -> float:
    """Return the distance between evenly spaced shifts, 1 of one alone, 0 if they are not."""
    steps = np.diff(shifts) if len(shifts) > 1 else np.ones(1)
    return float(np.mean(steps)) if steps[0] > 0 and np.ptp(steps) < 1e-5 * steps[0] else 0.0


@numba.njit(inline="always")
def _exp(y: Any, table: Any) -> Any:
    """Return exp(y), |y| < 40, to 1e-14."""
    k = int(y * _STEPS + (_LARGEST * _STEPS + 0.5))
    t = y - (k - _LARGEST * _STEPS) / _STEPS
    return table[k] * (1 + t * (1 + t * (1 / 2 + t * (1 / 6 + t * (1 / 24 + t / 120)))))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _near(i: Any, x: Any, first: Any, j: Any, images: Any, cutoff: Any, edge: Any, unit: Any, r: Any) -> Any:
    """Fill numbers of candidates, unit vectors and distances of the neighbors of atom i; return how many there are."""
    n = 0
    for e in range(first[i], first[i + 1]):
        k = j[e]
        a, b = x[k, 0] - x[i, 0] + images[e, 0], x[k, 1] - x[i, 1] + images[e, 1]
        c = x[k, 2] - x[i, 2] + images[e, 2]
        square = a * a + b * b + c * c
        if square < cutoff * cutoff:
            d = math.sqrt(square)
            edge[n], r[n], unit[n, 0], unit[n, 1], unit[n, 2] = e, d, a / d, b / d, c / d
            n += 1
    return n


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _gaussians(r: Any, of: Any, g: Any) -> Any:
    """Set g to exp(−η (r − s)²) at those shifts where it is not negligible; return the first and the last but one."""
    place = (r - of.radial_first) / of.radial_spacing
    k = max(0, min(int(place + 0.5), of.radial_shifts - 1))
    low, high = max(0, k - of.reach), min(of.radial_shifts - 1, k + of.reach)
    apart = (place - k) * of.radial_spacing
    g[k] = math.exp(-of.radial_eta * apart * apart)
    rise = math.exp(2 * of.radial_eta * of.radial_spacing * apart)
    once = math.exp(-of.radial_eta * of.radial_spacing * of.radial_spacing)
    up, down = rise * once, once / rise
    for l in range(k, high):
        g[l + 1] = g[l] * up
        up *= once * once
    for l in range(k, low, -1):
        g[l - 1] = g[l] * down
        down *= once * once
    return low, high + 1


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _ends(r: Any, n: Any, of: Any, q: Any, slope: Any, which: Any, a: Any) -> Any:
    """Fill q_s(a) f(r) and slopes of the neighbors inside the angular cutoff, which they are, and a; return how many."""
    m, eta, h = 0, of.angular_eta, of.angular_spacing
    for k in range(n):
        if r[k] < of.angular_cutoff:
            which[m], a[m] = k, r[k] - of.center
            turn, s = math.pi / of.angular_cutoff, of.angular_first
            f, df = 0.5 + 0.5 * math.cos(turn * r[k]), -0.5 * turn * math.sin(turn * r[k])
            g = math.exp(-eta * (a[m] * a[m] / 4 - s * a[m] + s * s / 2))
            rise, once = math.exp(eta * h * (a[m] - s - h / 2)), math.exp(-eta * h * h)
            for l in range(q.shape[1]):
                q[m, l], slope[m, l] = g * f, g * (df - f * eta * (a[m] / 2 - s))
                g, s, rise = g * rise, s + h, rise * once
            m += 1
    return m


@cache
def kernels(shifts: int, sections: int) -> tuple[Any, Any]:
    """Return `values` and `slopes` for so many angular shifts and sections: constants of the compiled code."""

    @numba.njit(cache=True, nogil=True, error_model="numpy")
    def values(x, first, j, images, of, most, out):  # type: ignore[no-untyped-def]
        """Set out (atom, size) to the vectors of all atoms; none has more than `most` candidates."""
        edge, which, unit, r = np.empty(most, np.int64), np.empty(most, np.int64), np.empty((most, 3)), np.empty(most)
        q, slope, a = np.empty((most, shifts)), np.empty((most, shifts)), np.empty(most)
        g, sums = np.empty(of.radial_shifts), np.empty(sections * shifts)
        last, half = len(of.around) - 1, len(of.around) / 2
        for i in range(len(first) - 1):
            n = _near(i, x, first, j, images, of.radial_cutoff, edge, unit, r)
            out[i] = 0
            for k in range(n):
                fade = RADIAL_SCALE * (0.5 + 0.5 * math.cos(math.pi * r[k] / of.radial_cutoff))
                low, high = _gaussians(r[k], of, g)
                for l in range(low, high):
                    out[i, l] += fade * g[l]
            sums[:] = 0
            for one in range(_ends(r, n, of, q, slope, which, a)):
                k = which[one]
                for other in range(one):
                    l = which[other]
                    c = unit[k, 0] * unit[l, 0] + unit[k, 1] * unit[l, 1] + unit[k, 2] * unit[l, 2]
                    place = (c + 1) * half
                    row = max(0, min(int(place), last))
                    w = _exp(-0.5 * of.angular_eta * a[one] * a[other], of.exponentials)
                    t, start = place - row, row * 6 * sections
                    f = load(of.around, start + 5 * sections, sections)
                    for p in range(1, 6):
                        f = load(of.around, start + (5 - p) * sections, sections) + t * f
                    h = w * (load(q, one * shifts, shifts) * load(q, other * shifts, shifts))
                    for p in range(sections):
                        store(sums, p * shifts, load(sums, p * shifts, shifts) + lane(f, p) * h)
            for p in range(sections):
                for l in range(shifts):
                    out[i, of.radial_shifts + l * sections + p] = sums[p * shifts + l]

    @numba.njit(cache=True, nogil=True, error_model="numpy")
    def slopes(x, first, j, images, of, most, weights, forces, virial):  # type: ignore[no-untyped-def]
        """Add the forces and the virial Σ f ⊗ r of the energy with these slopes (atom, size) of vectors.

        Sums over the other neighbor of two, for each: `along` and `across` of what q and exp(−η a a′/2) are multiplied by,
        `pull` of dE/d cos θ times the other's unit vector, `shrink` of dE/d cos θ times cos θ.
        """
        edge, which, unit, r = np.empty(most, np.int64), np.empty(most, np.int64), np.empty((most, 3)), np.empty(most)
        q, slope, a = np.empty((most, shifts)), np.empty((most, shifts)), np.empty(most)
        along, across = np.empty((most, shifts)), np.empty((most, shifts))
        g, d, pull, shrink = np.empty(of.radial_shifts), np.empty(most), np.empty((most, 3)), np.empty(most)
        u = np.empty(sections * shifts)
        last, half = len(of.around) - 1, len(of.around) / 2
        for i in range(len(first) - 1):
            n = _near(i, x, first, j, images, of.radial_cutoff, edge, unit, r)
            for k in range(n):
                turn = math.pi / of.radial_cutoff
                fade, fall = 0.5 + 0.5 * math.cos(turn * r[k]), -0.5 * turn * math.sin(turn * r[k])
                low, high = _gaussians(r[k], of, g)
                d[k] = 0.0
                for l in range(low, high):
                    s = r[k] - of.radial_first - l * of.radial_spacing
                    d[k] += RADIAL_SCALE * weights[i, l] * g[l] * (fall - 2 * of.radial_eta * s * fade)
            for p in range(sections):
                for l in range(shifts):
                    u[p * shifts + l] = weights[i, of.radial_shifts + l * sections + p]
            m = _ends(r, n, of, q, slope, which, a)
            along[:m], across[:m], pull[:n], shrink[:n] = 0, 0, 0, 0
            for one in range(m):
                k = which[one]
                for other in range(one):
                    l = which[other]
                    c = unit[k, 0] * unit[l, 0] + unit[k, 1] * unit[l, 1] + unit[k, 2] * unit[l, 2]
                    place = (c + 1) * half
                    row = max(0, min(int(place), last))
                    w = _exp(-0.5 * of.angular_eta * a[one] * a[other], of.exponentials)
                    t, start = place - row, row * 6 * sections
                    f = load(of.around, start + 5 * sections, sections)
                    df = 0.0 * f
                    for p in range(1, 6):
                        df = f + t * df
                        f = load(of.around, start + (5 - p) * sections, sections) + t * f
                    by, turned = 0.0 * load(u, 0, shifts), 0.0 * load(u, 0, shifts)
                    for p in range(sections):
                        v = load(u, p * shifts, shifts)
                        by, turned = by + lane(f, p) * v, turned + lane(df, p) * v
                    ours, theirs, by = load(q, one * shifts, shifts), load(q, other * shifts, shifts), w * by
                    store(along, one * shifts, load(along, one * shifts, shifts) + by * theirs)
                    store(along, other * shifts, load(along, other * shifts, shifts) + by * ours)
                    store(across, one * shifts, load(across, one * shifts, shifts) + a[other] * (by * theirs))
                    store(across, other * shifts, load(across, other * shifts, shifts) + a[one] * (by * ours))
                    bend = half * w * total(turned * (ours * theirs))
                    for axis in range(3):
                        pull[k, axis] += bend * unit[l, axis]
                        pull[l, axis] += bend * unit[k, axis]
                    shrink[k] += bend * c
                    shrink[l] += bend * c
            for one in range(m):
                for l in range(shifts):
                    d[which[one]] += slope[one, l] * along[one, l] - 0.5 * of.angular_eta * q[one, l] * across[one, l]
            for k in range(n):
                for axis in range(3):
                    push = (pull[k, axis] - shrink[k] * unit[k, axis]) / r[k] + d[k] * unit[k, axis]
                    forces[i, axis] += push
                    forces[j[edge[k]], axis] -= push
                    for other in range(3):
                        virial[axis, other] -= push * r[k] * unit[k, other]

    return values, slopes
