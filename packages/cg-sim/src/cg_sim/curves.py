"""What a kernel reads: the pair tables of all types as rows of cubic coefficients.

Exact curves are the PairTables' own cubics in r, continued below r_min by their inner rule on the same grid. Fast curves are
cubics of F/r in r², fitted to the same tables: no square root, and few enough rows for the first cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from cg_data import Interactions, PairTable, Potential, pair_name
from cg_data.pair_table import error_scale
from cg_sim.state import State

_TABLE_ROWS = 1000  # knots of a table made here from a potential that is none
_FAST_ROWS = (512, 1024, 2048, 4096, 8192, 16384)
_FAST_ERROR = 1e-6  # of the larger of the local force and the potential's characteristic one
_ROUGH_ERROR = 3e-5  # where F″ jumps, at knots of a coarse spline, rows between them do not help much


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Rows of coefficients for all pairs of types, and where each pair's rows are.

    `pairs` (types², 4) holds per ordered pair: first argument, 1/spacing, number of rows, first row; the row after the
    last one of each pair is zero. The argument is r in exact curves, r² in fast ones. Each pair's rows start where its
    energy is one that no equilibrium visits (to within a spacing): nearer, the dynamics have broken down. `nearest` is
    the least such distance; `error` the largest force error of the fit, at five points a row, before rounding.
    """

    rows: npt.NDArray[np.floating]
    pairs: npt.NDArray[np.floating]
    types: int
    cutoff: float
    nearest: float
    error: float


def tables_of(interactions: Interactions, names: tuple[str, ...]) -> dict[tuple[int, int], PairTable]:
    """Return the table of every unordered pair of type codes; a missing one is an error."""
    if len(interactions.types) == 1 and len(names) == 1:
        return {(0, 0): _table(next(iter(interactions.values())))}
    missing = interactions.missing(names)
    if missing:
        raise ValueError(
            f"no potential for {', '.join(pair_name(p) for p in missing)}: give one for every pair of the state's "
            f"types {names} (LennardJones(epsilon=0) for none)"
        )
    pairs = combinations_with_replacement(range(len(names)), 2)
    return {(a, b): _table(interactions[names[a], names[b]]) for a, b in pairs}


def as_tables(interactions: Interactions) -> Interactions:
    """Return the same interactions, each as a table."""
    return Interactions({pair: _table(potential) for pair, potential in interactions.items()})


def _table(potential: Potential) -> PairTable:
    if isinstance(potential, PairTable):
        return potential
    try:
        hash(potential)
    except TypeError:
        return PairTable.from_potential(potential, _TABLE_ROWS)
    return _tabulated(potential)  # type: ignore[arg-type]


@lru_cache(maxsize=64)  # replicas share one potential
def _tabulated(potential: Potential) -> PairTable:
    return PairTable.from_potential(potential, _TABLE_ROWS)


def unreachable_energy(state: State, kT: float) -> float:
    """Return an energy that no pair can have in equilibrium: 1000 times kT or the state's own temperature."""
    return 1000 * max(kT, 2 * state.kinetic_energy / (3 * state.n))


def nearest_distance(table: PairTable, ceiling: float) -> float:
    """Return the distance below which U exceeds its minimum by `ceiling` [energy]; 0 if it never does.

    With the rule inner="error" it is at least r_min: there is no curve below.
    """
    floor = table.r_min if table.inner == "error" else 0.0
    bottom = float(table.u_knots.min())
    r = np.linspace(floor, table.cutoff, 4001)[1:]
    high = np.flatnonzero(table.energy(r) > bottom + ceiling)
    return max(floor, float(r[high[-1]])) if len(high) else floor


def exact_curves(tables: dict[tuple[int, int], PairTable], types: int, *, ceiling: float = np.inf) -> Curves:
    """Return the tables' own cubics U(r), double precision."""
    return _packed(
        tables, types, [_exact(t, nearest_distance(t, ceiling)) for t in tables.values()], np.float64, ceiling, 0.0
    )


def fast_curves(tables: dict[tuple[int, int], PairTable], types: int, *, ceiling: float = np.inf) -> Curves:
    """Return cubics of F/r in r², single precision, with the largest relative force error they make."""
    found = [_fast(t, nearest_distance(t, ceiling)) for t in tables.values()]
    parts = [(start, h, rows) for start, h, rows, _ in found]
    return _packed(tables, types, parts, np.float32, ceiling, max(f[3] for f in found))


def _packed(
    tables: dict[tuple[int, int], PairTable],
    types: int,
    parts: list[tuple[float, float, npt.NDArray[np.float64]]],
    dtype: type,
    ceiling: float,
    error: float,
) -> Curves:
    pairs = np.zeros((types * types, 4))
    first, rows = 0, []
    for (a, b), (start, spacing, coefficients) in zip(tables, parts, strict=True):
        for pair in (a * types + b, b * types + a):
            pairs[pair] = start, 1 / spacing, len(coefficients), first
        rows += [coefficients, np.zeros((1, 4))]
        first += len(coefficients) + 1
    with np.errstate(over="ignore"):
        numbers: npt.NDArray[Any] = np.ascontiguousarray(np.concatenate(rows), dtype=dtype)
        places: npt.NDArray[Any] = np.ascontiguousarray(pairs, dtype=dtype)
    if not (np.isfinite(numbers).all() and np.isfinite(places).all()):
        raise ValueError("precision='single' cannot hold numbers as large as this potential's: use precision='double'")
    return Curves(
        numbers,
        places,
        types,
        max(t.cutoff for t in tables.values()),
        min(nearest_distance(t, ceiling) for t in tables.values()),
        error,
    )


def _exact(table: PairTable, nearest: float) -> tuple[float, float, npt.NDArray[np.float64]]:
    h = table.spacing
    if nearest >= table.r_min:
        skipped = min(int((nearest - table.r_min) / h), table.n - 2)
        return table.r_min + skipped * h, h, table.coefficients[skipped:]
    below = int(np.floor((table.r_min - nearest) / h))
    if below == 0:
        return table.r_min, h, table.coefficients
    start = table.r_min - below * h
    r = start + h * np.arange(below + 1)
    r[-1] = table.r_min
    r[0] = max(r[0], 1e-3 * h)
    return start, h, np.concatenate([_hermite(table.energy(r), table.force(r), h), table.coefficients])


def _hermite(u: npt.NDArray[np.float64], f: npt.NDArray[np.float64], h: float) -> npt.NDArray[np.float64]:
    """Return the cubics through knots of U and F, as `PairTable.coefficients`; two knots are enough."""
    rise, a, b = np.diff(u), -h * f[:-1], -h * f[1:]
    return np.stack([u[:-1], a, 3 * rise - 2 * a - b, a + b - 2 * rise], axis=1)


@lru_cache(maxsize=64)  # a batch starts many sessions with the same tables
def _fast(table: PairTable, nearest: float) -> tuple[float, float, npt.NDArray[np.float64], float]:
    scale = error_scale(table)[1]
    fits = []
    for rows in _FAST_ROWS:
        fits.append(_fitted(table, nearest, rows, scale))
        if fits[-1][3] < _FAST_ERROR:
            return fits[-1]
    enough = [fit for fit in fits if fit[3] < _ROUGH_ERROR]
    if enough:
        return enough[0]
    raise ValueError(
        f"precision='single' cannot hold this potential to {_ROUGH_ERROR} (error {fits[-1][3]:.1e} with {_FAST_ROWS[-1]} "
        f"rows in r²; a force that does not vanish at r = 0 has no smooth F/r): use precision='double'"
    )


def _fitted(
    table: PairTable, nearest: float, rows: int, scale: float
) -> tuple[float, float, npt.NDArray[np.float64], float]:
    """Return first argument, spacing, coefficients and largest relative force error of a fit with so many rows."""
    start, end = nearest**2, table.cutoff**2
    if not start < (1 - 1e-9) * end:
        raise ValueError(
            f"the potential is a wall at its cutoff {table.cutoff:.6g}: particles meet nothing else; give it a longer one"
        )
    s, h = np.linspace(start, end, rows + 1), (end - start) / rows
    c = CubicSpline(s, _force_over_r(table, s)).c
    coefficients = np.stack([c[3], c[2] * h, c[1] * h**2, c[0] * h**3], axis=1)
    probe = s[:-1, None] + h * np.array([0.03, 0.2, 0.5, 0.8, 0.97])
    t = (probe - s[:-1, None]) / h
    c0, c1, c2, c3 = (x[:, None] for x in coefficients.T)
    r = np.sqrt(probe)
    ours, true = r * (c0 + t * (c1 + t * (c2 + t * c3))), table.force(r)
    return start, h, coefficients, float(np.max(np.abs(ours - true) / np.maximum(np.abs(true), scale or 1.0)))


def _force_over_r(table: PairTable, s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    r = np.sqrt(s)
    r[-1] = table.cutoff * (1 - 1e-12)
    if r[0] == 0:
        r[0] = 1e-6 * table.cutoff
    return table.force(r) / r
