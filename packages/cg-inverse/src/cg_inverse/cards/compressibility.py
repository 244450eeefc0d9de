"""The isothermal compressibility κ_T = (1/ρ)(∂ρ/∂P)_T, from pressures and from g(r)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cg_data import kirkwood_buff
from cg_inverse.cards.records import Measured
from cg_inverse.problems.bins import Array
from cg_inverse.problems.state_point import StatePoint
from cg_inverse.rounds.sample import Sample

_SPREAD = 0.025  # of the density, to either side: dP is then far above its noise, and what is cubic in it below
_OUTER = 0.75  # of g's reach: Kirkwood–Buff integrals up to distances beyond are averaged


def at_density(state: StatePoint, density: float, *, kT: float, name: str) -> StatePoint:
    """Return a state of the same composition elsewhere; its g stays, as a grid of shells."""
    scaled = {t: rho * density / state.density for t, rho in state.densities.items()}
    return replace(state, name=name, densities=scaled, kT=kT, particles=None)


def compressed(state: StatePoint) -> tuple[StatePoint, StatePoint]:
    """Return the states of 2.5 % lower and 2.5 % higher density."""
    factors = (1 - _SPREAD, 1 + _SPREAD)
    less, more = (at_density(state, f * state.density, kT=state.kT, name=f"{state.name} × {f:g}") for f in factors)
    return less, more


def compressibility(samples: Sequence[Sample]) -> Measured:
    """Return κ_T = 1/(ρ ∂P/∂ρ) [length³/energy] between a state of lower and one of higher density.

    Negative where the pressure falls with the density.
    """
    less, more = samples
    step = more.density - less.density
    slope = (more.pressure - less.pressure) / step
    error = float(np.hypot(less.pressure_stderr, more.pressure_stderr)) / step
    if slope == 0:
        return Measured(np.inf, np.nan)
    value = 2 / ((less.density + more.density) * slope)
    return Measured(value, abs(value) * error / abs(slope))


def kirkwood_buff_compressibility(sample: Sample) -> Measured | None:
    """Return κ_T [length³/energy] from S = ρkTκ_T = 1 + ρG of one component; None of a mixture.

    G is extrapolated to infinite distance (Krüger & Vlugt 2018) and averaged over the outer quarter of g's reach. In
    a closed box g counted against N(N−1) tends to 1 + (1 − S)/N, so that with the volume V_k under the integral's
    kernel ρG_box = ρG + (1 − S)w, w = ρV_k/N, and S = (1 + ρG_box − w)/(1 − w).
    """
    if len(sample.particles) != 1:
        return None
    state, n = sample.state, sum(sample.particles.values())
    ideal = 0.5 * n * (n - 1) * state.bins.volumes * np.mean(1 / sample.volumes)  # of this box, not of the target's
    outer = state.bins.r >= _OUTER * state.bins.r_max
    w = sample.density / n * kirkwood_buff(state.bins.r, np.full(state.bins.count, 2.0), weight="extrapolated")[outer]

    def structure(counts: Array) -> float:
        integral = kirkwood_buff(state.bins.r, counts[0] / ideal, weight="extrapolated")[outer]
        return float(np.mean((1 + sample.density * integral - w) / (1 - w)))

    blocks = [structure(block) for block in sample.block_means(sample.counts)]
    scale = 1 / (sample.density * state.kT)
    error = float(np.std(blocks, ddof=1) / np.sqrt(len(blocks)))
    return Measured(scale * structure(sample.counts.mean(axis=0)), scale * error)
