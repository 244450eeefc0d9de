"""Neighbors of frames that are learned from again and again: looked for once, for all models that share them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cg_models.deep_potential.structures import Structures, joined, structure
from cg_models.many_body.neighborhoods import Neighborhoods
from cg_models.schnet.bead_frames import BeadFrames

_MOST_BYTES = 2**32


class FrameStructures:
    """Structures of frames by their numbers; those found stay, up to `most_bytes` of memory."""

    def __init__(self, frames: BeadFrames, cutoff: float, *, most_bytes: int = _MOST_BYTES) -> None:
        self.frames, self.cutoff, self._left = frames, cutoff, most_bytes
        self._known: dict[int, Structures] = {}

    def __call__(self, chosen: npt.NDArray[np.int64]) -> Structures:
        """Return the frames with these numbers as one."""
        return joined([self._one(int(k)) for k in chosen])

    def _one(self, k: int) -> Structures:
        if (known := self._known.get(k)) is not None:
            return known
        frames = self.frames
        found = structure(frames.positions[k], frames.boxes[k], frames.codes, Neighborhoods(self.cutoff, skin=0.0))
        size = sum(a.nbytes for a in (found.i, found.j, found.first, found.vectors))
        if size <= self._left:
            self._left -= size
            self._known[k] = found
        return found
