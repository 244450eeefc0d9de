"""What a deep potential asks of environments, whichever they are: numbers of every atom, and the ways back and along."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

from cg_models.deep_potential.structures import Structures

Array = npt.NDArray[np.float64]


class Prepared(Protocol):
    """The environments of some structures. `given` (atom, …) is what features are made of."""

    @property
    def given(self) -> Tensor: ...

    def slopes(self, by: Tensor) -> Array:
        """Return dE/dvector (edge, 3) of an E with these slopes of `given`."""
        ...

    def changes(self, u: Array) -> Tensor:
        """Return how `given` changes when vectors change by u (edge, 3)."""
        ...

    def learn(self, u: Array, change: Tensor, by: Tensor, by_change: Tensor) -> None:
        """Add to the gradients of weights those of an L with slopes `by` of features, and `by_change` of their change.

        Vectors change by u (edge, 3), what is given by `change`.
        """
        ...


class Environments(Protocol):
    """Environments as a potential has them, with the number of features."""

    reach: tuple[float, float]  # of tables while weights are learned: the shortest distance, and that of knots

    @property
    def size(self) -> int: ...

    def prepared(self, structures: Structures, *, learning: bool = False, unchanged: bool = False) -> Prepared:
        """Return the environments of structures; weights that are `unchanged` since the last call are not looked at."""
        ...

    def features(self, types: Tensor, given: Tensor, *along: Tensor) -> list[Tensor]:
        """Return features (atom, size), and their changes with those of `given`."""
        ...

    def back(self, types: Tensor, given: Tensor, by: Tensor) -> Tensor:
        """Return dE/dgiven of the slopes `by` (atom, size) of features."""
        ...

    def remeasure(self) -> None:
        """Let the next tables that are learned with be as near to their networks as these weights need."""
        ...

    def normalize(self, structures: Structures) -> None:
        """Set means and spreads to those of these structures."""
        ...
