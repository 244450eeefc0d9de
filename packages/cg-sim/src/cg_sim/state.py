"""State: everything a simulation continues from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from cg_sim.box import Array, as_box, volume


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Positions [length], box, velocities [length/time], masses, types and the step number of n particles.

    `positions` may lie outside the box: they are kept unwrapped, so that displacements have a meaning.
    `types` are codes into `names`; given as names they are coded. A mass is one number or one per particle;
    without velocities the state is at rest.

    >>> state = State([[0.0, 0, 0], [1.0, 0, 0]], 5.0, types=["B", "A"])
    >>> state.names, state.types.tolist(), state.masses.tolist(), round(state.density, 6)
    (('A', 'B'), [1, 0], [1.0, 1.0], 0.016)
    """

    positions: Array
    box: Array
    velocities: Array = None  # type: ignore[assignment]
    masses: Array = 1.0  # type: ignore[assignment]
    types: npt.NDArray[np.int32] = None  # type: ignore[assignment]
    names: tuple[str, ...] = ("A",)
    step: int = 0

    def __post_init__(self) -> None:
        x = np.array(self.positions, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != 3 or len(x) == 0:
            raise ValueError(f"positions must be (n, 3) with n ≥ 1, got {x.shape}")
        codes, names = _coded(self.types, self.names, len(x))
        v = np.zeros_like(x) if self.velocities is None else np.array(self.velocities, dtype=np.float64)
        if v.shape != x.shape:
            raise ValueError(f"velocities must be {x.shape} as positions, got {v.shape}")
        masses = np.array(np.broadcast_to(np.asarray(self.masses, dtype=np.float64), (len(x),)))
        for what, array in (("positions", x), ("velocities", v), ("masses", masses)):
            if not np.all(np.isfinite(array)):
                raise ValueError(f"{what} of particle {int(np.argwhere(~np.isfinite(array))[0][0])} are not finite")
        if not np.all(masses > 0):
            raise ValueError(f"masses must be positive, particle {int(np.argmin(masses))} has {masses.min()}")
        values: dict[str, npt.NDArray[Any]] = {
            "positions": x,
            "box": as_box(self.box),
            "velocities": v,
            "masses": masses,
            "types": codes,
        }
        for name, value in values.items():
            value.flags.writeable = False
            object.__setattr__(self, name, value)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "step", int(self.step))

    def moved(self, positions: Array, velocities: Array, box: Array, step: int) -> State:
        """Return the same particles elsewhere, unchecked: for engines, whose arrays are their own and finite."""
        state = object.__new__(State)
        new = {"positions": positions, "velocities": velocities, "box": box}
        for array in new.values():
            array.flags.writeable = False
        same = {"masses": self.masses, "types": self.types, "names": self.names}
        for name, value in (*new.items(), *same.items(), ("step", step)):
            object.__setattr__(state, name, value)
        return state

    @property
    def n(self) -> int:
        return len(self.positions)

    @property
    def volume(self) -> float:
        return volume(self.box)

    @property
    def density(self) -> float:
        """Particles per volume [length⁻³]."""
        return self.n / self.volume

    @property
    def kinetic_energy(self) -> float:
        return 0.5 * float(np.sum(self.masses[:, None] * self.velocities**2))

    def counts(self) -> dict[str, int]:
        """Return the number of particles of each type."""
        return {name: int(np.sum(self.types == code)) for code, name in enumerate(self.names)}

    def with_velocities(self, kT: float, seed: int = 0) -> State:
        """Return the state with Maxwell–Boltzmann velocities at exactly `kT`, at rest as a whole."""
        if not (isinstance(kT, Real) and 0 < kT < np.inf):
            raise ValueError(f"velocities need a kT that is positive and finite, got {kT!r}")
        rng = np.random.default_rng([int(seed), 0x5EED])
        v = rng.standard_normal((self.n, 3)) * np.sqrt(kT / self.masses[:, None])
        if self.n > 1:
            v -= self.masses @ v / self.masses.sum()
            freedom = 3 * (self.n - 1)
            v *= np.sqrt(freedom * kT / np.sum(self.masses[:, None] * v**2))
        return replace(self, velocities=v)


def _coded(types: Any, names: Sequence[str], n: int) -> tuple[npt.NDArray[np.int32], tuple[str, ...]]:
    if types is None:
        return np.zeros(n, dtype=np.int32), tuple(names)
    given = np.asarray(types)
    if given.shape == ():
        given = np.broadcast_to(given, (n,))
    if given.dtype.kind in "UO":
        kinds, codes = np.unique(given.astype(str), return_inverse=True)
        names = tuple(str(k) for k in kinds)
    else:
        codes = given
    if codes.shape != (n,):
        raise ValueError(f"types must be one per particle ({n}), got shape {given.shape}")
    own = np.array(codes, dtype=np.int32)
    if own.min() < 0 or own.max() >= len(names):
        raise ValueError(
            f"type codes must lie in 0…{len(names) - 1} (names {tuple(names)}), got {own.min()}…{own.max()}"
        )
    return own, tuple(names)
