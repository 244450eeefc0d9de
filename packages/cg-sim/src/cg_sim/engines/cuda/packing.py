"""Jobs as the numbers and tables that kernels read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cg_sim.box import Array, check_reach, is_orthorhombic, widths
from cg_sim.curves import Curves, exact_curves, fast_curves, tables_of, unreachable_energy
from cg_sim.engines.cpu.kernels import loop
from cg_sim.engines.protocol import Job
from cg_sim.ensembles import NVE, Bussi, Langevin, NoseHoover, degrees_of_freedom

# columns of the real numbers of a job; a box and its inverse take nine each, row by row
BOX, INVERSE, DT, KT, C1, SPREAD, TAU, FREEDOM, SLACK2, FAR2, REACH2, NEAREST2, REALS = 0, 9, *range(18, 29)
# columns of the whole numbers of a job: particles, first particle, pairs of types before its own, types …
N, FIRST, PAIR, TYPES, THERMOSTAT, SUBSTEPS, CHAIN, WHOLES = range(8)

_SKIN = 0.16  # of the cutoff
_EVERYTHING = 1e15  # a reach that no distance exceeds, its square finite in single precision


class Tables(NamedTuple):
    """Curves of several jobs: coefficients, four a row; per pair of types (start, 1/spacing, rows, cutoff²), first row.

    The start is of the curve's argument: r, or r² in single precision.
    """

    rows: npt.NDArray[np.floating]
    shapes: npt.NDArray[np.floating]
    firsts: npt.NDArray[np.int32]


class Potentials(NamedTuple):
    """Tables in working and in double precision, and per job its first pair of types and its curves."""

    working: Tables
    exact: Tables
    first_pair: list[int]
    curves: list[Curves]


def potentials(jobs: Sequence[Job]) -> Potentials:
    """Return the tables of all jobs, one copy of each potential that jobs share."""
    found: dict[object, tuple[int, Curves, Curves]] = {}
    pairs, first_pair, curves = 0, [], []
    for job in jobs:
        names, types = job.state.names, len(job.state.names)
        ceiling = 2.0 ** math.ceil(math.log2(unreachable_energy(job.state, job.kT)))  # few values: tables are shared
        key = (id(job.forces), names, ceiling)
        if key not in found:
            tables = tables_of(job.interactions, names)
            exact = exact_curves(tables, types, ceiling=ceiling)
            working = exact if job.precision == "double" else fast_curves(tables, types, ceiling=ceiling)
            found[key] = pairs, working, exact
            pairs += types**2
        check_reach(job.state.box, found[key][2].cutoff, "cutoff")
        first_pair.append(found[key][0])
        curves.append(found[key][2])
    return Potentials(
        _joined([working for _, working, _ in found.values()]), _joined([e for *_, e in found.values()]),
        first_pair, curves,
    )  # fmt: skip


def _joined(parts: list[Curves]) -> Tables:
    offsets = np.cumsum([0, *(len(part.rows) for part in parts)])
    if 4 * offsets[-1] > np.iinfo(np.int32).max:
        raise ValueError(f"{len(parts)} potentials have {offsets[-1]} table rows together: make batches of fewer")
    pairs = np.concatenate([part.pairs for part in parts])
    firsts = [part.pairs[:, 3].astype(np.int64) + offset for part, offset in zip(parts, offsets, strict=False)]
    start, scale, last = pairs[:, 0], pairs[:, 1], pairs[:, 2]
    end = start + last / scale
    end = end if pairs.dtype == np.float32 else end**2  # the argument of single-precision curves is r²
    shapes = np.stack([start, scale, last, end], axis=1)
    return Tables(np.concatenate([p.rows.ravel() for p in parts]), shapes, np.concatenate(firsts).astype(np.int32))


def reach_of(box: Array, cutoff: float) -> float:
    """Return how far the neighbor list looks [length].

    Rounded fractions find the nearest image up to half the smallest width; beyond, in a triclinic box, they may
    find another. Such a box is small: there every pair is listed.
    """
    reach = cutoff * (1 + _SKIN)
    return _EVERYTHING if reach > 0.5 * widths(box).min() and not is_orthorhombic(box) else reach


def settings_of(job: Job, curves: Curves) -> loop.Settings:
    """Return a job's constants; the seed is kept apart."""
    friction, tau, substeps = 0.0, 1.0, 1
    match job.thermostat:
        case NVE():
            ensemble = loop.NVE
        case Langevin(friction):
            ensemble = loop.LANGEVIN
        case NoseHoover(tau, _, substeps):
            ensemble = loop.CHAIN
        case Bussi(tau):
            ensemble = loop.RESCALING
        case other:
            raise TypeError(f"unknown thermostat {other!r}: NVE, Langevin, NoseHoover or Bussi")
    box = job.barostat
    return loop.Settings(
        ensemble, float(job.dt), float(job.kT), float(friction), float(tau),
        float(degrees_of_freedom(job.state.n, job.thermostat)), curves.cutoff,
        reach_of(job.state.box, curves.cutoff), curves.nearest, 0.5 * curves.cutoff, int(job.seed), int(substeps),
        int(box.every) if box else 0, float(box.pressure) if box else 0.0, float(box.tau) if box else 1.0,
        float(box.compressibility) if box else 0.0,
    )  # fmt: skip


def real_numbers(s: loop.Settings, box: Array) -> Array:
    """Return the columns BOX … NEAREST2 of a job."""
    out = np.zeros(REALS)
    out[BOX:INVERSE] = box.ravel()
    out[INVERSE:DT] = np.linalg.inv(box).ravel()
    c1 = math.exp(-s.friction * s.dt) if s.ensemble == loop.LANGEVIN else 1.0
    slack = min(0.5 * (s.reach - s.cutoff), s.cutoff)
    out[[DT, KT, C1, SPREAD, TAU, FREEDOM]] = s.dt, s.kT, c1, math.sqrt(s.kT * (1 - c1 * c1)), s.tau, s.freedom
    out[[SLACK2, FAR2]] = slack**2, (slack + s.stride) ** 2
    out[[REACH2, NEAREST2]] = s.reach**2 * (1 + 1e-6), s.nearest**2
    return out


def whole_numbers(job: Job, s: loop.Settings, first: int, pair: int, chain: int) -> npt.NDArray[np.int64]:
    """Return the columns N … CHAIN of a job whose particles and pairs of types begin at `first` and `pair`."""
    out = np.zeros(WHOLES, dtype=np.int64)
    out[[N, FIRST, PAIR, TYPES]] = job.state.n, first, pair, len(job.state.names)
    out[[THERMOSTAT, SUBSTEPS, CHAIN]] = s.ensemble, s.substeps, chain
    return out


def chain_of(job: Job) -> Array:
    """Return positions, momenta and masses of the thermostat chain (3, m); one idle link without one."""
    match job.thermostat:
        case NoseHoover(tau, length, _):
            masses = np.full(length, job.kT * tau**2)
            masses[0] *= degrees_of_freedom(job.state.n, job.thermostat)
        case _:
            masses = np.ones(1)
    eta, p_eta = (np.array(job.extra.get(name, np.zeros(len(masses)))) for name in ("eta", "p_eta"))
    return np.stack([eta, p_eta, masses])


def row_width(n: int, density: float, reach: float) -> int:
    """Return how many neighbors a row should hold: four standard deviations more than a uniform fluid has."""
    expected = 4.19 * min(reach, 1e6) ** 3 * density
    return int(min(expected + 4 * np.sqrt(expected) + 8, n))
