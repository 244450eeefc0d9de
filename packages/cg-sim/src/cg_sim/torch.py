"""The differentiable rollout for torch: what goes in and what comes out are tensors, gradients are the exact transpose.

A loss made of frames by torch reaches tables, the start, masses, kT and dt by `loss.backward()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from cg_data import Interactions, PairTable, pair_of
from cg_sim.differentiable import Cotangents, Rollout, SoftRDF
from cg_sim.differentiable import rollout as _rollout
from cg_sim.differentiable.trajectory import Differentiable
from cg_sim.ensembles import NVE
from cg_sim.state import State

try:
    import torch
    from torch import Tensor
    from torch.autograd import Function
except ImportError as error:  # pragma: no cover
    raise ImportError("cg_sim.torch needs torch: pip install 'cg-sim[torch]'") from error


class Knots(Protocol):
    """U and F = −U′ at equal distances from `r_min` to `cutoff`, both included, as tensors of one dimension."""

    @property
    def r_min(self) -> float: ...
    @property
    def cutoff(self) -> float: ...
    @property
    def u(self) -> Tensor: ...
    @property
    def f(self) -> Tensor: ...


@dataclass(frozen=True, slots=True, eq=False)
class TensorTable:
    """The plainest `Knots`."""

    r_min: float
    cutoff: float
    u: Tensor
    f: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """A rollout's frames as tensors; `ran` is the rollout itself."""

    positions: Tensor
    velocities: Tensor
    energy: Tensor
    virial: Tensor
    ran: Rollout

    @property
    def state(self) -> State:
        """The last."""
        return self.ran.state


def rollout(
    state: State,
    tables: Knots | Mapping[str, Knots],
    *,
    kT: float | Tensor,
    steps: int,
    dt: float | Tensor,
    thermostat: Differentiable = NVE(),
    every: int = 1,
    seed: int = 0,
    checkpoints: bool = False,
    positions: Tensor | None = None,
    velocities: Tensor | None = None,
    masses: Tensor | None = None,
) -> Frames:
    """Return a rollout that tables ("A-B" → knots), kT, dt and the start can learn from.

    `positions`, `velocities` and `masses` stand for those of the state where given. Everything is double precision.
    """
    single = {f"{state.names[0]}-{state.names[0]}": tables} if not isinstance(tables, Mapping) else dict(tables)
    curves = {pair: (knots.r_min, knots.cutoff) for pair, knots in single.items()}
    settings = {"steps": steps, "thermostat": thermostat, "every": every, "seed": seed, "checkpoints": checkpoints}
    given = [_tensor(positions, state.positions), _tensor(velocities, state.velocities), _tensor(masses, state.masses),
             _tensor(kT), _tensor(dt)]  # fmt: skip
    knots = [tensor for pair in curves for tensor in (single[pair].u, single[pair].f)]
    kept: list[Rollout] = []
    apply: Any = _Rollout.apply
    x, v, energy, virial = apply(state, curves, settings, kept, *given, *knots)
    return Frames(x, v, energy, virial, kept[0])


def _tensor(value: Any, otherwise: Any = None) -> Tensor:
    if isinstance(value, Tensor):
        return value
    return torch.as_tensor(np.array(otherwise if value is None else value, dtype=np.float64))


def _array(value: Tensor) -> Any:
    return value.detach().to("cpu", torch.float64).numpy()


class _Rollout(Function):
    """The rollout as one operation."""

    @staticmethod
    def forward(ctx: Any, state: State, curves: dict[str, tuple[float, float]], settings: dict[str, Any],
                kept: list[Rollout], *tensors: Tensor) -> tuple[Tensor, ...]:  # fmt: skip
        x, v, m, kT, dt, *knots = (_array(t) for t in tensors)
        potentials = {
            pair_of(pair): PairTable.from_forces(r_min, cutoff, knots[2 * k], knots[2 * k + 1])
            for k, (pair, (r_min, cutoff)) in enumerate(curves.items())
        }
        start = replace(state, positions=x, velocities=v, masses=m)
        ran = _rollout(start, Interactions(potentials), kT=float(kT), dt=float(dt), **settings)
        kept.append(ran)
        ctx.ran, ctx.pairs, ctx.like = ran, ["-".join(pair_of(p)) for p in curves], tensors
        return tuple(torch.from_numpy(np.array(a)) for a in (ran.positions, ran.velocities, ran.energy, ran.virial))

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> Any:
        g = ctx.ran.vjp(Cotangents(*(_array(t) for t in given)))
        found = [g.positions, g.velocities, g.masses, g.kT, g.dt]
        for pair in ctx.pairs:
            found += [g.tables[pair].u, g.tables[pair].f]
        as_given = [
            torch.as_tensor(a, dtype=torch.float64).to(t).reshape(t.shape) for a, t in zip(found, ctx.like, strict=True)
        ]
        return None, None, None, None, *as_given


def soft_rdf(soft: SoftRDF, frames: Frames | Tensor, state: State | None = None) -> Tensor:
    """Return g (pair, bin) of a rollout's frames, or of positions (frame, n, 3) of particles like a state's."""
    apply: Any = _SoftRDF.apply
    found: Tensor
    if isinstance(frames, Frames):
        found = apply(soft, frames.state, frames.positions)
    elif state is None:
        raise ValueError("positions alone know neither box nor types: give state=")
    else:
        found = apply(soft, state, frames)
    return found


class _SoftRDF(Function):
    @staticmethod
    def forward(ctx: Any, soft: SoftRDF, state: State, positions: Tensor) -> Tensor:
        g, ctx.pull = soft.of(_array(positions), state)
        ctx.like = positions
        return torch.from_numpy(g)

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> Any:
        return None, None, torch.as_tensor(ctx.pull(_array(given[0]))).to(ctx.like)
