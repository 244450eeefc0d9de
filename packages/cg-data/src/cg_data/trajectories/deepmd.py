"""DeePMD systems: a folder with type.raw, type_map.raw and set.*/{coord,box,force,energy,virial}.npy. Å, eV.

Arrays are (frames, 3·particles), boxes and virials Σ f ⊗ r (frames, 9). Headers are compared with the size of the file before anything
is loaded, and nothing is unpickled.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from cg_data.errors import FileError
from cg_data.potentials.pair_potential import Array
from cg_data.safe_files import atomic_path, sized_file, text_lines
from cg_data.schemas import check
from cg_data.trajectories.frames import MAX_BYTES
from cg_data.trajectory_dataset import trajectory, units_of
from cg_data.units import METAL, Units

_FIELDS = {
    "coord": 3,
    "force": 3,
    "box": 9,
    "energy": 1,
    "virial": 9,
}  # width: per particle for the first two, else per frame


def read(
    path: str | Path,
    *,
    units: Units | None = None,
    types: Sequence[str] | None = None,
    frames: slice | None = None,
) -> xr.Dataset:
    """Return all frames of a system folder, its set.* in the order of their numbers; `types` names types 0, 1, …"""
    folder = Path(path)
    if not folder.is_dir():
        raise FileError(path, "is not a folder", remedy="give the folder that holds type.raw and set.000")
    names = _types(folder, types)
    sets = sorted((p for p in folder.glob("set.*") if p.is_dir()), key=_set_number)
    if not sets:
        raise FileError(path, "holds no folder set.000", remedy="is this a DeePMD system?")
    parts = [_set(p, len(names)) for p in sets]
    fields = set(parts[0])
    for part, place in zip(parts, sets, strict=True):
        if set(part) != fields:
            raise FileError(place, f"holds {sorted(part)}, the first set {sorted(fields)}", remedy="complete the sets")
    kept = frames or slice(None)
    data = {name: np.concatenate([part[name] for part in parts])[kept] for name in fields}
    if len(data["coord"]) == 0:
        raise FileError(path, "holds no frame in the range asked for", remedy="check frames=")
    try:
        found = trajectory(
            data["coord"].reshape(-1, len(names), 3),
            data["box"].reshape(-1, 3, 3),
            names,
            units=units or METAL,
            force=data["force"].reshape(-1, len(names), 3) if "force" in data else None,
            energy=data["energy"].reshape(-1) if "energy" in data else None,
            source=folder.name,
        )
    except ValueError as error:
        raise FileError(path, str(error)) from None
    if "virial" in data:
        virial = (("frame", "axis", "axis2"), data["virial"].reshape(-1, 3, 3), {"units": found.attrs["units_energy"]})
        found = found.assign(virial=virial)
    return found


def _set_number(folder: Path) -> tuple[int, str]:
    digits = re.sub(r"\D", "", folder.name)[:12]
    return int(digits or 0), folder.name


def _types(folder: Path, types: Sequence[str] | None) -> list[str]:
    file = folder / "type.raw"
    numbers = []
    for line, text in text_lines(file, what="list of types"):
        for word in text.split():
            if not word.isdecimal() or len(word) > 6:
                raise FileError(file, f"{word[:20]!r} is not a type number", line=line, remedy="types are 0, 1, 2 …")
            numbers.append(int(word))
    names = list(types) if types is not None else _type_map(folder)
    if not numbers:
        raise FileError(file, "names no particle", remedy="write one type number per particle")
    if names is None:
        return [str(n) for n in numbers]
    if max(numbers) >= len(names):
        raise FileError(file, f"type {max(numbers)} has no name among {names[:20]}", remedy="complete type_map.raw")
    return [names[n] for n in numbers]


def _type_map(folder: Path) -> list[str] | None:
    file = folder / "type_map.raw"
    return [w for _, text in text_lines(file, what="type map") for w in text.split()] if file.exists() else None


def _set(folder: Path, particles: int) -> dict[str, Array]:
    data = {name: _array(folder / f"{name}.npy") for name in _FIELDS if (folder / f"{name}.npy").exists()}
    missing = {"coord", "box"} - set(data)
    if missing:
        raise FileError(folder, f"lacks {', '.join(f'{m}.npy' for m in sorted(missing))}", remedy="complete the set")
    count = len(data["coord"])
    for name, array in data.items():
        width = _FIELDS[name] * (particles if name in ("coord", "force") else 1)
        if array.size != count * width or len(array) != count:
            raise FileError(folder / f"{name}.npy", f"has shape {array.shape}, expected ({count}, {width})",
                            remedy="frames and particles must agree with coord.npy and type.raw")  # fmt: skip
        if not np.all(np.isfinite(array)):
            raise FileError(folder / f"{name}.npy", "holds values that are not finite", remedy="drop those frames")
    return data


def _array(path: Path) -> Array:
    file = sized_file(path, max_bytes=MAX_BYTES, what="array")
    try:
        with file.open("rb") as stream:
            major, _ = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(stream)
            rest = file.stat().st_size - stream.tell()
            size = int(np.prod([int(s) for s in shape], dtype=object))
        if dtype.hasobject or dtype.kind not in "fiu" or size * dtype.itemsize != rest or not 1 <= len(shape) <= 3:
            raise FileError(
                path, f"declares {shape} of {dtype}, which is not what it holds", remedy="save plain numbers"
            )
        array = np.load(file, allow_pickle=False)
        with np.errstate(over="ignore"):
            return np.asarray(array, dtype=np.float64)
    except FileError:
        raise
    except Exception as error:  # numpy parses the header with a dozen kinds of failure
        raise FileError(path, f"is not a .npy array ({type(error).__name__})", remedy="write it with np.save") from None


def write(ds: xr.Dataset, path: str | Path) -> None:
    """Write one set.000 with double-precision arrays; energies, forces and virials where there are any."""
    check(ds, "trajectory")
    units = units_of(ds)
    if (units.length, units.energy) != (METAL.length, METAL.energy):
        raise ValueError(
            f"DeePMD systems are in angstrom and eV, the trajectory is in {units.length} and {units.energy}"
        )
    folder = Path(path)
    if (folder / "type.raw").exists() or list(folder.glob("set.*")):
        raise FileError(folder, "holds a DeePMD system already", remedy="write to another folder, or delete it first")
    (folder / "set.000").mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(str(t) for t in ds["type"].values))
    n = ds.sizes["frame"]
    fields = {"coord": "position", **{name: name for name in ("box", "force", "energy", "virial")}}
    for name, field in fields.items():
        if field in ds:
            values = ds[field].values.reshape(n) if name == "energy" else ds[field].values.reshape(n, -1)
            with atomic_path(folder / "set.000" / f"{name}.npy") as draft, draft.open("wb") as stream:
                np.save(stream, values, allow_pickle=False)
    with atomic_path(folder / "type_map.raw") as draft:
        draft.write_text("".join(f"{t}\n" for t in names))
    # Last: without type.raw a folder is no system, so a killed writer leaves nothing that reads as whole.
    with atomic_path(folder / "type.raw") as draft:
        draft.write_text("".join(f"{names.index(str(t))}\n" for t in ds["type"].values))
