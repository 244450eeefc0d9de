"""The public data set of ANI-Al: HDF5 files, groups of configurations in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cg_data import FileError
from cg_data.safe_files import sized_file
from cg_data.stores.netcdf_guard import survives
from cg_data.units import factor
from cg_models.many_body.labels import Labels

_MOST_BYTES = 2**34
_REMEDY = "untar the data set again; is it of ANI-Al?"


def read_ani_h5(*paths: str | Path) -> Labels:
    """Return the configurations of ANI-Al's public data set, files `data-….h5` of github.com/atomistic-ml/ani-al.

    Each group has one number of atoms: `coordinates` (configuration, atom, 3) and `cell` (…, 3, 3) [Å], `energy` (…,) [hartree],
    `force` (…, atom, 3) [hartree/Å], which is dE/dx as the example of hippynn's authors reads it, and `species` (atom,).
    A child process reads each file first: HDF5 itself can crash on damaged ones.
    """
    return Labels.joined([labels for path in paths for labels in _file(path)])


def _file(path: str | Path) -> list[Labels]:
    file = sized_file(Path(path), max_bytes=_MOST_BYTES, what="data set")
    survives(file, _MOST_BYTES, f"{__name__}:groups")
    return groups(file, _MOST_BYTES)


def groups(file: Path, limit: int) -> list[Labels]:
    """Return the labels of every group of a file; FileError for one that is not of ANI-Al, or of more bytes than the limit."""
    import h5py

    try:
        with h5py.File(file, "r") as opened:
            found: list[str] = []
            opened.visit(lambda name: found.append(name) if name.endswith("coordinates") else None)
            return [_group(opened[name].parent, limit) for name in sorted(found)]
    except Exception as error:  # h5py raises a dozen kinds
        raise FileError(file, f"holds no labels ({error})", remedy=_REMEDY) from error


def _group(group: Any, limit: int) -> Labels:
    declared = sum(
        group[k].size * group[k].dtype.itemsize for k in ("coordinates", "cell", "energy", "force", "species")
    )
    if declared > limit:
        raise ValueError(f"group {group.name} declares {declared:.3g} bytes")
    x, cells, energy, slope = (np.asarray(group[k], np.float64) for k in ("coordinates", "cell", "energy", "force"))
    elements = {k.decode() if isinstance(k, bytes) else str(k) for k in group["species"][()]}
    eV = factor("hartree", "eV")
    sizes = np.full(len(x), x.shape[1])
    return Labels(elements.pop(), x.reshape(-1, 3), cells, eV * energy.ravel(), -eV * slope.reshape(-1, 3), sizes)
