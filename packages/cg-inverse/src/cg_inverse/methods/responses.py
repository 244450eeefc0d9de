"""Covariances sampled in a run, shrunk towards liquid theory where the run is too short to tell."""

from __future__ import annotations

import numpy as np

from cg_inverse.methods.boltzmann import shell_rows
from cg_inverse.methods.hnc import hnc_response
from cg_inverse.problems.bins import Array
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.rounds.sample import Sample


def sampled_response(problem: Problem, sample: Sample, *, shrunk: bool = True) -> Array:
    """Return ∂g/∂c = −β Cov(g, Σ_pairs B_k) as (pair, shell, k), each run's frames about their own mean.

    A covariance of few frames is mostly noise: it is shrunk towards that of the hypernetted chain.
    """
    shape = (*sample.counts.shape[1:], problem.basis.size)
    scale = -sample.state.kT * sample.ideal.reshape(-1, 1)
    theory = hnc_response(problem, sample.state, sample.g).reshape(-1, shape[-1]) * scale if shrunk else None
    found = covariance(sample, sample.counts.reshape(sample.frames, -1), sample.sums, theory)
    return np.asarray((found / scale).reshape(shape))


def sampled_hessian(problem: Problem, sample: Sample, *, shrunk: bool = True) -> Array:
    """Return β² Cov(Σ B_k, Σ B_l), shrunk towards that of the hypernetted chain."""
    beta = 1 / sample.state.kT
    theory = None
    if shrunk:
        response = hnc_response(problem, sample.state, sample.g)
        rows = np.stack([shell_rows(problem, sample.state, p) for p in sample.state.pairs]) * sample.ideal[:, :, None]
        theory = -sample.state.kT * np.einsum("psk,psl->kl", rows, response)
        theory = 0.5 * (theory + theory.T)
    found = covariance(sample, sample.sums, sample.sums, theory)
    return np.asarray(beta**2 * 0.5 * (found + found.T))


def covariance(sample: Sample, x: Array, y: Array, theory: Array | None) -> Array:
    """Return Cov(x, y) over frames as (x, y); with `theory`, (1 − w) of it and w of theory.

    w is Σ Var(C_ij)/Σ(C_ij − T_ij)², of entries divided by standard deviations (Ledoit & Wolf 2004): the least mean
    squared error. Correlated frames count as fewer.
    """
    x, y = centered(sample, x), centered(sample, y)
    n = sample.frames
    found = x.T @ y / max(n - len(np.unique(sample.run)), 1)
    if theory is None:
        return found
    spread = np.sqrt(np.outer(np.mean(x**2, axis=0), np.mean(y**2, axis=0)))
    seen = spread > 1e-12 * spread.max()
    independent = max(2.0, n / max(1.0, float(np.median(_frame_inefficiency(sample, y)))))
    variance = np.maximum((x**2).T @ y**2 / n - found**2, 0.0) / independent
    off = (found - theory)[seen] / spread[seen]
    w = float(np.clip(np.sum(variance[seen] / spread[seen] ** 2) / max(float(off @ off), 1e-300), 0.0, 1.0))
    return np.asarray((1 - w) * found + w * theory)


def centered(sample: Sample, values: Array) -> Array:
    """Return the frames' values about the mean of their own run."""
    out = np.array(values)
    for run in np.unique(sample.run):
        out[sample.run == run] -= out[sample.run == run].mean(axis=0)
    return out


def _frame_inefficiency(sample: Sample, y: Array) -> Array:
    """Return how many frames make an independent one, per column, from blocks."""
    variance = np.maximum(np.mean(y**2, axis=0), 1e-300)
    return np.asarray(sample.error(y) ** 2 * sample.frames / variance)
