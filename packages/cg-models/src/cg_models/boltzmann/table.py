"""What the networks of paper 01 learn from: liquids of a campaign on 50 points, in units of kT and σ."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import torch
import xarray as xr
from torch import Tensor

from cg_data import infinite_liquid, low_density_pressure, shell_volumes
from cg_data.potentials.pair_potential import Array, Potential
from cg_data.theory.factorization import direct_correlation_within
from cg_models.boltzmann.networks import POINTS

REACH = 5.0  # σ
FINE = 2 * POINTS  # bins of g, of which networks see pairs joined: a dense liquid's γ is lost in wider ones
STEEPEST = 1000.0  # kT, kT/σ: U and F beyond are nothing that single precision or a network could use
_GAMMA = 20.0  # kT
R = np.asarray((np.arange(POINTS) + 0.5) * (REACH / POINTS), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class LiquidTable:
    """Rows of liquids: U, F, g and γ = h − c (row, point), g in bins half as wide (row, bin), and numbers of each row.

    `potential` numbers potentials, whatever the density.
    """

    potential: Tensor
    density: Tensor
    u: Tensor
    force: Tensor
    g: Tensor
    g_stderr: Tensor
    gamma: Tensor
    fine: Tensor
    pressure: Tensor
    pressure_stderr: Tensor
    estimate: Tensor

    def __len__(self) -> int:
        return len(self.density)

    def __getitem__(self, rows: Tensor) -> LiquidTable:
        """Return the rows that a mask or indices choose."""
        return LiquidTable(*(getattr(self, f.name)[rows] for f in fields(self)))

    def with_rows(self, other: LiquidTable) -> LiquidTable:
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
    counted, error = binned(kept["r"].values, kept["g"].values, kept["g_stderr"].values)
    fine = infinite_liquid(counted, density, REACH / FINE, kept["particles"].values)
    g, g_stderr = joined(fine, error)
    estimates = [low_density_pressure(potentials[n], x, kT=t) / t for n, x, t in zip(names, density, kT, strict=True)]
    columns = (density, *(np.array(c) for c in zip(*curves, strict=True)), g, g_stderr, indirect(fine, density), fine,
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
    """Return g (…, bin) and its error in the 100 bins, of which each joins some of the bins that g was counted in.

    >>> narrow = (np.arange(200) + 0.5) * 0.025
    >>> bool(np.allclose(binned(narrow, np.ones(200), np.ones(200))[0], 1))
    True
    """
    if len(r) % FINE or not len(r) or not np.allclose(r, (np.arange(len(r)) + 0.5) * (REACH / len(r))):
        raise ValueError(
            f"g must be counted in a multiple of {FINE} equal bins up to {REACH:g} σ, got {len(r)} up to {r[-1]:g}"
        )
    return joined(g, g_stderr, FINE)


def joined(g: Array, g_stderr: Array, bins: int = POINTS) -> tuple[Array, Array]:
    """Return g (…, bin) and its error in fewer bins."""
    narrow = g.shape[-1]
    share = shell_volumes((np.arange(narrow) + 0.5) * (REACH / narrow)).reshape(bins, narrow // bins)
    share /= share.sum(axis=1, keepdims=True)
    split = (*g.shape[:-1], bins, narrow // bins)
    return (share * g.reshape(split)).sum(axis=-1), np.sqrt(((share * g_stderr.reshape(split)) ** 2).sum(axis=-1))


def indirect(fine: Array, density: npt.ArrayLike) -> Array:
    """Return γ = h − c on the 50 points of g in the 100 bins, if U ends within them; no more than 20 kT, which is no answer."""
    c, _ = direct_correlation_within(fine - 1, density, REACH / FINE)
    gamma = np.clip(np.nan_to_num(fine - 1 - c), -_GAMMA, _GAMMA)
    return np.asarray(0.5 * (gamma[..., ::2] + gamma[..., 1::2]))
