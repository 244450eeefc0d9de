"""The `ITEM: ATOMS` section of a LAMMPS dump: from columns of words to one frame."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cg_data.errors import FileError
from cg_data.potentials.pair_potential import Array
from cg_data.trajectories.frames import Frame

_FLAVORS = (("xu", "yu", "zu"), ("x", "y", "z"), ("xsu", "ysu", "zsu"), ("xs", "ys", "zs"))


class AtomTable:
    """The columns of one frame, as words."""

    def __init__(self, path: str | Path, line: int, columns: dict[str, tuple[str, ...]]) -> None:
        self.path, self.line, self.columns = path, line, columns

    def has(self, *names: str) -> bool:
        return all(n in self.columns for n in names)

    def column(self, name: str) -> Array:
        """Return a column of finite numbers."""
        try:
            found = np.array(self.columns[name], dtype=np.float64)
        except ValueError:
            raise FileError(self.path, f"column {name} holds something else than numbers", line=self.line,
                            remedy="every atom needs every number") from None  # fmt: skip
        if not np.all(np.isfinite(found)):
            raise FileError(self.path, f"column {name} is not finite", line=self.line,
                            remedy="did the simulation blow up?")  # fmt: skip
        return found

    def vectors(self, *names: str) -> Array:
        return np.stack([self.column(n) for n in names], axis=-1)

    def frame(
        self, box: Array, origin: Array, values: dict[str, float], types: Sequence[str] | None, time_scale: float
    ) -> Frame:
        """Return the frame, atoms sorted by id, unscaled and unwrapped, the box's origin at zero."""
        flavor = next((f for f in _FLAVORS if self.has(*f)), None)
        if flavor is None or not (self.has("type") or self.has("element")):
            raise FileError(self.path, "ATOMS has no coordinates or no type", line=self.line,
                            remedy="dump custom … id type x y z (or xs, xu, xsu)")  # fmt: skip
        x = self.vectors(*flavor)
        x = x @ box if flavor[0] in ("xs", "xsu") else x - origin
        if flavor[0] in ("x", "xs") and self.has("ix", "iy", "iz"):
            x = x + self.vectors("ix", "iy", "iz") @ box
        ids, order = self.order(len(x))
        words = self.names(types)
        frame = Frame(x[order], box, [words[i] for i in order.tolist()], values=values, line=self.line, ids=ids)
        if self.has("vx", "vy", "vz"):
            frame.vectors["velocity"] = self.vectors("vx", "vy", "vz")[order] / time_scale
        if self.has("fx", "fy", "fz"):
            frame.vectors["force"] = self.vectors("fx", "fy", "fz")[order]
        for name, goal in (("mass", "mass"), ("mol", "molecule")):
            if self.has(name):
                frame.scalars[goal] = self.column(name)[order]
        return frame

    def order(self, count: int) -> tuple[Array | None, npt.NDArray[np.intp]]:
        """Return the sorted ids, None if there are none, and the rows in their order."""
        if not self.has("id"):
            return None, np.arange(count)
        ids = self.column("id")
        order = np.argsort(ids, kind="stable")
        if len(np.unique(ids)) < count:
            twice = ids[order][:-1][np.diff(ids[order]) == 0][0]
            raise FileError(self.path, f"the atom id {twice:g} appears twice", line=self.line,
                            remedy="were two dumps mixed? ids must be unique")  # fmt: skip
        return ids[order], order

    def names(self, types: Sequence[str] | None) -> list[str]:
        """Return the type names in the order of the rows."""
        if types is None:
            return list(self.columns["element" if self.has("element") else "type"])
        try:
            numbers = [int(w) for w in self.columns.get("type", ())]
            if not numbers or min(numbers) < 1:
                raise IndexError
            return [types[n - 1] for n in numbers]
        except (ValueError, IndexError):
            raise FileError(self.path, f"a type is not among 1 … {len(types)}", line=self.line,
                            remedy=f"name every type: types={list(types)}") from None  # fmt: skip
