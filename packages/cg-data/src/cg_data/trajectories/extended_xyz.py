"""Extended XYZ: a count, a line of `key=value` with Lattice and Properties, then one row per atom.

Columns read: species or type, pos, forces or force, velo (in the dataset's derived unit of time; ASE's momenta are
read through the `ase` format), masses or mass. Facts read: energy, time (derived unit), step. Default units Å, eV, g/mol.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from cg_data.errors import FileError
from cg_data.formats.columns import as_number, is_number
from cg_data.potentials.pair_potential import Array
from cg_data.safe_files import atomic_path
from cg_data.schemas import check
from cg_data.trajectories.frames import Frame, Picker, assemble, complete_lines
from cg_data.trajectory_dataset import units_of
from cg_data.units import METAL, Units

_FACT = re.compile(r"""([A-Za-z_][\w.-]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S+))""")
_VECTORS = {"pos": "position", "positions": "position", "force": "force", "forces": "force", "velo": "velocity"}
_SCALARS = {"mass": "mass", "masses": "mass", "molecule": "molecule", "mol": "molecule"}
Column = tuple[str, str, int, int]  # name, kind, first, width


def read(
    path: str | Path,
    *,
    units: Units | None = None,
    types: Sequence[str] | None = None,
    frames: slice | None = None,
) -> xr.Dataset:
    """Return the frames of an extended XYZ file; units named in its comment win over the default."""
    pick = Picker(frames)
    found: list[Units] = []
    dataset_frames = list(_frames(path, pick, found))
    chosen = units or (found[0] if found else METAL)
    return assemble(dataset_frames, path, chosen)


def _frames(path: str | Path, pick: Picker, units: list[Units]) -> Iterator[Frame]:
    lines = complete_lines(path, "trajectory")
    number = 0
    for line, text in lines:
        if not text.strip():
            continue
        if pick.done(number):
            return
        word = text.strip()
        if not word.isdecimal() or len(word) > 12:
            raise FileError(path, f"expected the number of atoms, got {word[:40]!r}", line=line,
                            remedy="is this an XYZ file?")  # fmt: skip
        frame = _frame(path, lines, line, int(word), number, units)
        if pick.wants(number):
            yield frame
        number += 1


def _frame(
    path: str | Path, lines: Iterator[tuple[int, str]], line: int, count: int, number: int, units: list[Units]
) -> Frame:
    line, comment = next(lines, (line, ""))
    facts = {m[1]: next(g for g in m.groups()[1:] if g is not None) for m in _FACT.finditer(comment)}
    box = _lattice(path, line, facts)
    columns = _columns(path, line, facts.get("Properties", "species:S:1:pos:R:3"))
    width = sum(c[3] for c in columns)
    rows: list[list[str]] = []
    for _ in range(count):
        found = next(lines, None)
        if found is None:
            raise FileError(path, f"ends inside frame {number}: {len(rows)} of {count} atoms", line=line,
                            remedy=f"was its writer stopped? read frames=slice(0, {number}); a complete last line ends in a newline")  # fmt: skip
        line, text = found
        words = text.split()
        if len(words) != width:
            raise FileError(path, f"has {len(words)} columns, Properties announce {width}", line=line,
                            remedy="complete or delete this frame")  # fmt: skip
        rows.append(words)
    if not units and "units_length" in facts:
        try:
            units.append(Units(*(facts.get(f"units_{k}", d) for k, d in (("length", "sigma"), ("energy", "epsilon"), ("mass", "m")))))  # fmt: skip
        except ValueError as error:
            raise FileError(path, str(error), line=line) from None
    return _filled(path, line, rows, columns, box, _values(path, line, facts))


def _lattice(path: str | Path, line: int, facts: dict[str, str]) -> Array:
    words = facts.get("Lattice", "").split()
    if len(words) != 9 or not all(is_number(w) for w in words):
        raise FileError(path, 'has no Lattice="ax ay az bx by bz cx cy cz"', line=line,
                        remedy="a periodic box is needed: add the lattice vectors to the comment line")  # fmt: skip
    box = np.array([as_number(w) for w in words]).reshape(3, 3)
    if not np.all(np.isfinite(box)) or not abs(np.linalg.det(box)) > 0:
        raise FileError(path, "the Lattice has no volume", line=line, remedy="give three independent vectors")
    return box


def _columns(path: str | Path, line: int, text: str) -> list[Column]:
    words = text.split(":")
    columns, first = [], 0
    for name, kind, width in zip(words[::3], words[1::3], words[2::3], strict=False):
        if kind not in "SRIL" or not width.isdecimal() or not 0 < int(width[:4]) < 100:
            raise FileError(path, f"Properties hold {name[:20]}:{kind[:20]}:{width[:20]}", line=line,
                            remedy="write name:S|R|I|L:count")  # fmt: skip
        columns.append((name, kind, first, int(width)))
        first += int(width)
    names = [c[0] for c in columns]
    if (
        len(words) % 3
        or not ({"species", "type"} & set(names))
        or not any(_VECTORS.get(n) == "position" for n in names)
    ):
        raise FileError(path, f"Properties={text[:60]!r} lack species or pos", line=line,
                        remedy="write Properties=species:S:1:pos:R:3…")  # fmt: skip
    return columns


def _values(path: str | Path, line: int, facts: dict[str, str]) -> dict[str, float]:
    values = {}
    for name, goal in (("energy", "energy"), ("time", "time"), ("Time", "time"), ("step", "step")):
        if name in facts:
            if not is_number(facts[name]) or not abs(as_number(facts[name])) < 1e18:
                raise FileError(path, f"{name} = {facts[name][:40]!r} is not a number", line=line, remedy="correct it")
            values[goal] = as_number(facts[name])
    return values


def _filled(
    path: str | Path, line: int, rows: list[list[str]], columns: list[Column], box: Array, values: dict[str, float]
) -> Frame:
    vectors: dict[str, Array] = {}
    scalars: dict[str, Array] = {}
    types: list[str] = []
    for name, _, first, width in columns:
        if name in ("species", "type"):
            types = [row[first] for row in rows]
            continue
        goal, wanted = (_VECTORS.get(name), 3) if name in _VECTORS else (_SCALARS.get(name), 1)
        if goal is None or width != wanted:
            continue
        try:
            data = np.array([row[first : first + width] for row in rows], dtype=np.float64).reshape(-1, width)
        except ValueError:
            raise FileError(path, f"column {name} holds something else than numbers", line=line,
                            remedy="every atom needs every number") from None  # fmt: skip
        if not np.all(np.isfinite(data)):
            raise FileError(path, f"column {name} is not finite", line=line, remedy="did the simulation blow up?")
        if wanted == 3:
            vectors[goal] = data
        else:
            scalars[goal] = data[:, 0]
    if "position" not in vectors:
        raise FileError(path, "positions must have three columns", line=line, remedy="write pos:R:3")
    return Frame(vectors.pop("position"), box, types, vectors, scalars, values, line)


def write(ds: xr.Dataset, path: str | Path) -> None:
    """Write all frames with what the dataset holds; units go into the comment line."""
    check(ds, "trajectory")
    units = units_of(ds)
    types = [str(t) for t in ds["type"].values]
    if any(not t or any(c.isspace() for c in t) for t in types):
        raise ValueError("type names with blanks do not fit an XYZ file")
    names = [(n, c) for n, c in (("force", "forces:R:3"), ("velocity", "velo:R:3"), ("mass", "masses:R:1"),
                                 ("molecule", "molecule:I:1")) if n in ds]  # fmt: skip
    properties = ":".join(["species:S:1:pos:R:3", *(c for _, c in names)])
    said = f"units_length={units.length} units_energy={units.energy} units_mass={units.mass}"
    with atomic_path(path) as draft, draft.open("w", encoding="utf-8") as out:
        for k in range(ds.sizes["frame"]):
            facts = "".join(
                f" {n}={int(ds[n].values[k]) if n == 'step' else repr(float(ds[n].values[k]))}"
                for n in ("energy", "time", "step")
                if n in ds
            )
            lattice = " ".join(map(repr, ds["box"].values[k].ravel().tolist()))
            out.write(f'{len(types)}\nLattice="{lattice}" Properties={properties}{facts} pbc="T T T" {said}\n')
            data = [ds["position"].values[k]]
            for name, _ in names:
                data.append(ds[name].values[k] if "frame" in ds[name].dims else ds[name].values[:, None])
            for t, row in zip(types, np.concatenate(data, axis=1).tolist(), strict=True):
                out.write(f"{t} {' '.join(map(repr, row))}\n")
