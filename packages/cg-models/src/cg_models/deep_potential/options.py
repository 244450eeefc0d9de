"""What a deep potential is made of: frozen records that are stored with its weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real


@dataclass(frozen=True, slots=True)
class SmoothOptions:
    """The smooth environments of DeepPot-SE, `se_e2_a` of deepmd-kit; lengths are the potential's.

    `count` says for each type how many neighbors an environment is divided by. It is no limit: no neighbor is ever left out.
    `moments` is 1 as deepmd-kit has it, where products of an environment know cos θ, or 2, where they know cos² θ as well.
    `one_side` has one embedding network per type of neighbor, else there is one per pair of types.
    """

    cutoff: float
    smooth_from: float
    count: tuple[int, ...]
    embedding: tuple[int, ...] = (25, 50, 100)
    axes: int = 16
    fitting: tuple[int, ...] = (240, 240, 240)
    embedding_steps: bool = False
    fitting_steps: bool = True
    one_side: bool = True
    moments: int = 1

    def __post_init__(self) -> None:
        _check_lengths(self, "cutoff", "smooth_from")
        if not 0 <= self.smooth_from < self.cutoff:
            raise ValueError(f"smooth_from must be in [0, cutoff), got {self.smooth_from} of {self.cutoff}")
        _check_sizes(self.count, "count")
        _check_sizes(self.embedding, "embedding")
        _check_sizes(self.fitting, "fitting")
        if self.moments not in (1, 2):
            raise ValueError(f"moments must be 1 or 2, got {self.moments}")
        _check_sizes((self.axes,), "axes")
        if not 1 <= self.axes <= self.embedding[-1]:
            raise ValueError(f"axes must be from 1 to the last size of embedding, got {self.axes}")

    @property
    def types(self) -> int:
        """How many types there are."""
        return len(self.count)


@dataclass(frozen=True, slots=True)
class LocalFrameOptions:
    """The local frames of paper 05: `full` neighbors of each type, the nearest, with directions, the others with 1/R alone.

    `count` says how many of each type are seen in all; farther ones are left out, and the energy jumps where neighbors change places.
    """

    cutoff: float
    count: tuple[int, ...]
    full: tuple[int, ...] = (16,)
    fitting: tuple[int, ...] = (120, 60, 30, 15)

    def __post_init__(self) -> None:
        _check_lengths(self, "cutoff")
        if not self.cutoff > 0:
            raise ValueError(f"cutoff must be positive, got {self.cutoff}")
        _check_sizes(self.count, "count")
        _check_sizes(self.fitting, "fitting")
        if len(self.full) != len(self.count) or any(
            not 0 <= a <= b for a, b in zip(self.full, self.count, strict=True)
        ):
            raise ValueError(f"full must have one number per type, at most its count, got {self.full} of {self.count}")

    @property
    def types(self) -> int:
        """How many types there are."""
        return len(self.count)


Options = SmoothOptions | LocalFrameOptions


def _check_lengths(options: Options, *names: str) -> None:
    """Make lengths floats; ValueError for what is no finite number."""
    for name in names:
        value = getattr(options, name)
        if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(float(value)):
            raise ValueError(f"{name} must be a finite number, got {value!r}")
        object.__setattr__(options, name, float(value))


def _check_sizes(sizes: tuple[int, ...], what: str) -> None:
    if not sizes or any(not isinstance(n, Integral) or isinstance(n, bool) or n < 1 for n in sizes):
        raise ValueError(f"{what} must be positive whole numbers, got {sizes}")
