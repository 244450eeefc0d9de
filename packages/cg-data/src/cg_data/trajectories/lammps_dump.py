"""LAMMPS text dumps: `ITEM: TIMESTEP`, `NUMBER OF ATOMS`, `BOX BOUNDS`, `ATOMS …`, frame after frame.

Scaled coordinates are unscaled, image flags and xu yu zu unwrap, atoms are sorted by id. The origin of the box is
moved to zero. Numbers are in LAMMPS' `real` units (Å, kcal/mol, g/mol, fs) unless `units` says otherwise; time and
velocity become those of the dataset's derived unit of time where the physical units give it a size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from cg_data.errors import FileError
from cg_data.potentials.pair_potential import Array
from cg_data.safe_files import atomic_path, text_lines
from cg_data.schemas import check
from cg_data.trajectories.frames import MAX_BYTES, Frame, Picker, assemble, cell_vectors, lower_triangular
from cg_data.trajectory_dataset import units_of
from cg_data.units import Units

REAL = Units("angstrom", "kcal/mol", "g/mol")
METAL = Units("angstrom", "eV", "g/mol")
_SECONDS = {REAL: 1e-15, METAL: 1e-12}  # LAMMPS' own unit of time in these unit systems
_FLAVORS = (("xu", "yu", "zu"), ("x", "y", "z"), ("xsu", "ysu", "zsu"), ("xs", "ys", "zs"))
Lines = Iterator[tuple[int, str]]


def read(
    path: str | Path,
    *,
    units: Units | None = None,
    types: Sequence[str] | None = None,
    frames: slice | None = None,
    truncated: Literal["error", "drop"] = "error",
) -> xr.Dataset:
    """Return the frames of a dump; `types` names the numeric types 1, 2, …; `truncated` says what to do with a last
    frame that a killed writer left incomplete."""
    chosen = units or REAL
    return assemble(_frames(path, chosen, types, Picker(frames), truncated), path, chosen)


def _frames(
    path: str | Path, units: Units, types: Sequence[str] | None, pick: Picker, truncated: Literal["error", "drop"]
) -> Iterator[Frame]:
    lines = text_lines(path, max_bytes=MAX_BYTES, what="LAMMPS dump")
    number = 0
    while not pick.done(number):
        try:
            frame = _frame(path, lines, units, types, number)
        except _EndOfFile as end:
            if truncated == "drop" and number > 0:
                return
            raise FileError(path, f"ends inside frame {number}", line=end.line,
                            remedy=f"its writer was stopped: read frames=slice(0, {number}) or truncated='drop'") from None  # fmt: skip
        if frame is None:
            return
        if pick.wants(number):
            yield frame
        number += 1


class _EndOfFile(Exception):
    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def _next(lines: Lines, last: int) -> tuple[int, str]:
    found = next(lines, None)
    if found is None:
        raise _EndOfFile(last)
    return found


def _frame(path: str | Path, lines: Lines, units: Units, types: Sequence[str] | None, number: int) -> Frame | None:
    """Return the next frame, None at a clean end of the file."""
    values: dict[str, float] = {}
    count, box, origin = -1, np.zeros((3, 3)), np.zeros(3)
    have_box = False
    started = False
    last = 0
    for last, line in lines:
        if not line.strip():
            continue
        if not line.startswith("ITEM:"):
            raise FileError(
                path, f"expected ITEM: …, got {line[:40]!r}", line=last, remedy="is this a LAMMPS text dump?"
            )
        started, item = True, line[5:].split()
        match item:
            case ["TIMESTEP"]:
                values["step"] = float(_integer(path, *_next(lines, last)))
            case ["TIME"]:
                values["time"] = _floats(path, *_next(lines, last), 1)[0] * _time_scale(units)
            case ["UNITS"]:
                _next(lines, last)
            case ["NUMBER", "OF", "ATOMS"]:
                count = _integer(path, *_next(lines, last))
            case ["BOX", "BOUNDS", *flags]:
                box, origin = _box(path, lines, last, flags)
                have_box = True
            case ["ATOMS", *columns]:
                if count < 0 or not have_box:
                    raise FileError(path, "ATOMS come before NUMBER OF ATOMS or BOX BOUNDS", line=last,
                                    remedy="is the frame complete?")  # fmt: skip
                rows = _rows(path, lines, last, count, columns)
                return _assembled(path, last, columns, rows, box, origin, values, units, types)
            case _:
                raise FileError(path, f"unknown ITEM: {' '.join(item)[:40]}", line=last, remedy="use dump custom")
    if started:
        raise _EndOfFile(last)
    return None


def _integer(path: str | Path, line: int, text: str) -> int:
    word = text.strip()
    if not word.isdecimal() or len(word) > 18:
        raise FileError(path, f"expected a count, got {word[:40]!r}", line=line, remedy="is the frame complete?")
    return int(word)


def _floats(path: str | Path, line: int, text: str, count: int) -> list[float]:
    try:
        numbers = [float(w) for w in text.split()]
    except ValueError:
        numbers = []
    if len(numbers) != count or not np.all(np.isfinite(numbers)):
        raise FileError(
            path, f"expected {count} numbers, got {text[:40]!r}", line=line, remedy="is the frame complete?"
        )
    return numbers


def _box(path: str | Path, lines: Lines, last: int, flags: list[str]) -> tuple[Array, Array]:
    tilted = flags[:3] == ["xy", "xz", "yz"]
    if flags[:1] in (["abc"], ["origin"]):
        raise FileError(path, "general triclinic boxes are not read", line=last, remedy="write the dump without them")
    rows = []
    for _ in range(3):
        last, text = _next(lines, last)
        rows.append(_floats(path, last, text, 3 if tilted else 2))
    low, high = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    xy, xz, yz = (rows[i][2] if tilted else 0.0 for i in range(3))
    below, above = _overhang(xy, xz, yz)
    low, high = low - below, high - above
    if np.any(high <= low):
        raise FileError(path, "the box has no volume", line=last, remedy="bounds are low and high along x, y, z")
    lx, ly, lz = (high - low).tolist()
    return cell_vectors(lx, ly, lz, xy, xz, yz), low


def _overhang(xy: float, xz: float, yz: float) -> tuple[Array, Array]:
    """Return how far a tilted box reaches beyond its edges: LAMMPS writes the bounds of the parallelepiped."""
    below = np.array([min(0.0, xy, xz, xy + xz), min(0.0, yz), 0.0])
    above = np.array([max(0.0, xy, xz, xy + xz), max(0.0, yz), 0.0])
    return below, above


def _rows(path: str | Path, lines: Lines, last: int, count: int, columns: list[str]) -> list[list[str]]:
    rows: list[list[str]] = []
    for _ in range(count):
        last, text = _next(lines, last)
        words = text.split()
        if len(words) != len(columns):
            if text.startswith("ITEM:"):
                raise FileError(
                    path, f"expected {count} atoms, found {len(rows)}", line=last, remedy="is the frame complete?"
                )
            raise FileError(path, f"has {len(words)} columns, ATOMS names {len(columns)}", line=last,
                            remedy="complete or delete this frame")  # fmt: skip
        rows.append(words)
    return rows


def _assembled(
    path: str | Path,
    line: int,
    columns: list[str],
    rows: list[list[str]],
    box: Array,
    origin: Array,
    values: dict[str, float],
    units: Units,
    types: Sequence[str] | None,
) -> Frame:
    place = {name: i for i, name in enumerate(columns)}
    if len(place) < len(columns):
        raise FileError(path, "ATOMS names a column twice", line=line, remedy="name each column once")

    def column(name: str) -> Array:
        try:
            found = np.array([float(row[place[name]]) for row in rows], dtype=np.float64)
        except ValueError:
            raise FileError(path, f"column {name} holds something else than numbers", line=line,
                            remedy="every atom needs every number") from None  # fmt: skip
        if not np.all(np.isfinite(found)):
            raise FileError(path, f"column {name} is not finite", line=line, remedy="did the simulation blow up?")
        return found

    def vectors(names: tuple[str, str, str]) -> Array:
        return np.stack([column(n) for n in names], axis=-1)

    flavor = next((f for f in _FLAVORS if all(n in place for n in f)), None)
    if flavor is None or not ("type" in place or "element" in place):
        raise FileError(path, "ATOMS has no coordinates or no type", line=line,
                        remedy="dump custom … id type x y z (or xs, xu, xsu)")  # fmt: skip
    order = np.argsort(column("id"), kind="stable") if "id" in place else np.arange(len(rows))
    x = vectors(flavor)
    x = x @ box if flavor[0] in ("xs", "xsu") else x - origin
    if flavor[0] in ("x", "xs") and all(n in place for n in ("ix", "iy", "iz")):
        x = x + vectors(("ix", "iy", "iz")) @ box
    frame = Frame(x[order], box, _type_names(path, line, rows, place, order, types), values=values, line=line)
    if all(n in place for n in ("vx", "vy", "vz")):
        frame.vectors["velocity"] = vectors(("vx", "vy", "vz"))[order] / _time_scale(units)
    if all(n in place for n in ("fx", "fy", "fz")):
        frame.vectors["force"] = vectors(("fx", "fy", "fz"))[order]
    for name, goal in (("mass", "mass"), ("mol", "molecule")):
        if name in place:
            frame.scalars[goal] = column(name)[order]
    return frame


def _type_names(
    path: str | Path,
    line: int,
    rows: list[list[str]],
    place: dict[str, int],
    order: npt.NDArray[np.intp],
    types: Sequence[str] | None,
) -> list[str]:
    words = [rows[i][place["element" if types is None and "element" in place else "type"]] for i in order.tolist()]
    if types is None:
        return words
    try:
        numbers = [int(w) for w in words]
        if min(numbers) < 1:
            raise IndexError
        return [types[n - 1] for n in numbers]
    except (ValueError, IndexError):
        raise FileError(path, f"a type is not among 1 … {len(types)}", line=line,
                        remedy=f"name every type: types={list(types)}") from None  # fmt: skip


def _time_scale(units: Units) -> float:
    """Return LAMMPS' unit of time in the dataset's derived one; 1 where only the user knows."""
    return _SECONDS[units] / units.seconds() if units in _SECONDS else 1.0


def write(ds: xr.Dataset, path: str | Path) -> None:
    """Write a dump with unwrapped coordinates, and velocities, forces, masses, molecules where there are any."""
    check(ds, "trajectory")
    units = units_of(ds)
    names = list(dict.fromkeys(str(t) for t in ds["type"].values))
    ids = {t: i for i, t in enumerate(names, 1)}
    if any(not t or any(c.isspace() for c in t) for t in names):
        raise ValueError("type names with blanks do not fit a dump")
    titles = ["id", "type", "element", "xu", "yu", "zu"]
    extra = [(n, k) for n, k in (("velocity", "v"), ("force", "f")) if n in ds]
    titles += [f"{k}{c}" for _, k in extra for c in "xyz"]
    titles += [t for n, t in (("mass", "mass"), ("molecule", "mol")) if n in ds]
    with atomic_path(path) as draft, draft.open("w", encoding="utf-8") as out:
        for k in range(ds.sizes["frame"]):
            box = lower_triangular(ds["box"].values[k], "a LAMMPS dump")
            xy, xz, yz = box[1, 0], box[2, 0], box[2, 1]
            low, above = _overhang(xy, xz, yz)
            high = np.diag(box) + above
            tilted = any((xy, xz, yz))
            step = int(ds["step"].values[k]) if "step" in ds else k
            out.write(f"ITEM: TIMESTEP\n{step}\n")
            if "time" in ds:
                out.write(f"ITEM: TIME\n{float(ds['time'].values[k]) / _time_scale(units)!r}\n")
            out.write(f"ITEM: NUMBER OF ATOMS\n{ds.sizes['particle']}\n")
            out.write(f"ITEM: BOX BOUNDS {'xy xz yz ' if tilted else ''}pp pp pp\n")
            for low_, high_, tilt in zip(low, high, (xy, xz, yz), strict=True):
                out.write(f"{float(low_)!r} {float(high_)!r}{f' {float(tilt)!r}' if tilted else ''}\n")
            data = [ds["position"].values[k]]
            data += [ds[n].values[k] * (_time_scale(units) if n == "velocity" else 1.0) for n, _ in extra]
            data += [ds[n].values[:, None] for n in ("mass", "molecule") if n in ds]
            out.write(f"ITEM: ATOMS {' '.join(titles)}\n")
            for i, (t, row) in enumerate(zip(ds["type"].values, np.concatenate(data, axis=1).tolist(), strict=True), 1):
                out.write(f"{i} {ids[str(t)]} {t} {' '.join(map(repr, row))}\n")
