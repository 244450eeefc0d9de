"""States to start from."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real

import numpy as np

from cg_sim.state import State


def fcc(
    n: int,
    density: float,
    *,
    kT: float | None = None,
    masses: float = 1.0,
    composition: Mapping[str, float] | None = None,
    seed: int = 0,
) -> State:
    """Return n particles on a face-centred cubic lattice in a cubic box, at rest or with velocities at `kT`.

    If n is not 4 k³ the lattice has vacancies, spread at random. `composition` {"A": 0.25, "B": 0.75} gives
    types by fraction, dealt at random.

    >>> fcc(864, 0.7).density.__round__(12)
    0.7
    """
    whole = all(isinstance(k, Integral) and not isinstance(k, bool) for k in (n, seed))
    if not whole or n < 1 or seed < 0 or not isinstance(density, Real) or not 1e-90 < density < 1e90:
        raise ValueError(
            f"fcc needs whole numbers n ≥ 1 and seed ≥ 0 and a positive density, got n = {n!r}, seed = {seed!r}, density = {density!r}"
        )
    cells = int(np.ceil(round((n / 4) ** (1 / 3), 9)))
    side = (n / density) ** (1 / 3)
    corner = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    basis = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    sites = ((corner + basis).reshape(-1, 3) + 0.25) * (side / cells)
    rng = np.random.default_rng([int(seed), int(n)])
    if len(sites) > n:
        sites = sites[np.sort(rng.choice(len(sites), n, replace=False))]
    types, names = _composed(composition, n, rng)
    state = State(sites, side, masses=masses, types=types, names=names)
    return state if kT is None else state.with_velocities(kT, seed)


def _composed(
    composition: Mapping[str, float] | None, n: int, rng: np.random.Generator
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    if composition is None:
        return None, ("A",)
    names = tuple(sorted(composition))
    shares = np.array([composition[name] for name in names], dtype=float)
    if np.any(shares < 0) or not np.isclose(shares.sum(), 1.0):
        raise ValueError(f"fractions must be ≥ 0 and sum to 1, got {dict(composition)}")
    ends = np.rint(np.cumsum(shares) * n).astype(int)
    types = np.searchsorted(ends, np.arange(n), side="right").astype(np.int32)
    return rng.permutation(types), names
