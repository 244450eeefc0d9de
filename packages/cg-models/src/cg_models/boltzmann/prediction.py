"""One line each: P of a potential and a density, and U of a g(r) and a density, with errors; or a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from scipy.interpolate import Akima1DInterpolator, CubicSpline, PchipInterpolator
from torch import Tensor

from cg_data import infinite_liquid, tabulated
from cg_data.potentials.pair_potential import Array, PairPotential, Potential
from cg_models.boltzmann.domain import OutsideDomain, of_distributions, of_potentials
from cg_models.boltzmann.informed_pressure import CHAIN_SOLVED, SECOND_VIRIAL, estimates
from cg_models.boltzmann.networks import POINTS
from cg_models.boltzmann.options import CAP
from cg_models.boltzmann.pressure import input_curves
from cg_models.boltzmann.shipped import shipped
from cg_models.boltzmann.table import FINE, REACH, R, indirect, joined, on_points

_FINER = 5  # points of the potential's table between two of the network's
_SEEN = 0.3  # of g: where particles begin, if sigma is not said
_CONTACT = 0.92  # of σ: there, for a WCA core at kT
_VANISHING = 1e-100  # of g: slopes of less have no inverse
_ZERO = 1e-6  # of g, negative: as theories may say
_MIDDLE = 1e-3  # of a bin: points so near to the middle of bins from 0 on are a histogram's
_WIDE, _DENSE = 0.053, 0.6  # of σ, of σ³ρ: WCA and a soft tail in bins of 0.1 σ are off by 0.03 kT at 0.5, 0.4 at 0.8
_DISAGREED = 0.5  # kT: networks that differ by more, in the mean where U < 20 kT, know nothing
_NOTHING = 1e-3  # g below: too few pairs to say how high U is
_RISE, _WALL = 0.7, float(np.arcsinh(1e4))  # of asinh U/kT: from a point to the next inside a core, and at most


@dataclass(frozen=True, slots=True)
class PredictedPressure:
    """P and its error (the ensemble's spread) [energy/length³]; `score` is 1 where one in a hundred training rows was."""

    value: float
    stderr: float
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class PredictedPotential:
    """U(r) and its error (the ensemble's spread) [energy] on 50 points [length]; `score` as of the pressure.

    `potential` is ready to be simulated: through the points from where U is below 20 kT on, linear inside.
    """

    r: Array
    u: Array
    stderr: Array
    score: float
    potential: PairPotential

    @property
    def told(self) -> npt.NDArray[np.bool_]:
        """Where the potential goes through the points: not inside a core, of which a g(r) of nothing says nothing."""
        off = np.abs(self.potential.energy(self.r) - self.u)
        return off < 0.1 * np.abs(self.u) + 1e-3 * float(np.abs(self.u).max())


def pressure(potential: Potential, density: float, kT: float = 1.0, *, sigma: float = 1.0,
             network: Literal["informed", "paper"] = "informed") -> PredictedPressure:  # fmt: skip
    """Return P [energy/length³] of a liquid; OutsideDomain if the networks know nothing like it.

    `sigma` [length] is the unit of the 50 points, which reach to 5 σ. The paper's UN/c → {B₂…B₅} instead: `network="paper"`.
    """
    if not (density > 0 and kT > 0 and sigma > 0):
        raise ValueError(f"density, kT and sigma must be positive, got {density}, {kT} and {sigma}")
    if potential.cutoff > REACH * sigma * (1 + 1e-9):
        raise OutsideDomain(
            f"the networks see {REACH:g} sigma: U ends at {potential.cutoff:g}, give sigma ≥ {potential.cutoff / REACH:g}"
        )
    known = shipped("informed-pressure" if network == "informed" else "UN-c-Bn")
    u, force = (_row(x) for x in on_points(potential, kT, sigma))
    rho = torch.tensor([density * sigma**3], dtype=torch.float32)
    score = known.domain.check(of_potentials(u), rho, "the potential")
    told = estimates(potential, density, kT, sigma)
    if not told[CHAIN_SOLVED]:
        raise OutsideDomain(
            "the hypernetted chain has no solution here: of such states 5 in 100 were one liquid in equilibrium"
            " (657 random splines at four densities), of the others 90: simulate"
        )
    if network == "informed":
        mean, spread = known(u, rho, _row(told))
    else:
        mean, spread = known(input_curves(u, force, "c"), rho, torch.tensor([told[SECOND_VIRIAL]], dtype=torch.float32))
    unit = kT / sigma**3
    return PredictedPressure(float(mean[0]) * unit, float(spread[0]) * unit, float(score[0]))


def invert(r: npt.ArrayLike, g: npt.ArrayLike, density: float, kT: float = 1.0, *, sigma: float | None = None,
           particles: int | None = None, network: Literal["informed", "paper"] = "informed") -> PredictedPotential:  # fmt: skip
    """Return U(r) [energy] that makes g(r); OutsideDomain if the networks know nothing like it.

    `sigma` [length] is the unit of the 50 points, up to 5 σ, as far as g must be known; without it where g begins or a
    fifth of its reach, whichever the networks know better. `particles` were in the box that g is from: say it if they were fewer than some ten thousand.
    The paper's CN/f instead: `network="paper"`.
    """
    x, y = np.asarray(r, dtype=float), np.asarray(g, dtype=float)
    if x.ndim != 1 or x.shape != y.shape or len(x) < 8:
        raise ValueError(f"r and g must be rows of one length, 8 at least, got shapes {x.shape} and {y.shape}")
    if not (np.all(np.diff(x) > 0) and x[0] >= 0 and np.all(y >= -_ZERO) and np.isfinite(x[-1] + y.max())):
        raise ValueError("r must increase from 0 on, and g be finite and not negative")
    if not (density > 0 and kT > 0 and (sigma is None or sigma > 0)):
        raise ValueError(f"density, kT and sigma must be positive, got {density}, {kT} and {sigma}")
    y = np.where(np.abs(y) < _VANISHING, 0.0, y)
    reach = x[-1] + 0.5 * (x[-1] - x[-2])
    known = shipped("informed-potential" if network == "informed" else "CN-f")
    units = [sigma] if sigma is not None else _units(x, y, reach)
    if reach < REACH * min(units) * (1 - 1e-6):
        raise OutsideDomain(
            f"g must be known up to {REACH * min(units):g} (5 sigma), not only {reach:g}: measure further or give sigma"
        )
    if (
        (apart := float(np.median(np.diff(x)))) > _WIDE * min(units)
        and density * min(units) ** 3 > _DENSE
        and y[0] < _SEEN
    ):
        raise OutsideDomain(
            f"bins of {apart:g} lose the long range of U of a dense liquid with cores: measure g in bins of {min(units) / 20:.2g} or less"
        )
    tried = [(unit, *_seen(x, y, density, unit, particles)) for unit in units]
    unit, fine, rho = min(
        tried, key=lambda t: known.domain.farness(of_distributions(_row(_joined(t[1]))), torch.tensor([t[2]]))
    )
    bins, at = _joined(fine), torch.tensor([rho], dtype=torch.float32)
    score = known.domain.check(of_distributions(_row(bins)), at, "g(r)")
    mean, spread = known(_row(bins), _row(indirect(fine, rho)), at) if network == "informed" else known(_row(bins), at)
    u, off = mean[0].double().numpy(), spread[0].double().numpy()
    if (differing := float(np.mean(off[u < CAP]))) > _DISAGREED:
        raise OutsideDomain(
            f"the networks differ by {differing:.1f} kT: no pair potential that ends within 5 sigma makes this g(r), or its values"
            " are not means over bins"
        )
    return PredictedPotential(R * unit, u * kT, off * kT, float(score[0]), through(u, bins, kT=kT, sigma=unit))


def in_bins(r: Array, g: Array) -> Array:
    """Return the means of g in the 100 bins, of a histogram's own bins by their counts, of other points r [σ] by a curve.

    >>> even = (np.arange(200) + 0.5) * 0.025
    >>> bool(np.allclose(in_bins(even, np.ones(200)), 1))
    True
    """
    edges, width = np.linspace(0.0, REACH, FINE + 1), float(np.median(np.diff(r)))
    own = np.append(r - 0.5 * width, r[-1] + 0.5 * width)
    even = np.allclose(np.diff(r), width, rtol=1e-3, atol=0)
    if even and abs(own[0] / width - round(own[0] / width)) < _MIDDLE:
        own = np.maximum(own, 0.0)
        counted = np.concatenate([[0.0], np.cumsum(g * np.diff(own**3))])
        total = Akima1DInterpolator(own, counted)(np.clip(edges, own[0], own[-1]))
        return np.maximum(np.diff(total) / np.diff(edges**3), 0.0)
    fine = np.linspace(0.0, REACH, 20 * FINE + 1)
    between = PchipInterpolator(r, g)(np.clip(fine, r[0], r[-1]))
    between[fine < r[0]] = g[0] if r[0] < 2 * R[0] else 0.0
    shells, middle = np.diff(fine**3), 0.5 * (fine[1:] + fine[:-1])
    total = np.concatenate([[0.0], np.cumsum(np.interp(middle, fine, between) * shells)])[::20]
    return np.diff(total) / np.diff(edges**3)


def through(u: Array, g: Array | None = None, *, kT: float = 1.0, sigma: float = 1.0) -> PairPotential:
    """Return the potential through U/kT on the 50 points: smooth in asinh U, in which a steep core is nearly straight.

    Inside a core it goes on rising. The core is where U is above 20 kT; where the `g` that U was made of is nothing as well,
    as far as U there does not rise inwards.
    """
    above = np.flatnonzero(u >= CAP)
    first = int(above[-1]) if len(above) else 0
    if g is not None and g[0] < _NOTHING:
        first = max(first, int(np.argmax(g >= _NOTHING)))
    while first > 0 and CAP > u[first - 1] > u[first]:
        first -= 1
    first = min(first, POINTS - 4)
    known = np.arcsinh(u)
    rise = max(known[first] - known[first + 1], _RISE)
    inside = np.minimum(known[first] + rise * np.arange(first, 0, -1), _WALL)
    spline = CubicSpline(
        np.append(R, REACH), np.concatenate([inside, known[first:], [0.0]]), bc_type=("natural", "clamped")
    )
    fine = np.linspace(R[0], REACH, _FINER * POINTS)
    return tabulated(fine * sigma, np.sinh(spline(fine)) * kT)


def _units(r: Array, g: Array, reach: float) -> list[float]:
    """Return units of length to choose from: of where g begins, and a fifth of its reach."""
    widest = reach / REACH
    return [min(float(r[np.argmax(g > _SEEN)]) / _CONTACT, widest), widest] if g[0] < _SEEN else [widest]


def _seen(r: Array, g: Array, density: float, unit: float, particles: int | None) -> tuple[Array, float]:
    """Return g in the 100 bins of a unit, of an infinite liquid, and the density."""
    fine, rho = in_bins(r / unit, np.maximum(g, 0.0)), density * unit**3
    return (fine if particles is None else infinite_liquid(fine, rho, REACH / FINE, particles)), rho


def _joined(fine: Array) -> Array:
    return joined(fine, np.zeros(FINE))[0]


def _row(values: npt.ArrayLike) -> Tensor:
    return torch.tensor(np.asarray(values)[None], dtype=torch.float32)
