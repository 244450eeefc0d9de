"""Checkpoints: all that a run continues from, as one file that is whole or not there. No pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cg_data import FileError
from cg_data.safe_arrays import npz_arrays
from cg_data.safe_files import atomic_path
from cg_sim.state import State

_FORMAT = 1
_MOST_BYTES = 16 * 2**30
_REMEDY = "start the run again without it"
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """State, the engine's own variables, what the recorders know, steps done and those
    that were equilibration, and the digest of the run's settings."""

    state: State
    done: int
    digest: str
    equilibration: int = 0
    extra: Arrays = field(default_factory=dict)
    memories: tuple[Arrays, ...] = ()

    def save(self, path: str | Path) -> None:
        """Write the checkpoint; the old one stays until the new one is complete."""
        s = self.state
        arrays: Arrays = {
            "positions": s.positions, "velocities": s.velocities, "box": s.box, "masses": s.masses, "types": s.types,
        }  # fmt: skip
        arrays |= {f"extra.{name}": np.asarray(a) for name, a in self.extra.items()}
        for k, memory in enumerate(self.memories):
            arrays |= {f"memory.{k}.{name}": np.asarray(a) for name, a in memory.items()}
        unsafe = [name for name, a in arrays.items() if a.dtype.hasobject]
        if unsafe:
            raise TypeError(f"{', '.join(unsafe)} would need a pickle: memory() and extra() return plain arrays")
        facts = {"format": _FORMAT, "done": self.done, "digest": self.digest, "equilibration": self.equilibration, "names": s.names, "step": s.step,
                 "recorders": len(self.memories)}  # fmt: skip
        with atomic_path(path) as draft, draft.open("wb") as stream:
            np.savez(stream, facts=np.array(json.dumps(facts)), **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: str | Path) -> Checkpoint:
        """Return the checkpoint of a file; FileError if it holds none."""
        arrays = npz_arrays(path, max_bytes=_MOST_BYTES, what="checkpoint", remedy=_REMEDY)
        try:
            facts = json.loads(str(arrays.pop("facts")))
            if facts["format"] != _FORMAT:
                raise ValueError(f"format {facts['format']}, this version reads {_FORMAT}")
            state = State(
                arrays["positions"], arrays["box"], arrays["velocities"], arrays["masses"], arrays["types"],
                tuple(facts["names"]), int(facts["step"]),
            )  # fmt: skip
            memories = tuple(_under(arrays, f"memory.{k}.") for k in range(int(facts["recorders"])))
            return cls(
                state,
                int(facts["done"]),
                str(facts["digest"]),
                int(facts["equilibration"]),
                _under(arrays, "extra."),
                memories,
            )
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise FileError(path, f"holds no checkpoint ({error})", remedy=_REMEDY) from error


def _under(arrays: Mapping[str, npt.NDArray[Any]], prefix: str) -> Arrays:
    return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
