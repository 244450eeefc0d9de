"""Several models of the same thing: their mean, and how far they are from it, Σ_i of eq. 15 of paper 05."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cg_models.calculators import Movable, calculator

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Deviation:
    """Σ_i of every atom (atom,) [eV/Å], and the mean of forces (atom, 3)."""

    each: Array
    forces: Array

    @property
    def largest(self) -> float:
        """That of the atom that models disagree most about."""
        return float(self.each.max())


@dataclass(frozen=True, slots=True, eq=False)
class ModelEnsemble:
    """ASE calculators of models that differ in how their training began, made by `ensemble`."""

    calculators: tuple[Any, ...]

    def forces(self, atoms: Any) -> Array:
        """Return the forces (model, atom, 3) [eV/Å] of every model; the Atoms' own calculator is left alone."""
        other = atoms.copy()
        return np.stack([np.array(c.get_forces(other)) for c in self.calculators])

    def deviation(self, atoms: Any) -> Deviation:
        """Return Σ_i = √⟨|F_i − ⟨F_i⟩|²⟩ over models."""
        forces = self.forces(atoms)
        return Deviation(deviation_of(forces), forces.mean(axis=0))

    def selected(
        self, frames: Iterable[Any], *, above: float, below: float = np.inf
    ) -> Iterator[tuple[int, Deviation]]:
        """Yield numbers of the frames (Atoms) whose largest Σ_i is from `above` on [eV/Å] and less than `below`.

        They are what a next training would learn most from; far above, they are hardly worth a calculation.
        """
        for k, atoms in enumerate(frames):
            found = self.deviation(atoms)
            if above <= found.largest < below:
                yield k, found


def ensemble(models: Sequence[Any], *, skin: float = 1.0) -> ModelEnsemble:
    """Return an ensemble of ASE calculators, or of what `load_deep`, `read_deepmd`, `load_beads`, `ani` or `hipnn` read."""
    if len(models) < 2:
        raise ValueError(f"an ensemble needs at least two models, got {len(models)}")
    return ModelEnsemble(tuple(calculator(m, skin=skin) if isinstance(m, Movable) else m for m in models))


def deviation_of(forces: npt.ArrayLike) -> Array:
    """Return Σ_i (…, atom) of forces (model, …, atom, 3).

    >>> deviation_of([[[1.0, 0.0, 0.0]], [[-1.0, 0.0, 0.0]]]).tolist()
    [1.0]
    """
    given = np.asarray(forces, dtype=np.float64)
    return np.asarray(np.sqrt(((given - given.mean(axis=0)) ** 2).sum(axis=-1).mean(axis=0)))
