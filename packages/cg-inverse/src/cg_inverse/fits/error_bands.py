"""How well u(r) is known: an error band from the errors of both g, and the directions that the data leave open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh

from cg_inverse.methods.residual import information
from cg_inverse.methods.responses import sampled_response
from cg_inverse.problems.bins import Array
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.rounds.sample import Sample

_PRIOR = 1.0  # kT: what u is known to, root mean square over r, before any data
_ROUGH = 0.2  # kT: second differences of coefficients, before any data
_OPEN = 0.05  # kT: a direction of unit root mean square known no better than so is left open


@dataclass(frozen=True, slots=True, eq=False)
class Uncertainty:
    """`u_stderr` as (pair, r) [energy]; `directions` (direction, pair, r) of 1 kT root mean square, least known
    first, each known to `stderr` [kT]; `open` of them to no better than 0.05 kT.
    """

    r: Array
    u_stderr: Array
    directions: Array
    stderr: Array
    covariance: Array

    @property
    def open(self) -> int:
        return int(np.sum(self.stderr > _OPEN))


def uncertainty(problem: Problem, samples: Sequence[Sample], *, points: int = 200, directions: int = 5) -> Uncertainty:
    """Return the uncertainty of the potential that was sampled, from the response of g sampled with it.

    The information in g* and g is Jᵀ Σ⁻¹ J with J = ∂g/∂c; where it says nothing, u is taken to be known to 1 kT.
    """
    found = information(problem, samples, [sampled_response(problem, s) for s in samples])
    r = np.linspace(min(s.core for s in problem.basis.splines), problem.basis.cutoff, points)
    curves = _curves(problem, r)
    metric = _metric(problem, curves)
    known, vectors = eigh(found + _smooth(problem), metric)
    stderr = 1 / np.sqrt(np.maximum(known, 0.0) + 1 / _PRIOR**2)
    covariance = (vectors * stderr**2) @ vectors.T
    band = np.sqrt(np.maximum(np.einsum("prk,kl,prl->pr", curves, covariance, curves), 0.0))
    shapes = np.einsum("prk,kd->dpr", curves, vectors[:, :directions])
    return Uncertainty(r, band, shapes, stderr, covariance)


def weak_prior(problem: Problem) -> Array:
    """Return the information in knowing u to 1 kT, root mean square over r, and its change of slope to 0.2 kT a knot."""
    r = np.linspace(min(s.core for s in problem.basis.splines), problem.basis.cutoff, 200)
    return np.add(_metric(problem, _curves(problem, r)) / _PRIOR**2, _smooth(problem))


def _smooth(problem: Problem) -> Array:
    return problem.basis.roughness() / (_ROUGH * problem.kT) ** 2


def _metric(problem: Problem, curves: Array) -> Array:
    """Return the matrix of the mean square of u over r and pairs [kT²]; a little of all, to have an inverse."""
    pairs, points, size = curves.shape
    metric = np.einsum("prk,prl->kl", curves, curves) / (points * pairs) / problem.kT**2
    return np.asarray(metric + 1e-9 * np.trace(metric) / size * np.eye(size))


def _curves(problem: Problem, r: Array) -> Array:
    """Return what each coefficient adds to U(r), as (pair, r, k); nothing below a pair's core."""
    out = np.zeros((len(problem.pairs), len(r), problem.basis.size))
    for k, pair in enumerate(problem.pairs):
        spline = problem.basis.spline(pair)
        out[k, :, problem.basis.part(pair)] = spline(r) * (r >= spline.core)[:, None]
    return out
