"""What tells one base of a correction from another: its energy and forces in a configuration that is kept, and a name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import cg_sim as cs
from cg_data import pair_name
from cg_inverse.corrections.bases import evaluated, is_pair, is_shared
from cg_inverse.problems.bins import Array

_SHIFT = 0.04  # of ρ^(−1/3): a crystal would have no forces
_FORCES = 8  # particles whose forces are kept
_RELATIVE, _SINGLE = 1e-4, 1e-6  # of kT and of forces; of energies, what single precision leaves of their sum
_POINTS = 200
_PARTS = ("model", "potential", "networks", "network")


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """A base's `energy` [energy] and the `forces` (few, 3) on the first particles of `state`; `name` says in words what it is."""

    name: str
    state: cs.State
    energy: float
    forces: Array


def fingerprint(base: Any, state: cs.State, *, name: str | None = None) -> Fingerprint:
    """Return that of a base in a configuration, the particles of which are moved a little."""
    step = _SHIFT * state.density ** (-1 / 3)
    moved = state.positions + step * np.random.default_rng(0).standard_normal(state.positions.shape)
    here = replace(state, positions=moved, velocities=np.zeros_like(moved), step=0)
    energy, forces = evaluated(base, here)
    return Fingerprint(name or described(base), here, energy, forces[:_FORCES])


def require_same(base: Any, kept: Fingerprint, kT: float, *, name: str | None = None) -> None:
    """Raise ValueError if a base is not the one of a fingerprint, to what single precision can tell: energies to 10⁻⁴ kT a
    particle and a millionth of their sum, forces to 10⁻⁴ of their root mean square.
    """
    energy, forces = evaluated(base, kept.state)
    n, scale = kept.state.n, float(np.sqrt(np.mean(kept.forces**2)))
    off, pulled = abs(energy - kept.energy), float(np.max(np.abs(forces[:_FORCES] - kept.forces)))
    if off <= _RELATIVE * kT * n + _SINGLE * abs(kept.energy) and pulled <= _RELATIVE * scale:
        return
    raise ValueError(
        f"the base is not the one that this fit corrects: begun with {kept.name}, now {name or described(base)}; in the "
        f"configuration that the folder keeps, energies are {kept.energy / n:.6g} and {energy / n:.6g} a particle, and forces "
        f"differ by up to {pulled:.2g} of {scale:.2g}: name the base that it was begun with"
    )


def described(base: Any) -> str:
    """Return in words what a base is: its class, its plain parameters, and a digest of its tables or weights.

    >>> from cg_data import LennardJones
    >>> described({("Al", "Al"): LennardJones(cutoff=2.5)}).split("#")[0]
    'Al-Al: LennardJones '
    """
    if is_pair(base):
        given = base.items() if isinstance(base, Mapping) else [(None, base)]
        return ", ".join(f"{pair_name(p)}: {_curve(u)}" if p else _curve(u) for p, u in given)
    return _calculator(base if is_shared(base) else base())


def _curve(potential: Any) -> str:
    r = np.linspace(0.3, 1.0, _POINTS, endpoint=False) * potential.cutoff
    rounded = [f"{u:.6e}" for u in np.asarray(potential.energy(r), dtype=float)]
    return f"{type(potential).__name__} #{_digest(' '.join(rounded).encode())}"


def _calculator(model: Any) -> str:
    given = dict(getattr(model, "parameters", None) or {})
    plain = [f"{k}={v!r}" for k, v in sorted(given.items()) if isinstance(v, bool | int | float | str)]
    weights = _weights(model)
    return f"{type(model).__name__}({', '.join(plain)})" + (f" #{_digest(weights)}" if weights else "")


def _weights(model: Any) -> bytes:
    """Return the numbers of the first networks found in a model or its parts."""
    if callable(getattr(model, "state_dict", None)):
        return b"".join(np.ascontiguousarray(t.detach().cpu()).tobytes() for t in model.state_dict().values())
    parts = (getattr(model, name, None) for name in _PARTS)
    return next((found for part in parts if part is not None and (found := _weights(part))), b"")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:6]
