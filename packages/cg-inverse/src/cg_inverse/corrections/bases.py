"""What a correction is added to: any ASE calculator, or pair potentials; and liquids of it to start from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

import cg_sim as cs
from cg_data import WCA, Interactions, LennardJones, Potential, factor, pair_name, pair_of
from cg_data.interactions import Pair
from cg_data.potentials.combined import Sum
from cg_inverse.problems.bins import Array
from cg_inverse.problems.state_point import StatePoint

_MELTING = 2000  # steps
_SOFTER = 0.85  # of the diameter: repulsive spheres so small are a thin liquid at any metal's density


def is_pair(base: Any) -> bool:
    """Return whether a base is pair potentials, that every engine can run."""
    return isinstance(base, Potential | Mapping)


def is_shared(base: Any) -> bool:
    """Return whether all runs use one calculator, and so one after another."""
    return not is_pair(base) and not isinstance(base, type) and hasattr(base, "get_forces")


def summed(base: Any, correction: Interactions) -> Any:
    """Return base + correction: pair potentials, or an ASE calculator that starts anew.

    A calculator forgets what it found, so that a run depends on where it starts alone; a function makes one for each run.
    """
    if is_pair(base):
        given = between(base, correction)
        added = {pair: Sum((given[pair], u)) if pair in given else u for pair, u in correction.items()}
        return Interactions({**given, **added})
    from cg_sim.ase_calculator import Corrected

    model = base if is_shared(base) else base()
    model.reset()
    return Corrected(model, correction)


def between(base: Any, pairs: Iterable[Pair]) -> Interactions:
    """Return pair potentials by pairs; one alone acts between all of `pairs`."""
    return Interactions(base if isinstance(base, Mapping) else dict.fromkeys(pairs, base))


def evaluated(base: Any, state: cs.State) -> tuple[float, Array]:
    """Return the energy of a base alone and the forces (n, 3) on all particles."""
    if is_pair(base):
        everyone = list(combinations_with_replacement(sorted(state.names), 2))
        nothing = dict.fromkeys(everyone, LennardJones(epsilon=0.0, cutoff=1.0))
        found = cs.pair_forces(state, Interactions({**nothing, **between(base, everyone)}))
        return found.energy, found.forces
    model = base if is_shared(base) else base()
    atoms = cs.to_ase(state)
    model.reset()
    energy, forces = float(model.get_potential_energy(atoms)), np.array(model.get_forces(atoms))
    model.reset()
    return energy, forces


def check_base(base: Any, state: StatePoint) -> None:
    """Raise if the base cannot be that of a state: ASE works with elements, Å and eV."""
    if is_pair(base):
        _check_pairs(base, state)
        return
    if not (hasattr(base, "get_forces") or callable(base)):
        raise TypeError(f"base must be an ASE calculator, a function that makes one, or pair potentials, "
                        f"got {type(base).__name__}")  # fmt: skip
    try:
        right = factor(state.units.length, "angstrom") == 1.0 == factor(state.units.energy, "eV")
    except ValueError:
        right = False
    if not right:
        raise ValueError(f"{state.name} is in {state.units.length} and {state.units.energy}: an ASE calculator works in Å and eV; "
                         "convert the target (cg_data.in_units), or name its units (--units metal)")  # fmt: skip
    elements(state)


def _check_pairs(base: Any, state: StatePoint) -> None:
    if isinstance(base, Mapping) and not any(pair_of(p) in Interactions(base) for p in state.pairs):
        known = ", ".join(pair_name(p) for p in base)
        raise ValueError(f"the base has potentials of {known}, {state.name} has g of {', '.join(state.pairs)}: "
                         "name the pairs alike")  # fmt: skip


def elements(state: StatePoint) -> dict[str, float]:
    """Return the mass of each type [u], which must be an element."""
    from ase.data import atomic_masses, atomic_numbers

    unknown = [name for name in state.densities if name not in atomic_numbers or name == "X"]
    if unknown:
        raise ValueError(f"{state.name} has the types {', '.join(unknown)}, which are no elements: an ASE calculator needs "
                         "make_target(…, {('Al', 'Al'): g}), or --pairs Al-Al")  # fmt: skip
    return {name: float(atomic_masses[atomic_numbers[name]]) for name in state.densities}


def liquid(crystal: cs.State, state: StatePoint, diameter: float, seed: int) -> cs.State:
    """Return a crystal of a state, molten as small repulsive spheres, with the elements' masses and velocities at kT.

    A crystal of the base would stay one for long when it is little above its melting point.
    """
    small = WCA(epsilon=state.kT, sigma=_SOFTER * diameter)
    everyone = Interactions({(a, b): small for a in crystal.names for b in crystal.names if a <= b})
    time = state.density ** (-1 / 3) / float(np.sqrt(state.kT))
    molten = cs.simulate(crystal, everyone, kT=state.kT, dt=0.003 * time, steps=_MELTING, seed=seed,
                         thermostat=cs.Langevin(1 / time), sample_every=_MELTING).state  # fmt: skip
    masses = np.array([elements(state)[name] for name in molten.names])[molten.types]
    return replace(molten, masses=masses, step=0).with_velocities(state.kT, seed)
