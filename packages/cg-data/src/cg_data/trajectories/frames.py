"""Frames as readers collect them, before they become one dataset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import xarray as xr

from cg_data.errors import FileError
from cg_data.potentials.pair_potential import Array
from cg_data.safe_files import sized_file, text_lines
from cg_data.trajectory_dataset import trajectory
from cg_data.units import Units

MAX_BYTES = 4 * 2**30  # of a file: readers hold what they read in memory
MAX_VALUES = 2**29  # coordinates held at once, 4 GiB


@dataclass(slots=True, eq=False)
class Frame:
    """One configuration: positions, lattice vectors as rows, and per-particle or per-frame extras by name."""

    position: Array
    box: Array
    types: Sequence[str]
    vectors: dict[str, Array] = field(default_factory=dict)  # force, velocity: (particle, 3)
    scalars: dict[str, Array] = field(default_factory=dict)  # mass, molecule: (particle,)
    values: dict[str, float] = field(default_factory=dict)  # energy, time, step
    line: int | None = None
    ids: Array | None = None  # of the particles, where the file has them


def assemble(frames: Iterable[Frame], path: str | Path, units: Units, **attrs: object) -> xr.Dataset:
    """Return the dataset of frames that must agree in particles, types and in which extras they carry."""
    kept: list[Frame] = []
    held = 0
    for frame in frames:
        held += frame.position.size * (1 + len(frame.vectors))
        if held > MAX_VALUES:
            raise FileError(path, f"holds more than {MAX_VALUES} coordinates", line=frame.line,
                            remedy="read a part with frames=slice(start, stop, step)")  # fmt: skip
        if kept:
            _agree(path, kept[0], frame, len(kept))
        kept.append(frame)
    if not kept:
        raise FileError(path, "holds no frame in the range asked for", remedy="check frames=")
    first = kept[0]
    for name in ("molecule", "step"):
        numbers = first.scalars.get(name, np.array([f.values.get(name, 0.0) for f in kept]))
        if not np.all((np.abs(numbers) < 2**53) & (numbers == np.floor(numbers))):
            raise FileError(path, f"{name} is not a whole number", line=first.line, remedy="number them 0, 1, 2 …")

    def each(name: str) -> Array | None:
        return np.stack([f.vectors[name] for f in kept]) if name in first.vectors else None

    def per_frame(name: str) -> Array | None:
        return np.array([f.values[name] for f in kept]) if name in first.values else None

    try:
        return trajectory(
            np.stack([f.position for f in kept]),
            np.stack([f.box for f in kept]),
            list(first.types),
            units=units,
            force=each("force"),
            velocity=each("velocity"),
            energy=per_frame("energy"),
            mass=first.scalars.get("mass"),
            molecule=first.scalars.get("molecule"),
            time=per_frame("time"),
            step=per_frame("step"),
            source=Path(path).name,
            **attrs,
        )
    except ValueError as error:
        raise FileError(path, str(error)) from None


def _agree(path: str | Path, first: Frame, frame: Frame, number: int) -> None:
    where = f"frame {number}"
    if len(frame.position) != len(first.position):
        raise FileError(path, f"{where} has {len(frame.position)} particles, frame 0 has {len(first.position)}",
                        line=frame.line, remedy="a trajectory keeps its particles; split the file")  # fmt: skip
    if list(frame.types) != list(first.types):
        raise FileError(path, f"{where} has other particle types than frame 0", line=frame.line,
                        remedy="sort the particles alike in every frame")  # fmt: skip
    if frame.ids is not None and first.ids is not None and not np.array_equal(frame.ids, first.ids):
        raise FileError(path, f"{where} has other particle ids than frame 0", line=frame.line,
                        remedy="particles were lost or added: split the file there")  # fmt: skip
    for name in ("vectors", "values"):
        here, there = set(getattr(frame, name)), set(getattr(first, name))
        if here != there:
            raise FileError(path, f"{where} carries {sorted(here) or 'nothing'}, frame 0 {sorted(there) or 'nothing'}",
                            line=frame.line, remedy="write the same columns in every frame")  # fmt: skip


def complete_lines(path: str | Path, what: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a trajectory that end in a newline: a last one without may be cut inside a number."""
    size = sized_file(path, max_bytes=MAX_BYTES, what=what).stat().st_size
    with Path(path).open("rb") as stream:
        stream.seek(size - 1)
        whole = stream.read(1) == b"\n"
    held: tuple[int, str] | None = None
    for line in text_lines(path, max_bytes=MAX_BYTES, what=what):
        if held is not None:
            yield held
        held = line
    if held is not None and whole:
        yield held


def cell_vectors(lx: float, ly: float, lz: float, xy: float, xz: float, yz: float) -> Array:
    """Return lattice vectors (rows) of a box with edge lengths and tilts [length], lower triangular."""
    return np.array([[lx, 0.0, 0.0], [xy, ly, 0.0], [xz, yz, lz]])


def lower_triangular(box: Array, what: str) -> Array:
    """Return the box if its vectors are lower triangular with positive edges, as LAMMPS and HOOMD demand."""
    scale = 1e-9 * float(np.max(np.abs(box)))
    if abs(box[0, 1]) > scale or abs(box[0, 2]) > scale or abs(box[1, 2]) > scale or np.any(np.diag(box) <= 0):
        raise ValueError(f"{what} needs lattice vectors a ∥ x, b in the xy plane: rotate the system first")
    return box


class Picker:
    """Says which frames a slice wants, one after the other, without knowing how many there are."""

    def __init__(self, frames: slice | None) -> None:
        wanted = frames or slice(None)
        self.start, self.stop, self.step = wanted.start or 0, wanted.stop, wanted.step or 1
        if self.start < 0 or self.step < 1 or (self.stop is not None and self.stop < 0):
            raise ValueError(f"frames must count forwards from the beginning, got {frames}")

    def wants(self, number: int) -> bool:
        """Return whether frame `number` is in the slice."""
        return number >= self.start and not self.done(number) and (number - self.start) % self.step == 0

    def done(self, number: int) -> bool:
        """Return whether no frame from `number` on is wanted."""
        return self.stop is not None and number >= self.stop
