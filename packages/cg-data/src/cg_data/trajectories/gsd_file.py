"""GSD, HOOMD-blue's trajectories, through the `gsd` package. Single precision; reduced units unless said otherwise.

HOOMD centers its box on the origin; here the corner is the origin: positions are shifted by half of each lattice
vector on the way in and back on the way out. Images unwrap on reading (HOOMD-blue writes them, and velocities, in
later frames only with dynamic=['property', 'momentum']; without, displacements across the box are lost). Bodies, bonds and orientations stay behind.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from cg_data.errors import FileError, missing_extra
from cg_data.safe_files import atomic_path, sized_file
from cg_data.schemas import check
from cg_data.trajectories.frames import MAX_BYTES, Frame, Picker, assemble, cell_vectors, lower_triangular
from cg_data.trajectory_dataset import units_of
from cg_data.units import Units

_GROUPS = ("particles", "bonds", "angles", "dihedrals", "impropers", "constraints", "pairs")
_MAGIC = 0x65DF65DF65DF65DF
_HEADER = struct.Struct("<QQQQQII64s64s80s")  # magic, index at, entries, names at, entries, schema, version, texts
_ENTRY = struct.Struct("<QQqIHBB")  # frame, rows, position, columns, name, type, flags
_TYPE_SIZE = {1: 1, 2: 2, 3: 4, 4: 8, 5: 1, 6: 2, 7: 4, 8: 8, 9: 4, 10: 8, 11: 1}


def read(
    path: str | Path,
    *,
    units: Units | None = None,
    types: Sequence[str] | None = None,
    frames: slice | None = None,
) -> xr.Dataset:
    """Return the frames of a GSD file with the `hoomd` schema."""
    hoomd = _package()
    file = sized_file(path, max_bytes=MAX_BYTES, what="GSD")
    rows = _examine(file)
    pick = Picker(frames)
    try:
        _examine_counts(file, rows)
        with hoomd.open(str(file), "r") as stored:
            wanted = [k for k in range(len(stored)) if pick.wants(k)]
            # What is stored in frame 0 alone is handed out for every frame; velocities are not constant.
            moving = len(wanted) == 1 or any(stored.file.chunk_exists(k, "particles/velocity") for k in wanted if k)
            found = [_frame(path, stored[k], types, moving) for k in wanted]
    except FileError:
        raise
    except Exception as error:  # gsd raises a dozen kinds on a damaged file
        raise FileError(path, f"is not a readable GSD file ({type(error).__name__}: {str(error)[:80]})",
                        remedy="was its writer flushed and closed?") from None  # fmt: skip
    return assemble(found, path, units or Units(), precision="float32")


def _package() -> Any:
    try:
        import gsd.hoomd
    except ImportError:
        raise missing_extra("gsd", "gsd", "reading .gsd files") from None
    return gsd.hoomd


def _examine(file: Path) -> int:
    """Refuse a file whose index points outside of it, which the C library would follow; return its longest chunk."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        raw = stream.read(_HEADER.size)
        if len(raw) < _HEADER.size or struct.unpack_from("<Q", raw)[0] != _MAGIC:
            raise FileError(file, "is not a GSD file", remedy="give a file written by HOOMD-blue or gsd")
        _, index, entries, names, name_entries, *_ = _HEADER.unpack(raw)
        if index + entries * _ENTRY.size > size or names + name_entries * 64 > size or entries > 2**28:
            raise FileError(file, "is truncated: its index lies beyond its end", remedy="was its writer killed?")
        stream.seek(index)
        table = stream.read(entries * _ENTRY.size)
    longest = 0
    for _, rows, position, columns, _, kind, _ in _ENTRY.iter_unpack(table):
        if position == 0:
            break
        if position < 0 or kind not in _TYPE_SIZE or position + rows * columns * _TYPE_SIZE[kind] > size:
            raise FileError(file, "its index points outside of the file", remedy="the file is damaged")
        longest = max(longest, rows)
    return longest


def _examine_counts(file: Path, rows: int) -> None:
    """Refuse counts beyond the longest chunk: gsd fills what a file leaves out with defaults of that length."""
    import gsd.fl

    with gsd.fl.open(str(file), "r") as stored:
        for frame in range(stored.nframes):
            for group in _GROUPS:
                if stored.chunk_exists(frame, f"{group}/N"):
                    count = int(np.ravel(stored.read_chunk(frame, f"{group}/N"))[0])
                    if count > rows:
                        raise FileError(file, f"declares {count} {group} in frame {frame}, it holds data for {rows}",
                                        remedy="the file is damaged")  # fmt: skip


def _frame(path: str | Path, frame: Any, types: Sequence[str] | None, moving: bool) -> Frame:
    p, c = frame.particles, frame.configuration
    lx, ly, lz, xy, xz, yz = (float(v) for v in c.box)
    if not (lx > 0 and ly > 0 and lz > 0):
        raise FileError(
            path, f"a frame's box {[lx, ly, lz]} has no volume", remedy="two-dimensional boxes are not read"
        )
    box = cell_vectors(lx, ly, lz, xy * ly, xz * lz, yz * lz)
    names = list(types) if types is not None else [str(t) for t in (p.types or ["A"])]
    ids = np.asarray(p.typeid, dtype=int)
    if len(ids) and (ids.min() < 0 or ids.max() >= len(names)):
        raise FileError(path, f"type {ids.max()} has no name among {names}", remedy="name every type: types=[…]")
    x = np.asarray(p.position, dtype=np.float64) + np.asarray(p.image, dtype=np.float64) @ box + 0.5 * box.sum(axis=0)
    out = Frame(x, box, [names[i] for i in ids], values={"step": float(c.step)})
    out.scalars["mass"] = np.asarray(p.mass, dtype=np.float64)
    if moving and p.velocity is not None and np.any(p.velocity):
        out.vectors["velocity"] = np.asarray(p.velocity, dtype=np.float64)
    for key, value in (frame.log or {}).items():
        array = np.asarray(value)
        if key.endswith("forces") and array.shape == x.shape:
            out.vectors["force"] = array.astype(np.float64)
        elif key.endswith("potential_energy") and array.size == 1:
            out.values["energy"] = float(array.ravel()[0])
    return out


def write(ds: xr.Dataset, path: str | Path) -> None:
    """Write a GSD file that HOOMD-blue can start from; forces and energies go to its log."""
    hoomd = _package()
    check(ds, "trajectory")
    units_of(ds)
    names = list(dict.fromkeys(str(t) for t in ds["type"].values))
    ids = [names.index(str(t)) for t in ds["type"].values]
    with atomic_path(path) as draft, hoomd.open(str(draft), "w") as out:
        for k in range(ds.sizes["frame"]):
            box = lower_triangular(ds["box"].values[k], "a GSD file")
            frame = hoomd.Frame()
            frame.configuration.step = int(ds["step"].values[k]) if "step" in ds else k
            lx, ly, lz = np.diag(box)
            frame.configuration.box = [lx, ly, lz, box[1, 0] / ly, box[2, 0] / lz, box[2, 1] / lz]
            scaled = ds["position"].values[k] @ np.linalg.inv(box)
            image = np.floor(scaled)
            frame.particles.N = len(ids)
            frame.particles.types, frame.particles.typeid = names, ids
            frame.particles.position = ((scaled - image - 0.5) @ box).astype(np.float32)
            frame.particles.image = image.astype(np.int32)
            if "mass" in ds:
                frame.particles.mass = ds["mass"].values.astype(np.float32)
            if "velocity" in ds:
                frame.particles.velocity = ds["velocity"].values[k].astype(np.float32)
            if "force" in ds:
                frame.log["particles/cg_data/forces"] = ds["force"].values[k]
            if "energy" in ds:
                frame.log["cg_data/potential_energy"] = [float(ds["energy"].values[k])]
            out.append(frame)
