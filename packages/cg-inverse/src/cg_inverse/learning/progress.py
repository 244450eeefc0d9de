"""What a training continues from, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cg_inverse.problems.bins import Array
from cg_sim import State

Weights = dict[str, Array]
Boxes = tuple[tuple[State, ...], ...]  # of each state point, each replica


@dataclass(frozen=True, eq=False)
class Training:
    """All that the loop continues from: weights, Adam's moments, where the boxes are, and how the loss went."""

    weights: Weights
    first: Weights
    second: Weights
    boxes: Boxes
    rate: float
    number: int = 0
    updates: int = 0
    losses: tuple[float, ...] = ()
    excesses: tuple[float, ...] = ()
    best: float = np.inf
    stale: int = 0
    quiet: int = 0
    best_weights: Weights = field(default_factory=dict)
    best_boxes: Boxes = ()
    failures: int = 0
