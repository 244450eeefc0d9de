"""Sampling a potential for an engine's file: the grid, the left limit at the cutoff, and the core."""

from __future__ import annotations

import numpy as np

from cg_data.formats.columns import TableRows
from cg_data.interactions import Pair
from cg_data.pair_table import PairTable
from cg_data.potentials.inward import Wall
from cg_data.potentials.pair_potential import Array, Potential, just_inside

_STEEPEST = 0.5  # a power-law core is followed down to this share of r_min, linearly below


def sample(potential: Potential, pair: Pair, r: Array) -> TableRows:
    """Return rows of the exact curve at r; at the cutoff itself the left limit, not the zero beyond it.

    A power-law core, infinite at r = 0, turns linear in force below half of its first trusted distance.
    """
    cutoff = potential.cutoff
    at = np.where(np.isclose(r, cutoff, rtol=1e-12, atol=0), just_inside(cutoff), r)
    start = trusted_from(potential) or 0.0
    floor = _floor(potential, start)
    inside = np.maximum(at, floor)
    u, f = potential.energy(inside), potential.force(inside)
    deep = at < floor
    if np.any(deep):
        step = 1e-6 * floor
        k = float(potential.force(floor + step) - potential.force(floor)) / step
        wall = Wall("linear", floor, float(potential.energy(floor)), float(potential.force(floor)), k)
        u[deep], f[deep] = wall(at[deep])
    trusted = (r >= start * (1 - 1e-12)) & (at < cutoff)
    if not (np.all(np.isfinite(u)) and np.all(np.isfinite(f))):
        raise ValueError("the potential is not finite on the grid to be written: give potential.table() instead")
    return TableRows(pair, r, u, f, trusted, cutoff)


def trusted_from(potential: Potential) -> float | None:
    """Return the first trusted distance [length] for a file's header, None if all is trusted."""
    return float(getattr(potential, "trusted_from", 0.0)) or None


def _floor(potential: Potential, start: float) -> float:
    return _STEEPEST * start if getattr(potential, "inner", "") == "power" else 0.0


def tabled(potential: Potential, n: int) -> Potential:
    """Return the potential itself if it is a table, else its table: what files and engines share."""
    return potential if isinstance(potential, PairTable) else PairTable.from_potential(potential, max(n, 1000))


def require_core(potential: Potential, engine: str) -> None:
    """Raise where an engine would invent its own core: the potential has none below its first trusted point."""
    if getattr(potential, "inner", "") == "error":
        raise ValueError(
            f"{engine} needs a core below r = {getattr(potential, 'trusted_from', 0.0):.6g}, this table has none: "
            f"make it with inner='linear' or inner='power'"
        )
