"""HOOMD-blue's `md.pair.Table`: U and F on linspace(r_min, r_cut, n, endpoint=False), in memory or as .npz.

HOOMD interpolates U and F linearly and separately, takes 0 at r_cut, and applies no force at all below r_min:
so the arrays start at r_min = 0 and carry the core. The end point is excluded; handing HOOMD a grid that includes
it compresses the curve by (n−1)/n.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cg_data.errors import FileError
from cg_data.formats.columns import TableFile, TableRows
from cg_data.formats.sampling import require_core, sample, trusted_from
from cg_data.interactions import Interactions, pair_name, pair_of
from cg_data.pair_table import PairTable
from cg_data.potentials.inward import Inner
from cg_data.potentials.pair_potential import Array, Potential
from cg_data.safe_arrays import npz_arrays
from cg_data.safe_files import TABLE_BYTES, atomic_path
from cg_data.units import Units

_FIELDS = ("r_min", "r_cut", "U", "F")


def hoomd_arrays(potential: Potential, n: int = 2000) -> dict[str, float | Array]:
    """Return r_min, r_cut, U and F as `table.params[pair]` and `table.r_cut[pair]` take them.

    >>> from cg_data import GaussianCore
    >>> arrays = hoomd_arrays(GaussianCore(2.0, 1.0, 4.0), 1000)
    >>> float(arrays["r_min"]), len(arrays["U"]), round(float(arrays["U"][250]), 6)
    (0.0, 1000, 0.735759)
    """
    require_core(potential, "HOOMD-blue")
    rows = sample(potential, ("A", "A"), np.linspace(0.0, potential.cutoff, n, endpoint=False))
    assert rows.f is not None
    return {"r_min": 0.0, "r_cut": float(potential.cutoff), "U": rows.u, "F": rows.f}


def from_hoomd(r_min: float, r_cut: float, u: Array, f: Array, *, inner: Inner = "linear") -> PairTable:
    """Return the table through HOOMD's arrays, whose missing last point is U = F = 0 at r_cut."""
    return PairTable.from_forces(r_min, r_cut, np.append(u, 0.0), np.append(f, 0.0), inner=inner)


def write_tables(interactions: Interactions, path: str | Path, units: Units, n: int) -> None:
    """Write an .npz with the arrays "A-B/r_min", "A-B/r_cut", "A-B/U", "A-B/F" per pair and the units."""
    arrays: dict[str, np.ndarray] = {"units": np.array([units.length, units.energy, units.mass])}
    for pair, potential in interactions.items():
        for name, value in hoomd_arrays(potential, n).items():
            arrays[f"{pair_name(pair)}/{name}"] = np.asarray(value)
        arrays[f"{pair_name(pair)}/trusted_from"] = np.asarray(trusted_from(potential) or 0.0)
    with atomic_path(path) as draft, draft.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]


def read_tables(path: str | Path) -> TableFile:
    """Return the tables of such an .npz; nothing is unpickled and nothing unpacks to more than a table's size."""
    remedy = "write it with cg-data or np.savez, without objects"
    arrays = npz_arrays(path, max_bytes=TABLE_BYTES, what="table", remedy=remedy, packed=True)
    units = None
    if "units" in arrays:
        try:
            units = Units(*(str(u) for u in arrays.pop("units").ravel()[:3]))
        except ValueError as error:
            raise FileError(path, str(error), remedy="correct the units array") from None
    names = sorted({k.rsplit("/", 1)[0] for k in arrays if "/" in k})
    if not names:
        raise FileError(path, "holds no array named A-B/U", remedy="write it with cg-data, or name arrays so")
    return TableFile(tuple(_rows(path, name, arrays) for name in names), units)


def _rows(path: str | Path, name: str, arrays: dict[str, np.ndarray]) -> TableRows:
    missing = [f for f in _FIELDS if f"{name}/{f}" not in arrays]
    if missing:
        raise FileError(path, f"{name} lacks {', '.join(missing)}", remedy=f"each pair needs {', '.join(_FIELDS)}")
    r_min, r_cut, u, f = (arrays[f"{name}/{field}"] for field in _FIELDS)
    numeric = all(a.dtype.kind in "fiu" for a in (r_min, r_cut, u, f))
    if not numeric or r_min.size != 1 or r_cut.size != 1 or u.ndim != 1 or u.shape != f.shape or len(u) < 4:
        raise FileError(path, f"{name}: U and F must be two columns of one length ≥ 4, r_min and r_cut numbers")
    low, high = float(r_min.ravel()[0]), float(r_cut.ravel()[0])
    if not (0 <= low < high < np.inf and np.all(np.isfinite(u)) and np.all(np.isfinite(f))):
        raise FileError(
            path, f"{name}: values must be finite and 0 ≤ r_min < r_cut", remedy="HOOMD takes them silently"
        )
    r = np.append(np.linspace(low, high, len(u), endpoint=False), high)
    start = arrays.get(f"{name}/trusted_from", np.zeros(1))
    if start.dtype.kind not in "fiu" or start.size != 1 or not np.isfinite(start.ravel()[0]):
        raise FileError(path, f"{name}: trusted_from is not a number", remedy="delete the array")
    trusted = r >= float(start.ravel()[0]) * (1 - 1e-9)
    try:
        pair = pair_of(name)
    except ValueError as error:
        raise FileError(path, str(error)) from None
    return TableRows(pair, r, np.append(u, 0.0).astype(float), np.append(f, 0.0).astype(float), trusted, high)
