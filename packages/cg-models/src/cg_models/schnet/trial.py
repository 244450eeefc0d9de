"""Does it run? Short dynamics of a potential, at any time of its training: a loss does not say whether a simulation is stable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cg_models.schnet.bead_potential import BeadPotential
from cg_models.schnet.dynamics import BeadDynamics
from cg_models.schnet.graph import pairs_within
from cg_models.schnet.moving import MovingGraph

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What short dynamics gave: the share of it that went well, kT at its end, the closest pair, and g(r) between molecules.

    `trace` is kT of the motion (sample, system); `frames` are the finite ones of the second half, which g(r) is of.
    """

    stable: bool
    lasted: float
    kT: float
    closest: float
    r: Array
    g: Array
    trace: Array
    frames: Array


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """How potentials are tried: from frames (system, bead, 3), at kT, for so many steps; units are those of the potential."""

    positions: npt.ArrayLike
    box: npt.ArrayLike
    masses: npt.ArrayLike
    kT: float
    dt: float
    friction: float
    types: npt.ArrayLike | None = None
    molecule: npt.ArrayLike | None = None
    steps: int = 1000
    every: int = 20
    reach: float = 10.0
    bins: int = 100
    skin: float = 1.0
    seed: int = 0

    def __call__(self, potential: BeadPotential) -> Verdict:
        """Return how the potential does; weights are as they are, averaged ones within `ForceMatcher.averaging()`.

        What breaks down at once has lasted for nothing.
        """
        x, options = np.asarray(self.positions, dtype=np.float64), potential.network.options
        x = x[None] if x.ndim == 2 else x
        types = np.zeros(x.shape[1], dtype=int) if self.types is None else self.types
        kind = next(potential.parameters()).dtype
        graph = MovingGraph(types, self.box, options.cutoff, skin=self.skin, molecule=self.molecule,
                            inner_cutoff=options.inner_cutoff, dtype=kind)  # fmt: skip
        learning = potential.training
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                moving = BeadDynamics(potential, graph, x, self.masses, kT=self.kT, dt=self.dt, friction=self.friction, seed=self.seed)  # fmt: skip
                run = moving.run(self.steps, every=self.every)
        except FloatingPointError:
            middles = (np.arange(self.bins) + 0.5) * self.reach / self.bins
            return Verdict(False, 0.0, np.nan, np.nan, middles, np.zeros(self.bins), np.empty((0, len(x))), x[:0])
        finally:
            potential.train(learning)
        frames = run.positions[len(run.positions) // 2 :].reshape(-1, *x.shape[1:])
        frames = frames[np.isfinite(frames).all(axis=(1, 2))]
        r, g = distribution(frames, self.box, self.reach, self.bins, self.molecule)
        lasted = np.where(run.broke < 0, self.steps, run.broke).mean() / self.steps
        closest = r[np.argmax(g > 0)] if g.any() else np.inf
        return Verdict(run.stable, float(lasted), float(run.kT[-1].mean()), float(closest), r, g, run.kT, frames)


def distribution(
    frames: npt.ArrayLike, box: npt.ArrayLike, reach: float, bins: int, molecule: npt.ArrayLike | None = None
) -> tuple[Array, Array]:
    """Return the middles of bins up to `reach` and g(r) of frames (frame, bead, 3), of pairs of different molecules.

    >>> spread = np.random.default_rng(0).random((20, 200, 3)) * 10
    >>> r, g = distribution(spread, np.full(3, 10.0), 4.0, 4)
    >>> r.tolist(), bool(abs(g[3] - 1) < 0.02)
    ([0.5, 1.5, 2.5, 3.5], True)
    """
    each = np.asarray(frames, dtype=np.float64)
    cell = np.asarray(box, dtype=np.float64)
    volume = abs(np.linalg.det(cell)) if cell.ndim == 2 else float(np.prod(cell))
    edges, counts = np.linspace(0, reach, bins + 1), np.zeros(bins)
    ids = np.arange(each.shape[1]) if molecule is None else np.asarray(molecule)
    for x in each:
        i, j, vectors = pairs_within(x, cell, reach)
        apart = ids[i] != ids[j]
        counts += np.histogram(np.linalg.norm(vectors[apart], axis=1), edges)[0]
    _, sizes = np.unique(ids, return_counts=True)
    pairs = 0.5 * (len(ids) ** 2 - float((sizes**2).sum()))
    shells = 4 / 3 * np.pi * np.diff(edges**3) / volume
    return 0.5 * (edges[1:] + edges[:-1]), counts / (max(len(each), 1) * pairs * shells)
