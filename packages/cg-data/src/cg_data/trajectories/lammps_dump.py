"""LAMMPS text dumps: `ITEM: TIMESTEP`, `NUMBER OF ATOMS`, `BOX BOUNDS`, `ATOMS …`, frame after frame.

Scaled coordinates are unscaled, image flags and xu yu zu unwrap, atoms are sorted by id. The origin of the box is
moved to zero. Numbers are in the file's `ITEM: UNITS`, else in reduced units, LAMMPS' own default; of physical units time and
velocity become those of the dataset's derived unit of time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from cg_data.errors import FileError
from cg_data.potentials.pair_potential import Array
from cg_data.safe_files import atomic_path
from cg_data.schemas import check
from cg_data.trajectories.frames import Frame, Picker, assemble, cell_vectors, complete_lines, lower_triangular
from cg_data.trajectories.lammps_atoms import AtomTable
from cg_data.trajectory_dataset import units_of
from cg_data.units import LAMMPS_STYLES, METAL, REAL, Units

_SECONDS = {REAL: 1e-15, METAL: 1e-12}  # LAMMPS' own unit of time in these unit systems


def read(
    path: str | Path,
    *,
    units: Units | None = None,
    types: Sequence[str] | None = None,
    frames: slice | None = None,
) -> xr.Dataset:
    """Return the frames of a dump; `types` names the numeric types 1, 2, …; `units` wins over `ITEM: UNITS`."""
    reading = _Reading(path, units or Units(), units is None, types)
    found = list(reading.frames(Picker(frames)))
    if len(found) > 1 and found[0].ids is None:
        raise FileError(path, "has several frames but no atom ids", line=found[1].line,
                        remedy="LAMMPS changes the order of atoms: dump the id, or read one frame with frames=")  # fmt: skip
    return assemble(found, path, reading.units)


class _EndOfFile(Exception):
    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class _Reading:
    """A dump being read: its lines, and the units it turns out to be in."""

    def __init__(self, path: str | Path, units: Units, may_change: bool, types: Sequence[str] | None) -> None:
        self.path, self.units, self.may_change, self.types = path, units, may_change, types
        self.lines = complete_lines(path, "LAMMPS dump")
        self.line = 0

    def frames(self, pick: Picker) -> Iterator[Frame]:
        """Yield the frames that are wanted."""
        number = 0
        while not pick.done(number):
            try:
                frame = self.frame()
            except _EndOfFile as end:
                raise FileError(self.path, f"ends inside frame {number}", line=end.line,
                                remedy=f"its writer was stopped: read frames=slice(0, {number})") from None  # fmt: skip
            if frame is None:
                return
            if pick.wants(number):
                yield frame
            number += 1

    def next(self) -> str:
        """Return the next line; _EndOfFile if there is none."""
        found = next(self.lines, None)
        if found is None:
            raise _EndOfFile(self.line)
        self.line, text = found
        return text

    def fail(self, what: str, remedy: str) -> FileError:
        """Return the error at the present line."""
        return FileError(self.path, what, line=self.line, remedy=remedy)

    def frame(self) -> Frame | None:
        """Return the next frame, None at a clean end of the file."""
        values: dict[str, float] = {}
        count, box, origin = -1, None, np.zeros(3)
        started = False
        while True:
            try:
                line = self.next()
            except _EndOfFile:
                if started:
                    raise
                return None
            if not line.strip():
                continue
            if not line.startswith("ITEM:"):
                raise self.fail(f"expected ITEM: …, got {line[:40]!r}", "is this a LAMMPS text dump?")
            started, item = True, line[5:].split()
            match item:
                case ["TIMESTEP"]:
                    values["step"] = float(self.integer())
                case ["TIME"]:
                    values["time"] = self.floats(1)[0] * _time_scale(self.units)
                case ["UNITS"]:
                    self.style(self.next().strip())
                case ["NUMBER", "OF", "ATOMS"]:
                    count = self.integer()
                case ["BOX", "BOUNDS", *flags]:
                    box, origin = self.box(flags)
                case ["ATOMS", *columns]:
                    if count < 0 or box is None:
                        raise self.fail("ATOMS come before NUMBER OF ATOMS or BOX BOUNDS", "is the frame complete?")
                    return self.atoms(columns, count, box, origin, values)
                case _:
                    raise self.fail(f"unknown ITEM: {' '.join(item)[:40]}", "use dump custom")

    def style(self, name: str) -> None:
        """Take the units that the file states, unless the caller gave some."""
        if self.may_change:
            if name not in LAMMPS_STYLES:
                raise self.fail(
                    f"is in the units {name[:20]!r}", f"known are {', '.join(LAMMPS_STYLES)}; or give units=…"
                )
            self.units = LAMMPS_STYLES[name]

    def integer(self) -> int:
        """Return the count that the next line holds."""
        word = self.next().strip()
        if not word.isdecimal() or len(word) > 18:
            raise self.fail(f"expected a count, got {word[:40]!r}", "is the frame complete?")
        return int(word)

    def floats(self, count: int) -> list[float]:
        """Return the numbers of the next line."""
        text = self.next()
        try:
            numbers = [float(w) for w in text.split()]
        except ValueError:
            numbers = []
        if len(numbers) != count or not np.all(np.isfinite(numbers)):
            raise self.fail(f"expected {count} numbers, got {text[:40]!r}", "is the frame complete?")
        return numbers

    def box(self, flags: list[str]) -> tuple[Array, Array]:
        """Return lattice vectors and origin from three lines of bounds."""
        tilted = flags[:3] == ["xy", "xz", "yz"]
        if flags[:1] in (["abc"], ["origin"]):
            raise self.fail("general triclinic boxes are not read", "write the dump without them")
        rows = [self.floats(3 if tilted else 2) for _ in range(3)]
        low, high = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
        xy, xz, yz = (rows[i][2] if tilted else 0.0 for i in range(3))
        below, above = _overhang(xy, xz, yz)
        low, high = low - below, high - above
        if np.any(high <= low):
            raise self.fail("the box has no volume", "bounds are low and high along x, y, z")
        lx, ly, lz = (high - low).tolist()
        return cell_vectors(lx, ly, lz, xy, xz, yz), low

    def atoms(self, columns: list[str], count: int, box: Array, origin: Array, values: dict[str, float]) -> Frame:
        """Return the frame of `count` rows of atoms."""
        if len(set(columns)) < len(columns):
            raise self.fail("ATOMS names a column twice", "name each column once")
        start = self.line
        rows: list[list[str]] = []
        for _ in range(count):
            text = self.next()
            words = text.split()
            if len(words) != len(columns):
                if text.startswith("ITEM:"):
                    raise self.fail(f"expected {count} atoms, found {len(rows)}", "is the frame complete?")
                raise self.fail(
                    f"has {len(words)} columns, ATOMS names {len(columns)}", "complete or delete this frame"
                )
            rows.append(words)
        table = AtomTable(
            self.path,
            start,
            dict(zip(columns, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(columns, ()),
        )
        return table.frame(box, origin, values, self.types, _time_scale(self.units))


def _overhang(xy: float, xz: float, yz: float) -> tuple[Array, Array]:
    """Return how far a tilted box reaches beyond its edges: LAMMPS writes the bounds of the parallelepiped."""
    below = np.array([min(0.0, xy, xz, xy + xz), min(0.0, yz), 0.0])
    above = np.array([max(0.0, xy, xz, xy + xz), max(0.0, yz), 0.0])
    return below, above


def _time_scale(units: Units) -> float:
    """Return LAMMPS' unit of time in the dataset's derived one; 1 where only the user knows."""
    return _SECONDS[units] / units.seconds() if units in _SECONDS else 1.0


def write(ds: xr.Dataset, path: str | Path) -> None:
    """Write a dump with unwrapped coordinates, and velocities, forces, masses, molecules where there are any."""
    check(ds, "trajectory")
    units = units_of(ds)
    style = next((name for name, known in LAMMPS_STYLES.items() if known == units), None)
    if style is None:
        raise ValueError(
            f"LAMMPS' units are {', '.join(LAMMPS_STYLES)}; the trajectory is in {units.length}, {units.energy}, {units.mass}"
        )
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
            out.write(f"ITEM: UNITS\n{style}\n" if k == 0 else "")
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
