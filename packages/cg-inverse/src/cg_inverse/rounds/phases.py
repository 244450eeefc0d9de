"""Whether a liquid is still one: crystals and coexisting phases, seen in the configurations a round ended in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import cg_sim as cs
from cg_inverse.problems.state_point import StatePoint, diameter
from cg_inverse.rounds.sample import Sample
from cg_inverse.rounds.simulation import States
from cg_sim.observables.pair_histogram import pair_histogram

_CRYSTAL_ORDER = 0.3  # median q̄₆ within the first shell: liquids have 0.13–0.2, crystals near melting 0.4
_SHELL = 1.25  # of the diameter: between the first and the second shell of a crystal
_NEIGHBORS = 6.0  # in the first shell, in the mean, below which q̄₆ means nothing: crystals have 12, dilute liquids 2–5
_SEPARATED = 20.0  # S at the smallest wavevectors; liquids away from a critical point have 0.02–2
_MORE = 5.0  # times what the target's own g has


def lost_phase(samples: Sequence[Sample], states: States) -> str:
    """Return what became of the liquid in words, or nothing: crystallised, separated."""
    for sample, runs in zip(samples, states, strict=True):
        name = f" at {sample.state.name}" if len(samples) > 1 else ""
        if _crystalline(sample.state, runs):
            return f"the model crystallised{name}"
        found = float(np.mean([long_wavelength_structure(run) for run in runs]))
        if found > _SEPARATED and found > _MORE * target_structure(sample.state):
            gas = (
                "evaporated into gas and liquid"
                if sample.pressure < 0.2 * sample.state.density * sample.state.kT
                else "separated"
            )
            return f"the model {gas}{name}: S(k → 0) = {found:.0f}"
    return ""


def _crystalline(state: StatePoint, runs: Sequence[cs.State]) -> bool:
    shell = _SHELL * diameter(state)
    if np.mean([_neighbors(run, shell) for run in runs]) < _NEIGHBORS:
        return False
    order = [cs.bond_order(run.positions, run.box, r_min=shell, r_max=shell, l=(6,)) for run in runs]
    return float(np.nanmedian(np.concatenate([np.ravel(q) for q in order]))) > _CRYSTAL_ORDER


def _neighbors(run: cs.State, reach: float) -> float:
    """Return how many others a particle has within a distance, in the mean."""
    return 2 * float(pair_histogram(run.positions, run.box, np.zeros(run.n, np.int32), 1, reach, 1).sum()) / run.n


def long_wavelength_structure(state: cs.State) -> float:
    """Return S(k) = |Σ exp(ik·x)|²/N, the mean over the three smallest wavevectors of the box."""
    fractions = state.positions @ np.linalg.inv(state.box)
    sums = np.exp(2j * np.pi * fractions).sum(axis=0)
    return float(np.mean(np.abs(sums) ** 2) / state.n)


def target_structure(state: StatePoint) -> float:
    """Return 1 + ρ∫(g* − 1) dV over the target's reach, at least 1: large where the target itself is two phases."""
    weights = np.array([state.pair_density(p) for p in state.pairs])
    mean = (weights / weights.sum()) @ (state.g - 1)
    return max(1.0, 1 + state.density * float(np.sum(mean * state.bins.volumes)))
