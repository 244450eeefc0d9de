"""Hypernetted-chain theory as a model of how g responds to the potential: no covariance to sample, any number of types.

With h = g − 1 and the Ornstein–Zernike equation, −βu = ln g − h + c. Linearised: −βΔu = Δg/g − Δg + Δc, where in
Fourier space ΔC = (1 + ρH)⁻¹ ΔH (1 + Hρ)⁻¹.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement

import numpy as np

from cg_data import pair_name
from cg_inverse.methods.boltzmann import both_counted, shell_rows, within
from cg_inverse.methods.protocol import Initial, Rows, Targets, as_problem, combined, whitened
from cg_inverse.methods.regularized import Solution
from cg_inverse.methods.residual import residual_step
from cg_inverse.methods.starting import started
from cg_inverse.problems.bins import Array
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.problems.state_point import StatePoint
from cg_inverse.rounds.sample import Sample

_LEAST_STRUCTURE = 0.02  # S(k) below this is noise of a tail that was cut: not even a dense liquid is so stiff


@dataclass(frozen=True, eq=False)
class HNCGN:
    """Gauss–Newton with the HNC response (Bernhardt, Hanke & van der Vegt 2021): the spline step within the cutoff
    that best removes the residual of g over all of the target's range.
    """

    target: Targets
    cutoff: float | None = None
    weights: Sequence[float] | None = None
    knots: float | None = None
    initial: Initial = None
    problem: Problem = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "problem", as_problem(self.target, self.cutoff, self.weights, self.knots))

    def init(self) -> Array:
        return started(self.problem, self.initial)

    def update(self, coefficients: Array, samples: Sequence[Sample]) -> Solution:
        return residual_step(self.problem, samples, [hnc_response(self.problem, s.state, s.g) for s in samples])


@dataclass(frozen=True, eq=False)
class HNCN:
    """HNC Newton (Delbary, Hanke & Ivanizki 2020): βΔu = −Δg/g + Δg − Δc with Δg = g* − g, cut at the cutoff."""

    target: Targets
    cutoff: float | None = None
    weights: Sequence[float] | None = None
    knots: float | None = None
    initial: Initial = None
    problem: Problem = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "problem", as_problem(self.target, self.cutoff, self.weights, self.knots))

    def init(self) -> Array:
        return started(self.problem, self.initial)

    def update(self, coefficients: Array, samples: Sequence[Sample]) -> Solution:
        equations = [newton_rows(self.problem, s) for s in samples]
        shares = self.problem.weights * len(equations)
        weighed = [replace(e, sigma=e.sigma / np.sqrt(w)) for e, w in zip(equations, shares, strict=True)]
        return combined(self.problem, weighed)


def newton_rows(problem: Problem, sample: Sample) -> Rows:
    """Return the equations of one state for ΔU in the shells within the cutoff; Δc mixes the errors of all shells."""
    state, shape = sample.state, sample.g.shape
    difference, n = (state.g - sample.g).ravel(), sample.g.size
    g = np.maximum(0.5 * (sample.g + state.g), 1e-12).ravel()
    operator = np.eye(n) - direct_correlation(state, sample.g).reshape(n, n) - np.diag(1 / g)
    inside = np.stack([within(problem, state, pair) for pair in state.pairs])
    kept = np.flatnonzero((inside & both_counted(state.counts, sample.g * sample.exposure) & state.trusted).ravel())
    sigma = np.hypot(sample.g_stderr, state.g_stderr).reshape(shape).ravel()
    spread = state.kT * operator[kept] * sigma
    rows = np.concatenate([shell_rows(problem, state, pair) for pair in state.pairs])
    return whitened(rows[kept], state.kT * operator[kept] @ difference, spread @ spread.T)


def hnc_response(problem: Problem, state: StatePoint, g: Array) -> Array:
    """Return ∂g/∂c = −β (1 + G(∂c/∂h − 1))⁻¹ G B as (pair, shell, k), with G = diag(g): no division by g."""
    shape = g.shape
    n = g.size
    kernel = direct_correlation(state, g).reshape(n, n) - np.eye(n)
    rows = np.concatenate([shell_rows(problem, state, pair) for pair in state.pairs])
    found = np.linalg.solve(np.eye(n) + g.reshape(n, 1) * kernel, g.reshape(n, 1) * rows)
    return -found.reshape(*shape, -1) / state.kT


def direct_correlation(state: StatePoint, g: Array) -> Array:
    """Return ∂c/∂h, how direct correlations follow total ones, as (pair, shell, pair, shell)."""
    forward, backward = _transforms(state)
    names = sorted(state.densities)
    pairs = [pair_name(p) for p in combinations_with_replacement(names, 2)]
    missing = [p for p in pairs if p not in state.pairs]
    if missing:
        raise ValueError(f"HNC needs g of every pair of types; {state.name} lacks {', '.join(missing)}")
    damping = _damping(state, names, np.stack([forward @ (g[state.pairs.index(p)] - 1) for p in pairs]))
    order = [pairs.index(p) for p in state.pairs]
    damping = damping[:, order][:, :, order]
    kernels = backward @ (damping.transpose(1, 2, 0)[..., None] * forward)
    return np.asarray(kernels.transpose(0, 2, 1, 3))


def _transforms(state: StatePoint) -> tuple[Array, Array]:
    """Return the three-dimensional Fourier transform of radial functions, shells → k, and back.

    f̂(k) = Σ V_shell f sin(kr)/(kr); h vanishes beyond the target's reach, so that k is spaced by π over twice it.
    """
    bins = state.bins
    reach = 2 * bins.r_max
    r = np.maximum(bins.r, 0.25 * bins.width)
    k = np.pi / reach * np.arange(1, round(reach / bins.width))
    waves = np.sinc(np.outer(k, r) / np.pi)
    forward = waves * bins.volumes
    backward = (waves * (k[:, None] ** 2) * (np.pi / reach) / (2 * np.pi**2)).T
    return forward, backward


def _damping(state: StatePoint, names: Sequence[str], h: Array) -> Array:
    """Return ∂C_p/∂H_q at each k as (k, p, q): ΔC = (1 + ρH)⁻¹ ΔH (1 + Hρ)⁻¹, for unordered pairs p and q."""
    types = len(names)
    rho = np.array([state.densities[t] for t in names])
    upper = np.triu_indices(types)
    matrix = np.zeros((h.shape[1], types, types))
    matrix[:, upper[0], upper[1]] = matrix[:, upper[1], upper[0]] = h.T
    root = np.sqrt(np.outer(rho, rho))
    values, vectors = np.linalg.eigh(np.eye(types) + root * matrix)
    inverse = np.einsum("kab,kb,kcb->kac", vectors, 1 / np.maximum(values, _LEAST_STRUCTURE), vectors)
    left = inverse * np.sqrt(rho)[None, None, :] / np.sqrt(rho)[None, :, None]  # (1 + Hρ)⁻¹ from its symmetric form
    out = np.zeros((h.shape[1], len(upper[0]), len(upper[0])))
    for q, (c, d) in enumerate(zip(*upper, strict=True)):
        change = np.zeros((types, types))
        change[c, d] = change[d, c] = 1.0
        full = np.einsum("kab,bc,kdc->kad", left, change, left)
        out[:, :, q] = full[:, upper[0], upper[1]]
    return out
