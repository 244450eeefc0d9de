"""The GSD trajectory of a run: a new file, or the file of the run that is resumed, cut at the state's step.

GSD files hold single precision: they are for analysis and pictures, checkpoints are for continuing. HOOMD buffers what it
writes: `flush` the writer before reading.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import hoomd

from cg_data.errors import missing_extra
from cg_sim.state import State

_STEP = "configuration/step"


def trajectory_writer(path: Path, state: State, *, resumed: bool, rank: int) -> Any:
    """Return a `hoomd.write.GSD` that writes a frame where its `trigger` says so, first at the state's step."""
    if path.exists() and not resumed:
        raise FileExistsError(f"{path} exists: move it away, or give the run another trajectory file")
    if path.exists() and rank == 0:
        cut(path, state.step)
    return hoomd.write.GSD(
        trigger=hoomd.trigger.On(state.step), filename=str(path), mode="ab", dynamic=["property", "momentum"]
    )


def cut(path: Path, step: int) -> None:
    """Drop a GSD file's frames after `step`, copying the others bit for bit if there are any to drop."""
    try:
        import gsd.fl
    except ImportError:
        raise missing_extra("gsd", "gsd", f"resuming {path}") from None
    with gsd.fl.open(str(path), "r") as file:
        kept = sum(_step(file, frame) <= step for frame in range(file.nframes))
        if kept == file.nframes:
            return
        draft = path.with_name(f"{path.name}.{os.getpid()}.part")
        names = file.find_matching_chunk_names("")
        about = {"application": file.application, "schema": file.schema, "schema_version": file.schema_version}
        with gsd.fl.open(str(draft), "w", **about) as shorter:
            for frame in range(kept):
                for name in names:
                    if file.chunk_exists(frame, name):
                        shorter.write_chunk(name, file.read_chunk(frame, name))
                shorter.end_frame()
    draft.replace(path)


def _step(file: Any, frame: int) -> int:
    return int(file.read_chunk(frame, _STEP)[0]) if file.chunk_exists(frame, _STEP) else 0
