"""A trajectory as networks for beads take it: numbers of types and molecules, graphs of frames, distributions of distances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import xarray as xr

from cg_data import Units, units_of
from cg_models.schnet.engine_forces import type_codes
from cg_models.schnet.graph import Graph, graph, pairs_within

Array = npt.NDArray[np.float64]
TypePair = tuple[int, int]
_NARROW = 1e-6  # relative: boxes that differ by less are one


@dataclass(frozen=True, slots=True, eq=False)
class BeadFrames:
    """Frames (frame, bead, 3) in boxes (frame, 3, 3); `codes` number `types`, `molecule` is None where every bead is one."""

    positions: Array
    boxes: Array
    types: tuple[str, ...]
    codes: npt.NDArray[np.int64]
    units: Units
    molecule: npt.NDArray[np.int64] | None = None
    forces: Array | None = None
    energies: Array | None = None
    masses: Array | None = None

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def one_box(self) -> bool:
        """Whether all frames have the same box."""
        return bool(np.ptp(self.boxes, axis=0).max() <= _NARROW * np.abs(self.boxes).max())

    @property
    def narrowest(self) -> float:
        """The shortest distance [length] between two opposite faces of a box."""
        return float(1 / np.linalg.norm(np.linalg.inv(self.boxes), axis=1).max())

    def alike(self) -> BeadFrames:
        """Return the frames without molecules: all beads see one another."""
        return replace(self, molecule=None)

    def graphs(self, cutoff: float, *, inner_cutoff: float = 0.0) -> list[Graph]:
        """Return the pairs of every frame within the cutoff [length], those of a molecule apart up to the inner one."""
        return [graph(x, box, cutoff, types=self.codes, molecule=self.molecule, inner_cutoff=inner_cutoff)
                for x, box in zip(self.positions, self.boxes, strict=True)]  # fmt: skip

    def lengths_inside(self) -> dict[TypePair, Array]:
        """Return all distances [length] between beads of one molecule, nearest images, by types."""
        if self.molecule is None:
            return {}
        i, j = np.nonzero(np.triu(self.molecule[:, None] == self.molecule, 1))
        apart = self.positions[:, j] - self.positions[:, i]
        turns = np.round(np.einsum("fpk,fkl->fpl", apart, np.linalg.inv(self.boxes)))
        d = np.linalg.norm(apart - np.einsum("fpk,fkl->fpl", turns, self.boxes), axis=2)
        of = np.sort(np.stack([self.codes[i], self.codes[j]]), axis=0).T
        return {(int(a), int(b)): d[:, (of == (a, b)).all(axis=1)].ravel() for a, b in np.unique(of, axis=0)}

    def distributions(self, reach: float, bins: int, *, most: int = 200) -> tuple[Array, dict[TypePair, Array]]:
        """Return the middles of bins [length] and g(r) between molecules by types, of at most so many frames."""
        codes, kinds = self.codes, len(self.types)
        edges, counts = np.linspace(0.0, reach, bins + 1), np.zeros((kinds, kinds, bins))
        ids = np.arange(len(codes)) if self.molecule is None else self.molecule
        different = ids[:, None] != ids
        for x, box in self._some(most):
            i, j, vectors = pairs_within(x, box, reach)
            i, j, d = (part[different[i, j]] for part in (i, j, np.linalg.norm(vectors, axis=1)))
            volume = abs(np.linalg.det(box))
            for a, b in self.pairs():
                alike = ((codes[i] == a) & (codes[j] == b)) | ((codes[i] == b) & (codes[j] == a))
                counts[a, b] += np.histogram(d[alike], edges)[0] * volume
        shells = 4 / 3 * np.pi * np.diff(edges**3) * min(len(self), most)
        found = {}
        for a, b in self.pairs():
            among = different[np.ix_(codes == a, codes == b)].sum() / (2 if a == b else 1)
            found[a, b] = counts[a, b] / (shells * max(among, 1))
        return 0.5 * (edges[1:] + edges[:-1]), found

    def pairs(self) -> list[TypePair]:
        """Return all pairs of types."""
        return [(a, b) for a in range(len(self.types)) for b in range(a, len(self.types))]

    def _some(self, most: int) -> Iterator[tuple[Array, Array]]:
        for k in np.unique(np.linspace(0, len(self) - 1, min(len(self), most)).astype(int)):
            yield self.positions[k], self.boxes[k]


def bead_frames(data: xr.Dataset, types: Sequence[str] | None = None) -> BeadFrames:
    """Return the frames of a `trajectory` dataset; `types` are those of a potential, in its order."""
    names = [str(t) for t in data["type"].values]
    known = tuple(sorted(set(names)) if types is None else types)
    molecule = data["molecule"].values.astype(np.int64) if "molecule" in data else None
    if molecule is not None and len(np.unique(molecule)) == len(molecule):
        molecule = None
    values = {
        name: data[name].values.astype(np.float64) if name in data else None for name in ("force", "energy", "mass")
    }
    return BeadFrames(
        data["position"].values.astype(np.float64), data["box"].values.astype(np.float64), known, type_codes(names, known),
        units_of(data), molecule, values["force"], values["energy"], values["mass"],
    )  # fmt: skip
