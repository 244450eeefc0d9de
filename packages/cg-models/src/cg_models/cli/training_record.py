"""Beside a training's checkpoint: of what options and frames it is, so that --resume goes on with nothing else."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cg_data import FileError
from cg_data.safe_files import atomic_path, sized_file
from cg_models.schnet.bead_frames import BeadFrames

_OPTIONS = (
    "cutoff", "prior", "bonds", "kT", "mass", "alike", "features", "filters", "blocks", "radial", "inner_blocks", "inner_cutoff",
    "energy_weight", "epochs", "batch", "rate", "last_rate", "patience", "validate_share", "split", "gap", "seed",
)  # fmt: skip
_MOST_BYTES = 2**20


def made_of(options: argparse.Namespace, frames: str) -> dict[str, Any]:
    """Return all that the weights depend on."""
    return {name: getattr(options, name) for name in _OPTIONS} | {"frames": frames}


def digest(frames: BeadFrames) -> str:
    """Return the SHA-256 of all numbers of the frames."""
    found = hashlib.sha256(repr((frames.types, frames.units)).encode())
    for values in (frames.positions, frames.boxes, frames.codes, frames.molecule, frames.forces, frames.energies):
        found.update(b"none" if values is None else values.tobytes())
    return found.hexdigest()


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """The files of a training: its checkpoint, and what it is of."""

    checkpoint: Path
    about: Path
    made_of: Mapping[str, Any]

    @staticmethod
    def of(output: Path, made_of: Mapping[str, Any], *, resume: bool) -> TrainingRecord:
        """Return the record beside an output; FileError if the one that is there is of another training, or would be lost."""
        stem = output.name.removesuffix(".safetensors")
        record = TrainingRecord(
            output.with_name(f"{stem}.checkpoint.safetensors"), output.with_name(f"{stem}.training.json"), made_of
        )
        if record.checkpoint.exists():
            record._compared(resume=resume)
        return record

    def open(self, *, resume: bool) -> None:
        """Write what is being trained; what a finished training left is gone before, as it is of something else."""
        if resume and self.checkpoint.exists():
            return
        self.checkpoint.unlink(missing_ok=True)
        self._write(finished=False)

    def close(self) -> None:
        """Write that it is done."""
        self._write(finished=True)

    def _compared(self, *, resume: bool) -> None:
        there = self._read()
        if not resume:
            if not there.get("finished"):
                raise FileError(self.checkpoint, "is of a training that was stopped", remedy="--resume goes on with it; remove it to begin anew")  # fmt: skip
            return
        theirs = there.get("made_of", {})
        for name, ours in self.made_of.items():
            if theirs.get(name) != ours:
                what = (
                    "other frames" if name == "frames" else f"--{name.replace('_', '-')} {theirs.get(name)}, not {ours}"
                )
                raise FileError(self.checkpoint, f"is of a training with {what}", remedy="give the same options and trajectory, or begin anew without --resume in another file")  # fmt: skip

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(
                sized_file(self.about, max_bytes=_MOST_BYTES, what="training's record").read_text("utf-8")
            )
        except ValueError as error:
            raise FileError(
                self.about, f"says nothing of {self.checkpoint.name} ({error})", remedy="remove both to begin anew"
            ) from None
        if not isinstance(found, dict):
            raise FileError(self.about, f"says nothing of {self.checkpoint.name}", remedy="remove both to begin anew")
        return found

    def _write(self, *, finished: bool) -> None:
        with atomic_path(self.about) as draft:
            draft.write_text(json.dumps({"made_of": self.made_of, "finished": finished}, indent=1), encoding="utf-8")
