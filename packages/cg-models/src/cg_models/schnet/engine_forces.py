"""What engines ask of a potential: energies, forces and virials of every bead, wherever its image and whatever its box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cg_models.schnet.bead_potential import BeadPotential
from cg_models.schnet.graph import Graph
from cg_models.schnet.moving import MovingGraph

Array = npt.NDArray[np.float64]
_AXES = np.triu_indices(3)  # xx, xy, xz, yy, yz, zz


@dataclass(frozen=True, slots=True, eq=False)
class BeadForces:
    """Energies (bead,), forces (bead, 3) and virials (bead, 6: xx, xy, xz, yy, yz, zz); a bead has half of each pair's virial."""

    energies: Array
    forces: Array
    virials: Array

    def reordered(self, order: npt.ArrayLike) -> BeadForces:
        """Return them of the beads in this order."""
        at = np.asarray(order)
        return BeadForces(self.energies[at], self.forces[at], self.virials[at])


class EngineForces:
    """A potential as a function of positions (bead, 3), the box (3, 3) and types (bead,), in its own units.

    It returns U, forces and the virial Σ f_ij ⊗ r_ij, as `cg_sim.simulate(…, engine="hoomd")` takes it. Beads may come back
    into the box from one call to the next: pairs are still looked for only when one has gone half a `skin` [length].
    """

    def __init__(self, potential: BeadPotential, *, molecule: npt.ArrayLike | None = None, skin: float = 1.0) -> None:
        self.potential, self.molecule, self.skin = potential.eval(), molecule, skin
        self._knots = potential.network.tabulated()
        self._of, self._last = b"", np.empty((0, 3))
        self._pairs: MovingGraph

    def __call__(
        self, positions: npt.ArrayLike, box: npt.ArrayLike, types: npt.ArrayLike
    ) -> tuple[float, Array, Array]:
        found = self.each(positions, box, types)
        virial = np.zeros((3, 3))
        virial[_AXES] = found.virials.sum(axis=0)
        return float(found.energies.sum()), found.forces, virial + np.triu(virial, 1).T

    def each(self, positions: npt.ArrayLike, box: npt.ArrayLike, types: npt.ArrayLike) -> BeadForces:
        """Return energies, forces and virials of every bead."""
        return of_beads(
            self.potential, self._graph(np.asarray(positions, float), np.asarray(box, float), types), self._knots
        )

    def _graph(self, x: Array, box: Array, types: npt.ArrayLike) -> Graph:
        """Return the pairs, begun anew where box, types or numbers are others."""
        kinds = np.asarray(types)
        of = box.tobytes() + kinds.tobytes()
        if of == self._of:
            self._last = nearest_images(x, self._last, box)
        else:
            options = self.potential.network.options
            self._pairs = MovingGraph(
                kinds, box, options.cutoff, skin=self.skin, molecule=self.molecule, inner_cutoff=options.inner_cutoff,
                dtype=next(self.potential.parameters()).dtype,
            )  # fmt: skip
            self._of, self._last = of, x.copy()
        return self._pairs(self._last)


def nearest_images(x: Array, last: Array, box: Array) -> Array:
    """Return those images of beads that are nearest to where they were."""
    return x - np.round((x - last) @ np.linalg.inv(box)) @ box


def of_beads(potential: BeadPotential, graph: Graph, knots: list[Tensor] | None = None) -> BeadForces:
    """Return energies, forces and virials of the beads of a graph; what a prior has of a pair is half of each bead's."""
    out = [torch.zeros(len(graph.types), *axes, dtype=torch.float64) for axes in ((), (3,), (6,))]
    energies, forces, virials = out

    def add(pairs: Graph, slopes: Tensor) -> None:
        n, d, i, j = (
            x.detach().cpu() for x in (pairs.direction.double(), pairs.d.double(), pairs.i.long(), pairs.j.long())
        )
        along = slopes.double().cpu()[:, None] * n
        half = -0.5 * d[:, None] * along[:, _AXES[0]] * n[:, _AXES[1]]
        forces.index_add_(0, i, along).index_add_(0, j, -along)
        virials.index_add_(0, i, half).index_add_(0, j, half)

    for pairs, energy, slopes in potential.prior.each(graph):
        add(pairs, slopes)
        for beads in (pairs.i, pairs.j):
            energies.index_add_(0, beads.long().cpu(), energy / 2)
    each, learned = potential.slopes(graph.to(potential.offset.device), knots=knots)
    for pairs_of, found in zip((graph, graph.inside), learned, strict=False):
        if pairs_of is not None:
            add(pairs_of, found)
    energies += (each.detach().double() + potential.offset.double()).cpu()
    return BeadForces(*(x.numpy() for x in out))


def type_codes(names: Sequence[str], known: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return what number of the potential each type of an engine.

    >>> type_codes(["W", "B"], ("B", "W")).tolist()
    [1, 0]
    """
    if unknown := sorted(set(names) - set(known)):
        raise ValueError(f"the potential knows {', '.join(known)}, not {', '.join(unknown)}")
    return np.array([list(known).index(name) for name in names])
