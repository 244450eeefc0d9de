"""What the networks of paper 01 learn from: liquids of a campaign on 50 points, in units of kT and σ."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from cg_data import infinite_liquid, low_density_pressure, shell_volumes
from cg_data.potentials.pair_potential import Array, Potential
from cg_models.boltzmann.networks import POINTS

REACH = 5.0  # σ
STEEPEST = 1000.0  # kT, kT/σ: U and F beyond are nothing that single precision or a network could use
R = np.asarray((np.arange(POINTS) + 0.5) * (REACH / POINTS), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class LiquidTable:
    """Rows of liquids: U, F and g (row, point), and numbers of each row. `potential` numbers potentials, whatever the density."""

    potential: Tensor
    density: Tensor
    u: Tensor
    force: Tensor
    g: Tensor
    g_stderr: Tensor
    pressure: Tensor
    pressure_stderr: Tensor
    estimate: Tensor

    def __len__(self) -> int:
        return len(self.density)

    def __getitem__(self, rows: Tensor) -> LiquidTable:
        """Return the rows that a mask or indices choose."""
        return LiquidTable(*(getattr(self, f.name)[rows] for f in fields(self)))

    def joined(self, other: LiquidTable) -> LiquidTable:
        """Return the rows of both; potentials of the other have numbers beyond ours."""
        beyond = int(self.potential.max()) + 1 if len(self) else 0
        columns = [torch.cat([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)[1:]]
        return LiquidTable(torch.cat([self.potential, other.potential + beyond]), *columns)


def liquid_table(
    runs: xr.Dataset, potentials: Mapping[str, Potential], *, kinds: Sequence[str] = ("liquid",)
) -> LiquidTable:
    """Return the rows of a campaign whose samples were of one of the `kinds`; potentials by the names of its rows.

    g is that of an infinite liquid (`cg_data.infinite_liquid`): how many particles there were is not to be learned.
    """
    known = runs.attrs["kinds"]
    known = json.loads(known) if isinstance(known, str) else list(known)
    chosen = np.isin(runs["kind"].values, [known.index(kind) for kind in kinds])
    kept = runs.isel(row=chosen & (runs["done"].values if "done" in runs else True))
    names = kept["potential"].values.astype(str)
    number = np.unique(names, return_inverse=True)[1]
    kT, density = kept["kT"].values, kept["density"].values
    curves = [on_points(potentials[name], at) for name, at in zip(names, kT, strict=True)]
    g, g_stderr = binned(kept["r"].values, kept["g"].values, kept["g_stderr"].values)
    g = infinite_liquid(g, density, R[0] * 2, kept["particles"].values)
    estimates = [low_density_pressure(potentials[n], x, kT=t) / t for n, x, t in zip(names, density, kT, strict=True)]
    columns = (density, *(np.array(c) for c in zip(*curves, strict=True)), g, g_stderr,
               kept["pressure"].values / kT, kept["pressure_stderr"].values / kT, np.array(estimates))  # fmt: skip
    return LiquidTable(torch.from_numpy(number), *(torch.tensor(c, dtype=torch.float32) for c in columns))


def on_points(potential: Potential, kT: float = 1.0, sigma: float = 1.0) -> tuple[Array, Array]:
    """Return U/kT and Fσ/kT on the 50 points, neither steeper than a thousand."""
    r = R * sigma
    within = r < potential.cutoff
    u, force = np.zeros(POINTS), np.zeros(POINTS)
    with np.errstate(over="ignore"):
        u[within] = potential.energy(r[within]) / kT
        force[within] = potential.force(r[within]) * (sigma / kT)
    return np.clip(u, -STEEPEST, STEEPEST), np.clip(force, -STEEPEST, STEEPEST)


def binned(r: Array, g: Array, g_stderr: Array) -> tuple[Array, Array]:
    """Return g (…, bin) and its error in the 50 bins, of which each joins some of the bins that g was counted in.

    >>> fine = (np.arange(100) + 0.5) * 0.05
    >>> bool(np.allclose(binned(fine, np.ones(100), np.ones(100))[0], 1))
    True
    """
    joined = len(r) // POINTS
    if joined * POINTS != len(r) or not np.allclose(r, (np.arange(len(r)) + 0.5) * (REACH / len(r))):
        raise ValueError(
            f"g must be counted in a multiple of {POINTS} equal bins up to {REACH:g} σ, got {len(r)} up to {r[-1]:g}"
        )
    share = shell_volumes(r).reshape(POINTS, joined)
    share /= share.sum(axis=1, keepdims=True)
    split = (*g.shape[:-1], POINTS, joined)
    return (share * g.reshape(split)).sum(axis=-1), np.sqrt(((share * g_stderr.reshape(split)) ** 2).sum(axis=-1))
