"""Langevin dynamics of beads under a learned potential: many systems in one call of the network, and a word when they break down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from cg_models.schnet.bead_potential import BeadPotential
from cg_models.schnet.moving import MovingGraph

Array = npt.NDArray[np.float64]
HOT = 10.0  # times kT: what gets hotter has broken down


@dataclass(frozen=True, slots=True, eq=False)
class BeadRun:
    """What was sampled: times, kT of the motion and U per system (sample, system); frames (sample, system, bead, 3).

    `broke` is the step of each system at which it was hotter than ten times kT, or −1.
    """

    time: Array
    kT: Array
    energy: Array
    positions: Array
    broke: npt.NDArray[np.int64]

    @property
    def stable(self) -> bool:
        return bool((self.broke < 0).all())


class BeadDynamics:
    """Systems (system, bead, 3) of one kind in boxes of one size, moved by BAOAB; units are those of the potential."""

    def __init__(
        self, potential: BeadPotential, graph: MovingGraph, positions: npt.ArrayLike, masses: npt.ArrayLike, *,
        kT: float, dt: float, friction: float, seed: int = 0,
    ) -> None:  # fmt: skip
        if not (kT > 0 and dt > 0 and friction >= 0):
            raise ValueError(f"kT and dt must be positive and friction ≥ 0, got {kT}, {dt} and {friction}")
        x = np.array(positions, dtype=np.float64)
        self.x = x[None] if x.ndim == 2 else x
        self.m = np.broadcast_to(np.asarray(masses, dtype=np.float64), self.x.shape[1])[None, :, None]
        self.potential, self.graph, self.kT, self.dt, self.friction = potential.eval(), graph, kT, dt, friction
        self.noise, self.step, self.knots = np.random.default_rng(seed), 0, potential.network.tabulated()
        self.v = self.noise.normal(size=self.x.shape) * np.sqrt(kT / self.m)
        self.v -= (self.m * self.v).sum(axis=1, keepdims=True) / self.m.sum(axis=1, keepdims=True)
        self.energy, self.forces = self._evaluated()

    def run(self, steps: int, *, every: int = 100, keep: bool = True) -> BeadRun:
        """Move on and sample; end early when every system has broken down."""
        decay = np.exp(-self.friction * self.dt)
        kick = np.sqrt((1 - decay**2) * self.kT / self.m)
        systems = len(self.x)
        broke = np.full(systems, -1)
        found: list[tuple[float, Array, Array, Array]] = []
        for _ in range(steps):
            self.v += 0.5 * self.dt * self.forces / self.m
            self.x += 0.5 * self.dt * self.v
            if self.friction:
                self.v = decay * self.v + kick * self.noise.normal(size=self.x.shape)
            self.x += 0.5 * self.dt * self.v
            self.step += 1
            try:
                self.energy, self.forces = self._evaluated()
            except FloatingPointError:
                broke[broke < 0] = self.step
                break
            self.v += 0.5 * self.dt * self.forces / self.m
            if self.step % every == 0:
                hot = self.temperature()
                broke[(broke < 0) & ~(hot < HOT * self.kT)] = self.step
                found.append(
                    (self.step * self.dt, hot, self.energy.copy(), self.x.copy() if keep else self.x[:0].copy())
                )
                if (broke >= 0).all():
                    break
        if not found:
            found.append((self.step * self.dt, self.temperature(), self.energy.copy(), self.x.copy()))
        time, kT, energy, x = (np.array(column) for column in zip(*found, strict=True))
        return BeadRun(time, kT, energy, x, broke)

    def temperature(self) -> Array:
        """Return kT of the motion of each system."""
        return np.asarray((self.m * self.v**2).sum(axis=(1, 2)) / (3 * self.x.shape[1] - 3))

    def _evaluated(self) -> tuple[Array, Array]:
        energy, forces = self.potential(self.graph(self.x), knots=self.knots)
        found = forces.double().cpu().numpy().reshape(self.x.shape)
        if not np.isfinite(found).all():
            raise FloatingPointError("forces are not finite: the dynamics broke down")
        with torch.no_grad():
            return energy.double().cpu().numpy(), found
