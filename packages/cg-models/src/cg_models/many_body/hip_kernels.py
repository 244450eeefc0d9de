"""Sums of sensitivities over neighbors and their slopes on the CPU: every pair is looked at once, and nothing of it is kept.

A sensitivity (Lubbers et al. 2018) is s(r) = exp(−σ² (1/r − 1/μ)²/2) cos²(π r/2R) up to R, the hard maximum. Of the networks of a
committee they are side by side; of each, those are computed that are more than 4e-18 near a distance.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from cg_models.many_body.hip_sums import Surroundings
from cg_models.many_body.lanes import larger, load, store, total
from cg_models.many_body.many_body import Array

_HALVINGS = 6
_NEGLIGIBLE = -40.0  # exp(−40) = 4e-18
_BINS, LANES = 64, 4  # of 1/r, up to 1/Å; numbers in one register
_NOWHERE = 1e3  # 1/Å: of sensitivities that only fill a register


class Sensitivities(NamedTuple):
    """1/μ and σ of those of all networks, and which (bin of 1/r, network; first, end) are not negligible; beyond the last bin, all.

    Each network's are filled up to whole registers; `columns` are those that are meant.
    """

    cutoff: float
    inverse: Array
    sigma: Array
    which: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]


def sensitivities(inverse: Array, sigma: Array, cutoff: float) -> Sensitivities:
    """Return what kernels read of 1/μ and σ (network, sensitivity)."""
    networks, count = inverse.shape
    more = -count % LANES
    q, s = (np.pad(k, ((0, 0), (0, more)), constant_values=fill) for k, fill in ((inverse, _NOWHERE), (sigma, 1.0)))
    begin = (count + more) * np.arange(networks)[:, None]
    which, columns = _which(q, s, cutoff) + begin, (begin + np.arange(count)).ravel()
    return Sensitivities(cutoff, q.ravel(), s.ravel(), np.ascontiguousarray(which), columns)


def _which(inverse: Array, sigma: Array, cutoff: float) -> npt.NDArray[np.int64]:
    """Return the first and the end (bin, network, 2) of whole registers that are not negligible."""
    networks, count = inverse.shape
    edges = np.linspace(1 / cutoff, 1, _BINS + 1)[:, None, None]
    apart = np.maximum(np.maximum(edges[:-1] - inverse, inverse - edges[1:]), 0)
    small = math.sqrt(-2 * _NEGLIGIBLE)
    there = np.any(np.reshape(np.abs(sigma) * apart < small, (_BINS, networks, -1, LANES)), axis=3)
    first, behind = there.argmax(axis=2), np.flip(there, axis=2).argmax(axis=2)
    end = np.where(there.any(axis=2), there.shape[2] - behind, first)
    return np.concatenate([LANES * np.stack([first, end], axis=2), np.broadcast_to([0, count], (1, networks, 2))])


def sums(around: Surroundings, of: Sensitivities) -> tuple[Array, float]:
    """Return the sums (atom, sensitivity) over neighbors, and the shortest distance."""
    out = np.zeros((len(around.x), len(of.inverse)))
    shortest = _sums(around, of, out)
    return out[:, of.columns], shortest


def slopes(around: Surroundings, of: Sensitivities, weights: Array) -> tuple[Array, Array]:
    """Return forces (atom, 3) and the virial Σ f ⊗ r (3, 3) of the energy with these slopes (atom, sensitivity) of sums."""
    forces, virial = np.zeros_like(around.x), np.zeros((3, 3))
    _slopes(around, of, _filled(weights, of), forces, virial)
    return forces, virial


def sums_gradient(around: Surroundings, of: Sensitivities, given: Array) -> tuple[Array, Array]:
    """Return dL/d(1/μ) and dL/dσ of a loss with gradients `given` (atom, sensitivity) by `sums`."""
    by_inverse, by_sigma = np.zeros_like(of.inverse), np.zeros_like(of.sigma)
    _sums_gradient(around, of, _filled(given, of), by_inverse, by_sigma)
    return by_inverse[of.columns], by_sigma[of.columns]


def slopes_gradient(
    around: Surroundings, of: Sensitivities, weights: Array, given: Array
) -> tuple[Array, Array, Array]:
    """Return dL/dweights, dL/d(1/μ) and dL/dσ of a loss with gradients `given` (atom, 3) by the forces of `slopes`."""
    filled, by_inverse, by_sigma = _filled(weights, of), np.zeros_like(of.inverse), np.zeros_like(of.sigma)
    by_weights = np.zeros_like(filled)
    _slopes_gradient(around, of, filled, given, by_weights, by_inverse, by_sigma)
    return by_weights[:, of.columns], by_inverse[of.columns], by_sigma[of.columns]


def _filled(weights: Array, of: Sensitivities) -> Array:
    found = np.zeros((len(weights), len(of.inverse)))
    found[:, of.columns] = weights
    return found


@numba.njit(inline="always")
def _exp(y: Any) -> Any:
    """Return exp(y), −40 ≤ y ≤ 0, exp(−40) below, with an error of 1e-14: ten terms of exp(y/64), squared six times."""
    t = (1 / 2**_HALVINGS) * larger(_NEGLIGIBLE, y)
    e = t * (1 / 120 + t * (1 / 720 + t * (1 / 5040 + t * (1 / 40320 + (1 / 362880) * t))))
    e = 1 + t * (1 + t * (1 / 2 + t * (1 / 6 + t * (1 / 24 + e))))
    for _ in range(_HALVINGS):
        e = e * e
    return e


@numba.njit(inline="always")
def _bin(near: Any, of: Any) -> Any:
    return min(int((near - 1 / of.cutoff) * (_BINS / (1 - 1 / of.cutoff))), _BINS)


@numba.njit(inline="always")
def _fade(r: Any, cutoff: Any) -> Any:
    """Return cos²(π r/2R) and its slope."""
    angle = math.pi / 2 * r / cutoff
    c, s = math.cos(angle), math.sin(angle)
    return c * c, -math.pi / cutoff * s * c


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _pairs(i: Any, around: Any, who: Any, unit: Any, r: Any) -> Any:
    """Fill neighbors, unit vectors to them and distances of atom i, each pair from its lower atom; return how many there are."""
    n, x, images = 0, around.x, around.images
    for e in range(around.first[i], around.first[i + 1]):
        k = around.j[e]
        if k < i:
            continue
        a, b = x[k, 0] - x[i, 0] + images[e, 0], x[k, 1] - x[i, 1] + images[e, 1]
        c = x[k, 2] - x[i, 2] + images[e, 2]
        square = a * a + b * b + c * c
        if square < around.cutoff * around.cutoff:
            d = math.sqrt(square)
            who[n], r[n], unit[n, 0], unit[n, 1], unit[n, 2] = k, d, a / d, b / d, c / d
            n += 1
    return n


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _sums(around: Any, of: Any, out: Any) -> Any:
    who, unit, r = np.empty(around.most, np.int64), np.empty((around.most, 3)), np.empty(around.most)
    shortest, wide = around.cutoff, len(of.inverse)
    for i in range(len(around.first) - 1):
        for n in range(_pairs(i, around, who, unit, r)):
            shortest = min(shortest, r[n])
            if r[n] == 0:
                continue
            k, near = who[n], 1 / r[n]
            fade = _fade(r[n], around.cutoff)[0] * (1.0 if k > i else 0.5)  # own images are found from both sides
            row = _bin(near, of)
            for network in range(of.which.shape[1]):
                for l in range(of.which[row, network, 0], of.which[row, network, 1], LANES):
                    t = load(of.sigma, l, LANES) * (near - load(of.inverse, l, LANES))
                    s = fade * _exp((-0.5 * t) * t)
                    store(out, i * wide + l, load(out, i * wide + l, LANES) + s)
                    store(out, k * wide + l, load(out, k * wide + l, LANES) + s)
    return shortest


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _slopes(around: Any, of: Any, weights: Any, forces: Any, virial: Any) -> None:
    who, unit, r = np.empty(around.most, np.int64), np.empty((around.most, 3)), np.empty(around.most)
    wide = len(of.inverse)
    for i in range(len(around.first) - 1):
        for n in range(_pairs(i, around, who, unit, r)):
            k, near = who[n], 1 / r[n]
            fade, fall = _fade(r[n], around.cutoff)
            steep, row = fade * near * near, _bin(near, of)
            d = 0.0 * load(of.sigma, 0, LANES)
            for network in range(of.which.shape[1]):
                for l in range(of.which[row, network, 0], of.which[row, network, 1], LANES):
                    sigma = load(of.sigma, l, LANES)
                    t = sigma * (near - load(of.inverse, l, LANES))
                    both = load(weights, i * wide + l, LANES) + load(weights, k * wide + l, LANES)
                    d = d + both * (fall + steep * (sigma * t)) * _exp((-0.5 * t) * t)
            push = total(d) * (1.0 if k > i else 0.5)
            for axis in range(3):
                along = push * unit[n, axis]
                forces[i, axis] += along
                forces[k, axis] -= along
                for other in range(3):
                    virial[axis, other] -= along * r[n] * unit[n, other]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _sums_gradient(around: Any, of: Any, given: Any, by_inverse: Any, by_sigma: Any) -> None:
    who, unit, r = np.empty(around.most, np.int64), np.empty((around.most, 3)), np.empty(around.most)
    wide = len(of.inverse)
    for i in range(len(around.first) - 1):
        for n in range(_pairs(i, around, who, unit, r)):
            k, near = who[n], 1 / r[n]
            fade = _fade(r[n], around.cutoff)[0] * (1.0 if k > i else 0.5)
            row = _bin(near, of)
            for l in range(of.which[row, 0, 0], of.which[row, 0, 1], LANES):
                sigma, apart = load(of.sigma, l, LANES), near - load(of.inverse, l, LANES)
                t = sigma * apart
                both = load(given, i * wide + l, LANES) + load(given, k * wide + l, LANES)
                s = fade * _exp((-0.5 * t) * t) * t * both
                store(by_inverse, l, load(by_inverse, l, LANES) + sigma * s)
                store(by_sigma, l, load(by_sigma, l, LANES) - apart * s)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _slopes_gradient(
    around: Any, of: Any, weights: Any, given: Any, by_weights: Any, by_inverse: Any, by_sigma: Any
) -> None:
    who, unit, r = np.empty(around.most, np.int64), np.empty((around.most, 3)), np.empty(around.most)
    wide = len(of.inverse)
    for i in range(len(around.first) - 1):
        for n in range(_pairs(i, around, who, unit, r)):
            k, near, c = who[n], 1 / r[n], 0.0
            for axis in range(3):
                c += (given[i, axis] - given[k, axis]) * unit[n, axis]
            fade, fall = _fade(r[n], around.cutoff)
            steep, row = fade * near * near, _bin(near, of)
            for l in range(of.which[row, 0, 0], of.which[row, 0, 1], LANES):
                sigma, apart = load(of.sigma, l, LANES), near - load(of.inverse, l, LANES)
                t, ours, theirs = sigma * apart, i * wide + l, k * wide + l
                e, rise = c * _exp((-0.5 * t) * t), fall + steep * (sigma * t)
                store(by_weights, ours, load(by_weights, ours, LANES) + e * rise)
                store(by_weights, theirs, load(by_weights, theirs, LANES) + e * rise)
                e = e * (load(weights, ours, LANES) + load(weights, theirs, LANES))
                by = e * sigma * (t * rise - steep * sigma)
                store(by_inverse, l, load(by_inverse, l, LANES) + by)
                store(by_sigma, l, load(by_sigma, l, LANES) + e * t * (2 * steep - apart * rise))
