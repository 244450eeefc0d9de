"""Static structure factor on the reciprocal lattice of the box."""

# mypy: disable-error-code="untyped-decorator"
from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from numba import njit

from cg_data.interactions import pair_name
from cg_sim.box import Array
from cg_sim.engines.protocol import Frame
from cg_sim.observables.neighbor_pairs import Indices
from cg_sim.observables.protocol import Context
from cg_sim.statistics.blocks import BlockMean


@dataclass(frozen=True, slots=True)
class StructureFactor:
    """S(q) = ⟨|Σ_i exp(iq·r_i)|²⟩/N for q up to `q_max` [1/length], averaged over shells of equal width.

    q are vectors of the reciprocal lattice, one of each ±q; a shell with more than `per_shell` of them uses that many,
    drawn with `seed` (None: all). Shells without vectors are left out; `q` is the mean |q| of a shell's vectors.
    `structure_factor_pair` holds S_αβ = ⟨Re ρ_α ρ_β*⟩/√(N_α N_β) (Ashcroft–Langreth: δ_αβ at large q), so that
    S = Σ_αβ √(x_α x_β) S_αβ. In a run with a barostat the vectors stretch with the box and `q` are those of its start.
    """

    q_max: float
    shells: int = 100
    per_shell: int | None = 50
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.q_max > 0 or self.shells < 1 or (self.per_shell is not None and self.per_shell < 1):
            raise ValueError(
                f"StructureFactor needs a positive q_max, shells and per_shell, "
                f"got {self.q_max}, {self.shells}, {self.per_shell}"
            )

    def start(self, context: Context) -> _Recorder:
        return _Recorder(self, context)


def lattice_vectors(box: Array, q_max: float) -> tuple[Indices, Array]:
    """Return the integers h with 0 < |q| ≤ q_max for q = 2π h·box⁻ᵀ, one of each ±h, and |q| [1/length].

    >>> h, q = lattice_vectors(np.eye(3) * 2 * np.pi, 1.5)
    >>> len(h), q.max().round(12).item()  # 3 of (100), 6 of (110)
    (9, 1.414213562373)
    """
    reach = np.floor(q_max * np.linalg.norm(box, axis=1) / (2 * np.pi) + 1e-9).astype(np.int64)
    grid = np.meshgrid(np.arange(reach[0] + 1), *(np.arange(-k, k + 1) for k in reach[1:]), indexing="ij")
    h = np.stack(grid, axis=-1).reshape(-1, 3)
    first, second, third = h.T
    h = h[(first > 0) | (second > 0) & (first == 0) | (third > 0) & (first == 0) & (second == 0)]
    q = np.linalg.norm(2 * np.pi * h @ np.linalg.inv(box).T, axis=1)
    inside = q <= q_max * (1 + 1e-12)
    return h[inside], q[inside]


def density_modes(positions: Array, box: Array, h: Indices) -> npt.NDArray[np.complex128]:
    """Return ρ(q) = Σ_i exp(iq·r_i) for q = 2π h·box⁻ᵀ, h (vectors, 3)."""
    fraction = np.asarray(positions, dtype=np.float64) @ np.linalg.inv(box)
    fraction -= np.floor(fraction)
    real, imaginary = _modes(np.ascontiguousarray(fraction.T), np.ascontiguousarray(h, dtype=np.int64))
    return np.asarray(real + 1j * imaginary)


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _modes(fraction: Array, h: Indices) -> tuple[Array, Array]:
    chunk = 128  # the tables of this many particles stay in the second-level cache
    highest = np.abs(h).max() if len(h) else 0
    real, imaginary = np.zeros(len(h)), np.zeros(len(h))
    c, s = np.ones((3, highest + 1, chunk)), np.zeros((3, highest + 1, chunk))
    cxy, sxy = np.empty(chunk), np.empty(chunk)
    for begin in range(0, fraction.shape[1], chunk):
        size = min(chunk, fraction.shape[1] - begin)
        for a in range(3):
            for k in range(1, highest + 1):
                for i in range(size):
                    angle = 2 * np.pi * k * fraction[a, begin + i]
                    c[a, k, i], s[a, k, i] = np.cos(angle), np.sin(angle)
        for v in range(len(h)):
            kx, ky, kz = abs(h[v, 0]), abs(h[v, 1]), abs(h[v, 2])
            fx, fy, fz = np.sign(h[v, 0]), np.sign(h[v, 1]), np.sign(h[v, 2])
            if v == 0 or h[v, 0] != h[v - 1, 0] or h[v, 1] != h[v - 1, 1]:
                for i in range(size):
                    cxy[i] = c[0, kx, i] * c[1, ky, i] - fx * fy * s[0, kx, i] * s[1, ky, i]
                    sxy[i] = fx * s[0, kx, i] * c[1, ky, i] + fy * c[0, kx, i] * s[1, ky, i]
            u = w = 0.0
            for i in range(size):
                u += cxy[i] * c[2, kz, i] - fz * sxy[i] * s[2, kz, i]
                w += sxy[i] * c[2, kz, i] + fz * cxy[i] * s[2, kz, i]
            real[v] += u
            imaginary[v] += w
    return real, imaginary


def _drawn(record: StructureFactor, box: Array) -> tuple[Indices, Indices, Array]:
    """Return the vectors to use, the shell of each (counted without empty ones) and the mean |q| of each shell."""
    h, q = lattice_vectors(box, record.q_max)
    if len(h) == 0:
        raise ValueError(f"no reciprocal vector of the box is as short as q_max = {record.q_max}: raise q_max")
    shell = np.minimum((q / record.q_max * record.shells).astype(np.int64), record.shells - 1)
    rng = np.random.default_rng([record.seed, len(h)])
    chosen = []
    for s in np.unique(shell):
        members = np.flatnonzero(shell == s)
        few = record.per_shell is not None and len(members) > record.per_shell
        chosen.append(rng.choice(members, record.per_shell, replace=False) if few else members)
    kept = np.sort(np.concatenate(chosen))  # sorted: neighbors share two of their three factors
    _, shell = np.unique(shell[kept], return_inverse=True)
    return h[kept], shell, np.bincount(shell, q[kept]) / np.bincount(shell)


class _Recorder:
    def __init__(self, record: StructureFactor, context: Context) -> None:
        state = context.state
        self.h, self.shell, self.q = _drawn(record, state.box)
        self.per_shell = np.bincount(self.shell)
        kinds = [k for k in range(len(state.names)) if np.any(state.types == k)]
        kinds.sort(key=lambda k: state.names[k])
        self.members = [np.flatnonzero(state.types == k) for k in kinds]
        self.pairs = list(combinations_with_replacement(range(len(kinds)), 2))
        self.names = [pair_name((state.names[kinds[a]], state.names[kinds[b]])) for a, b in self.pairs]
        self.blocks = BlockMean((len(self.pairs) + 1, len(self.q)))

    def sample(self, frame: Frame) -> None:
        state = frame.state
        modes = [density_modes(state.positions[of], state.box, self.h) for of in self.members]
        products = [np.abs(sum(modes)) ** 2 / state.n]
        for a, b in self.pairs:
            size = np.sqrt(len(self.members[a]) * len(self.members[b]))
            products.append((modes[a] * modes[b].conj()).real / size)
        self.blocks.add(np.array([np.bincount(self.shell, p) for p in products]) / self.per_shell)

    def result(self) -> xr.Dataset:
        found = {"": self.blocks.mean(), "_stderr": self.blocks.stderr(), "_samples": self.blocks.samples()}
        values: dict[str, Any] = {}
        for suffix, array in found.items():
            values[f"structure_factor{suffix}"] = ("q", array[0], {"units": "1"})
            values[f"structure_factor_pair{suffix}"] = (("pair", "q"), array[1:], {"units": "1"})
        values["structure_factor_vectors"] = ("q", self.per_shell, {"units": "1", "of": "±q used"})
        values["structure_factor_pair"][2]["normalization"] = "Ashcroft-Langreth: delta_ab at large q"
        return xr.Dataset(values, coords={"q": ("q", self.q, {"units": "1/length"}), "pair": ("pair", self.names)})

    def memory(self) -> dict[str, npt.NDArray[Any]]:
        return self.blocks.memory()

    def remember(self, memory: dict[str, npt.NDArray[Any]]) -> None:
        self.blocks.remember(memory)
