"""Forces and g(r) at once: a pair potential added to a network of forces, until its liquid has the g(r) of the atoms.

python notebooks/runs/benzene_corrected.py NETWORK [--rounds 8] [--weight 30]

NETWORK is a file of benzene_scan.py or of results/02, of one bead a molecule. Of all splines, the one with the least loss: χ² of the forces of
the data (their errors as large as the network leaves them) and that of g (errors of the atoms, of the run, and 0.01) times a weight; with 1 the
forces, which are many, leave g where it is. How g follows the coefficients is found by reweighting the run, ∂g/∂c = −cov(g, Σ B)/kT. Writes notebooks/results/02/beads-1-corrected.safetensors and corrected.nc, a row a round.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import benzene_beads as beads
import numpy as np
import numpy.typing as npt
import torch
import xarray as xr
from benzene_models import virial_pressure
from benzene_scan import BINS, FEMTOSECOND, KT, MASS, REACH
from scipy.interpolate import BSpline

import cg_data as cd
from cg_models.schnet.bead_potential import BeadPotential, Prior
from cg_models.schnet.dynamics import BeadDynamics
from cg_models.schnet.graph import graph, pairs_within
from cg_models.schnet.moving import MovingGraph
from cg_models.schnet.storage import load_beads, save_beads
from cg_models.schnet.trial import distribution

Array = npt.NDArray[np.float64]
FIRST, PIECES = 3.2, 12  # Å: where splines begin; how many intervals to the cutoff
FRAMES, SYSTEMS, STEP = 200, 4, 5.0  # of the data, for forces; side by side; fs
SETTLE, SAMPLE, EVERY = 4.0, 30.0, 0.25  # ps: not counted, counted, between frames
DAMPING = 0.7


@dataclass(frozen=True, slots=True)
class Splines:
    """Cubic B-splines of the distance from FIRST to the cutoff, where they end with their first two slopes."""

    cutoff: float

    def basis(self) -> BSpline:
        spacing = (self.cutoff - FIRST) / PIECES
        knots = FIRST + spacing * np.arange(-3, PIECES + 4)
        return BSpline(knots, np.eye(PIECES + 3)[:, :PIECES], 3)

    def __call__(self, d: Array, order: int = 0) -> Array:
        """Return (distance, coefficient) values or slopes; nothing beyond the cutoff, straight lines below FIRST."""
        basis, inside = self.basis(), np.maximum(d, FIRST)
        found = np.asarray(basis(inside, nu=order))
        if order == 0:
            found = found + np.minimum(d - FIRST, 0)[:, None] * np.asarray(basis(inside, nu=1))
        return np.where((d < self.cutoff)[:, None], found, 0.0)

    def table(self, c: Array) -> cd.PairTable:
        r = np.linspace(FIRST, self.cutoff, 400)
        u, f = self(r) @ c, -self(r, 1) @ c
        u[-1] = f[-1] = 0.0
        return cd.PairTable.from_forces(FIRST, self.cutoff, u, f)


@dataclass(frozen=True, slots=True)
class Correction:
    """A network, the atoms' forces and g, and what a spline may do to it."""

    bare: BeadPotential
    position: Array
    force: Array
    edge: float
    g: Array
    g_error: Array
    weight: float

    @property
    def splines(self) -> Splines:
        return Splines(self.bare.network.options.cutoff)

    def potential(self, c: Array) -> BeadPotential:
        core = self.bare.prior.between[0, 0]
        made = BeadPotential(self.bare.network, Prior({(0, 0): core + self.splines.table(c)}))
        made.offset.copy_(self.bare.offset)
        return made.eval()

    def of_forces(self) -> tuple[Array, Array, float, int]:
        """Return BᵀB and Bᵀf of what the network leaves of the forces f, its mean square, and how many components."""
        square, along, left, n = np.zeros((PIECES, PIECES)), np.zeros(PIECES), 0.0, 0
        knots = self.bare.network.tabulated()
        for k in np.linspace(0, len(self.position) - 1, FRAMES).astype(int):
            pairs = graph(self.position[k], np.full(3, self.edge), self.splines.cutoff)
            f = self.force[k] - self.bare(pairs, knots=knots)[1].detach().double().numpy()
            slopes = self.splines(pairs.d.double().numpy(), 1)
            each = np.stack(
                [pairs.forces(torch.from_numpy(s.astype(np.float32))).double().numpy() for s in slopes.T], axis=-1
            )
            b = each.reshape(-1, PIECES)
            square, along, left, n = square + b.T @ b, along + b.T @ f.ravel(), left + float((f**2).sum()), n + f.size
        scale = len(self.position) / FRAMES
        return square * scale, along * scale, left / n, n

    def run(self, c: Array, x: Array, seed: int, picoseconds: float = SAMPLE) -> tuple[Array, Array, Array, Array]:
        """Return g (frame, r) and Σ B (frame, coefficient) of dynamics from x, g of each system, and the frames."""
        potential, box = self.potential(c), np.full(3, self.edge)
        moving = BeadDynamics(potential, MovingGraph(np.zeros(x.shape[1], int), box, self.splines.cutoff), x, MASS, kT=KT,
                              dt=STEP * FEMTOSECOND, friction=1e-3 / FEMTOSECOND, seed=seed)  # fmt: skip
        moving.run(round(1000 * SETTLE / STEP), every=1000, keep=False)
        frames = moving.run(round(1000 * picoseconds / STEP), every=round(1000 * EVERY / STEP)).positions
        g = np.array([[distribution(at[None], box, REACH, BINS)[1] for at in row] for row in frames])
        sums = np.array([[self.splines(np.linalg.norm(pairs_within(at, box, self.splines.cutoff)[2], axis=1)).sum(axis=0)
                          for at in row] for row in frames])  # fmt: skip
        return g.reshape(-1, BINS), sums.reshape(-1, PIECES), g.mean(axis=0), frames

    def better(self, c: Array, forces: tuple[Array, Array, float, int], g: Array, sums: Array, error: Array) -> Array:
        """Return the coefficients of the least loss, to first order about c."""
        square, along, noise, _ = forces
        follows = -((g - g.mean(axis=0)).T @ (sums - sums.mean(axis=0))) / (len(g) - 1) / KT
        weight = np.where(self.g_error > 0, self.weight / (self.g_error**2 + error**2 + 1e-4), 0.0)
        off = self.g - g.mean(axis=0)
        left = follows.T @ (weight[:, None] * follows) + square / noise
        right = follows.T @ (weight * off) + (along - square @ c) / noise
        return c + DAMPING * np.linalg.solve(left, right)


def found_by(work: Correction, rounds: int) -> tuple[Array, xr.Dataset]:
    """Return the coefficients of the round whose g is the nearest, and all rounds."""
    forces = work.of_forces()
    x = work.position[np.linspace(0, len(work.position) - 1, SYSTEMS).astype(int)]
    c, rows = np.zeros(PIECES), []
    for number in range(rounds):
        g, sums, each, frames = work.run(c, x, seed=number)
        x = frames[-1]
        error = each.std(axis=0, ddof=1) / np.sqrt(SYSTEMS)
        square, along, noise, n = forces
        scale = len(work.position) / FRAMES
        cost = float(np.sqrt(noise + (c @ square @ c - 2 * along @ c) / (n * scale)))
        off = float(((g.mean(axis=0) - work.g) ** 2).mean())
        rows.append((c, g.mean(axis=0), error, cost, off, float((error**2 + work.g_error**2).mean())))
        print(
            f"round {number}: ⟨Δg²⟩ {off:.2e} (noise {rows[-1][-1]:.1e}), force error {cost:.4f} kcal/mol/Å", flush=True
        )
        c = work.better(c, forces, g, sums, error)
    names = ("c", "g", "g_error", "force_error", "mean_square", "noise")
    dims: Sequence[tuple[str, ...]] = (
        ("round", "spline"),
        ("round", "r"),
        ("round", "r"),
        ("round",),
        ("round",),
        ("round",),
    )
    table = xr.Dataset({name: (dim, np.array(column)) for name, dim, column in zip(names, dims, zip(*rows, strict=True), strict=True)})  # fmt: skip
    return rows[int(np.argmin([row[4] for row in rows]))][0], table


def checked(work: Correction, c: Array) -> xr.Dataset:
    """Return g and the pressure of an independent run, twice as long."""
    x = work.position[np.linspace(0, len(work.position) - 1, SYSTEMS).astype(int)]
    g, _, each, frames = work.run(c, x, seed=100, picoseconds=2 * SAMPLE)
    pairs = MovingGraph(np.zeros(x.shape[1], int), np.full(3, work.edge), work.splines.cutoff)
    pressure, error = virial_pressure(work.potential(c), pairs, frames[::2], KT, work.edge)
    return xr.Dataset({"check_g": ("r", g.mean(axis=0)), "check_g_error": ("r", each.std(axis=0, ddof=1) / np.sqrt(SYSTEMS)),
                       "pressure": ((), pressure, {"units": "atm"}), "pressure_error": ((), error, {"units": "atm"})})  # fmt: skip


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("network", type=Path)
    words.add_argument("--rounds", type=int, default=8)
    words.add_argument("--weight", type=float, default=30.0)
    words.add_argument("--frames", type=int, default=1000)
    words.add_argument("--folder", type=Path, default=beads.RESULTS)
    options = words.parse_args()
    torch.set_num_threads(1)
    data, atoms = (
        beads.read("beads-1", options.folder).isel(frame=slice(options.frames)),
        xr.load_dataset(options.folder / "atoms.nc"),
    )
    work = Correction(load_beads(options.network).potential, data.position.values.astype(float), data.force.values.astype(float),
                      float(data.box.values.flat[0]), atoms.g_centers.values, atoms.g_centers_error.values, options.weight)  # fmt: skip
    c, table = found_by(work, options.rounds)
    save_beads(work.potential(c), options.folder / "beads-1-corrected.safetensors", ("B",), beads.UNITS)
    table = table.merge(checked(work, c))
    table.assign_attrs(
        network=options.network.name, weight=options.weight, seed="0 to the number of rounds − 1"
    ).to_netcdf(options.folder / "corrected.nc")


if __name__ == "__main__":
    main()
