"""What is to be solved: state points, and the spline space in which one potential shall serve them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from cg_data import Interactions, Potential, as_interactions
from cg_inverse.problems.basis import PairBasis, SplineBasis
from cg_inverse.problems.bins import Array
from cg_inverse.problems.state_point import StatePoint, state_point

_KNOTS_PER_DIAMETER = 30  # the diameter is where g has its maximum
_CEILING = 10.0  # kT: above, a potential given to start with counts less
_HARDNESS = 10.0  # kT: of the wall inside the core


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """State points that share one potential, expanded in `basis`."""

    states: tuple[StatePoint, ...]
    basis: PairBasis

    @property
    def kT(self) -> float:
        """The first state's, as a unit of energy."""
        return self.states[0].kT

    @property
    def pairs(self) -> tuple[str, ...]:
        return self.basis.pairs

    @property
    def weights(self) -> Array:
        """Weights of the states, their sum 1."""
        w = np.array([state.weight for state in self.states])
        return np.asarray(w / w.sum())

    def coefficients(self, potential: Potential | Interactions) -> Array:
        """Return the coefficients nearest to a potential."""
        name = self.pairs[0].split("-")[0]
        given = as_interactions(potential, name)
        return self.basis.projected(given, ceiling=_CEILING * self.kT)


def problem(
    targets: xr.Dataset | Sequence[xr.Dataset],
    *,
    cutoff: float,
    weights: Sequence[float] | None = None,
    knots: float | None = None,
) -> Problem:
    """Return the problem of finding potentials up to `cutoff` [length] for one target or several.

    `weights` of the states are equal unless given. `knots` is the distance between spline knots [length], by default
    a 30th of where g has its maximum, but not less than the target's shells. A target may reach beyond the cutoff,
    and should: residuals are taken over all of it.
    """
    given = [targets] if isinstance(targets, xr.Dataset) else list(targets)
    shares = [1.0] * len(given) if weights is None else list(weights)
    if not given or len(shares) != len(given):
        raise ValueError(f"give one weight per target: {len(given)} targets, {len(shares)} weights")
    states = tuple(
        state_point(data, weight=w, name=_name(data, k)) for k, (data, w) in enumerate(zip(given, shares, strict=True))
    )
    for state in states:
        if cutoff > state.bins.r_max * (1 + 1e-9):
            raise ValueError(f"the cutoff {cutoff:g} is beyond {state.name}, known up to r = {state.bins.r_max:.4g}")
    pairs = tuple(sorted({p for state in states for p in state.pairs}))
    return Problem(states, PairBasis(pairs, tuple(_spline(p, states, cutoff, knots) for p in pairs)))


def _name(data: xr.Dataset, k: int) -> str:
    return f"{data.attrs.get('source') or 'target'}-{k + 1}" if k else str(data.attrs.get("source") or "target")


def _spline(pair: str, states: tuple[StatePoint, ...], cutoff: float, knots: float | None) -> SplineBasis:
    """Return the splines from the first shell that any target trusts to the cutoff."""
    cores, spacings = [], []
    for state in states:
        if pair not in state.pairs:
            continue
        k = state.pairs.index(pair)
        inside = np.flatnonzero(state.trusted[k] & (state.bins.edges[1:] <= cutoff))
        if len(inside) < 8:
            raise ValueError(f"{state.name}, {pair}: fewer than 8 shells within the cutoff {cutoff:g} hold pairs")
        cores.append(float(state.bins.edges[inside[0]]))
        peak = float(state.bins.r[np.argmax(state.g[k])])
        spacings.append(max(state.bins.width, peak / _KNOTS_PER_DIAMETER))
    core, spacing = min(cores), knots if knots is not None else min(spacings)
    if not 0 < spacing < (cutoff - core) / 4:
        raise ValueError(f"knots {spacing:.4g} apart leave no spline between {core:.4g} and the cutoff {cutoff:g}")
    hardness = _HARDNESS * max(state.kT for state in states)
    return SplineBasis(core, float(cutoff), max(4, round((cutoff - core) / spacing)), hardness)
