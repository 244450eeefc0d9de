"""Force matching (paper 02, eq. 6): a network learns the forces of frames, and their energies with a weight, beyond the priors.

What it prints beside its own error is for the caller to compare: a loss has a floor, the variance of forces at fixed beads, and does
not say whether a simulation will be stable. Several processes (`parallel`) share batches and learn what one would.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from cg_data import FileError
from cg_data.safe_files import atomic_path, sized_file
from cg_models.schnet.bead_potential import BeadPotential
from cg_models.schnet.graph import Graph, joined
from cg_models.schnet.parallel import add_up, agree, first, share

_MOST_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Matching:
    """How it is learned. `energy_weight` is λ of eq. 6; rates fall by the exponential from `rate` to `last_rate`."""

    epochs: int = 100
    batch: int = 10
    energy_weight: float = 0.0
    rate: float = 1e-3
    last_rate: float = 1e-5
    average: float = 0.99
    patience: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.epochs >= 1 and self.batch >= 1 and self.energy_weight >= 0 and 0 < self.last_rate <= self.rate):
            raise ValueError("epochs and batch must be at least 1, energy_weight ≥ 0 and 0 < last_rate ≤ rate")
        if not (0 <= self.average < 1 and (self.patience is None or self.patience >= 1)):
            raise ValueError("average must be in [0, 1) and patience at least 1")


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A frame, and what is left of its forces (bead, 3) and energy for a network to learn."""

    graph: Graph
    forces: Tensor
    energy: Tensor


@dataclass(frozen=True, slots=True)
class Epoch:
    """Root mean square errors of force components and of energies per bead; of validation with averaged weights."""

    number: int
    force: float
    validation_force: float
    validation_energy: float
    rate: float

    def line(self, floor: float | None = None, *, energies: bool = True) -> str:
        """Return it in words, beside the `floor` that forces at fixed beads vary by and no potential of beads gets below.

        Frames without `energies` have no error of them.

        >>> Epoch(3, 2.1, 2.2, 0.05, 1e-3).line(floor=2.0)
        'epoch 3: force 2.1, validation 2.2 (floor 2, 0.917 above it), energy per bead 0.05'
        """
        beyond = ""
        if floor is not None:
            above = max(self.validation_force**2 - floor**2, 0.0) ** 0.5
            beyond = f" (floor {floor:.4g}, {above:.3g} above it)"
        known = f", energy per bead {self.validation_energy:.3g}" if energies else ""
        return f"epoch {self.number}: force {self.force:.4g}, validation {self.validation_force:.4g}{beyond}{known}"


def samples(
    potential: BeadPotential, graphs: Sequence[Graph], forces: npt.ArrayLike, energies: npt.ArrayLike
) -> list[Sample]:
    """Return frames without the forces and energies of the potential's priors."""
    found = []
    for graph, force, energy in zip(graphs, np.asarray(forces), np.asarray(energies, dtype=np.float64), strict=True):
        known_energy, known_forces = potential.prior(graph)
        left = torch.as_tensor(force, dtype=graph.d.dtype, device=graph.d.device) - known_forces
        found.append(Sample(graph, left, torch.as_tensor(energy, dtype=torch.float64) - known_energy[0]))
    return found


def split(frames: int, share: float = 0.1, *, kind: Literal["block", "random"] = "block", gap: int = 0,
          seed: int = 0) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:  # fmt: skip
    """Return the numbers of frames to learn from and to validate with.

    A block is the end of the trajectory, with a `gap` of frames before it left out. Random frames have neighbors in time among those that
    are learned from, and flatter what was learned.

    >>> [part.tolist() for part in split(10, 0.3, gap=1)]
    [[0, 1, 2, 3, 4, 5], [7, 8, 9]]
    """
    held = max(round(share * frames), 1)
    if held + gap >= frames:
        raise ValueError(f"{frames} frames leave none to learn from")
    if kind == "block":
        return np.arange(frames - held - gap), np.arange(frames - held, frames)
    order = np.random.default_rng(seed).permutation(frames)
    return np.sort(order[held:]), np.sort(order[:held])


class ForceMatcher:
    """A potential being taught, where its weights are: move it to a GPU before. `run` yields epochs; `save` and `load` go on bit for bit."""

    def __init__(self, potential: BeadPotential, learn: Sequence[Sample], validate: Sequence[Sample],
                 settings: Matching | None = None, *, offset: bool = True) -> None:  # fmt: skip
        if not learn or not validate:
            raise ValueError("there must be frames to learn from and to validate with")
        self.potential, self.learn, self.validate, self.settings = potential, learn, validate, settings or Matching()
        if offset:
            potential.offset = (torch.stack([s.energy for s in learn]).sum() / _beads(learn)).to(potential.offset)
        agree([*(p.data for p in potential.parameters()), potential.offset])
        for p in potential.parameters():
            p.grad = torch.zeros_like(p)
        self.optimizer = torch.optim.Adam(potential.parameters(), lr=self.settings.rate)
        self.averaged = {name: p.detach().clone() for name, p in potential.named_parameters()}
        self.number, self.best, self.since = 0, float("inf"), 0
        self.noise = torch.Generator().manual_seed(self.settings.seed)

    def run(self) -> Iterator[Epoch]:
        """Teach until the last epoch, or until validation has not improved for `patience` of them."""
        while self.number < self.settings.epochs and (
            self.settings.patience is None or self.since < self.settings.patience
        ):
            yield self.epoch()

    def epoch(self) -> Epoch:
        """Learn from every frame once."""
        s = self.settings
        rate = s.rate * (s.last_rate / s.rate) ** (self.number / max(s.epochs - 1, 1))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        order, total = torch.randperm(len(self.learn), generator=self.noise).tolist(), 0.0
        for start in range(0, len(order), s.batch):
            some = [self.learn[k] for k in order[start : start + s.batch]]
            total += self.step(some) * len(some)
        self.number += 1
        force_error, energy_error = self.validated()
        self.since = 0 if force_error < self.best else self.since + 1
        self.best = min(self.best, force_error)
        return Epoch(self.number, (total / len(order)) ** 0.5, force_error, energy_error, rate)

    def step(self, some: Sequence[Sample]) -> float:
        """Learn from one batch; return the mean square error of its forces, before."""
        self.optimizer.zero_grad(set_to_none=False)
        square = torch.zeros((), dtype=torch.float64, device=self.potential.offset.device)
        if mine := share(some):
            force, energy = self.errors(mine, create_graph=True)
            mean = (force**2).sum() / (3 * _beads(some))
            (mean + self.settings.energy_weight * (energy**2).sum() / len(some)).backward()  # type: ignore[no-untyped-call]
            square += mean.detach()
        add_up([square, *(p.grad for p in self.potential.parameters() if p.grad is not None)])
        self.optimizer.step()
        with torch.no_grad():
            for name, p in self.potential.named_parameters():
                self.averaged[name].lerp_(p, 1 - self.settings.average)
        return float(square)

    def errors(self, some: Sequence[Sample], *, create_graph: bool = False) -> tuple[Tensor, Tensor]:
        """Return the errors of forces (bead, 3) and of energies (frame,)."""
        graph = joined([s.graph for s in some]).to(self.potential.offset.device)
        energy, forces = self.potential.learned(graph, create_graph=create_graph)
        beads = torch.tensor([len(s.graph.types) for s in some], device=graph.d.device)
        wanted = torch.stack([s.energy for s in some]).to(graph.d.device) - self.potential.offset * beads
        return forces - torch.cat([s.forces for s in some]).to(forces), energy - wanted.to(energy)

    def validated(self) -> tuple[float, float]:
        """Return errors of the frames that are not learned from, with averaged weights."""
        sums, mine = torch.zeros(2, dtype=torch.float64, device=self.potential.offset.device), share(self.validate)
        with self.averaging():
            for start in range(0, len(mine), self.settings.batch):
                some = mine[start : start + self.settings.batch]
                force, energy = self.errors(some)
                n = torch.tensor([len(s.graph.types) for s in some], device=energy.device)
                sums += torch.stack([(force.double() ** 2).sum(), ((energy.double() / n) ** 2).sum()])
        add_up([sums])
        force_error, energy_error = (sums / sums.new_tensor([3 * _beads(self.validate), len(self.validate)])).sqrt()
        return float(force_error), float(energy_error)

    @contextmanager
    def averaging(self) -> Iterator[BeadPotential]:
        """Lend the potential with averaged weights, as for a `Trial` between two epochs."""
        now = {name: p.detach().clone() for name, p in self.potential.named_parameters()}
        self._set(self.averaged)
        try:
            yield self.potential
        finally:
            self._set(now)

    def finish(self) -> BeadPotential:
        """Return the potential with averaged weights."""
        self._set(self.averaged)
        return self.potential

    def save(self, path: str | Path) -> None:
        """Write all that the next epoch depends on, but the frames. Every process may call it; the first one writes."""
        if not first():
            return
        tensors = {f"weight.{n}": p.detach() for n, p in self.potential.named_parameters()}
        tensors |= {f"averaged.{n}": p for n, p in self.averaged.items()}
        names = {id(p): n for n, p in self.potential.named_parameters()}
        for p, state in self.optimizer.state.items():
            tensors |= {f"{key}.{names[id(p)]}": torch.as_tensor(value).detach() for key, value in state.items()}
        tensors |= {"offset": self.potential.offset, "noise": self.noise.get_state()}
        about = {"settings": asdict(self.settings), "number": self.number, "best": self.best, "since": self.since}
        with atomic_path(Path(path)) as draft:
            save_file(
                {n: t.contiguous().clone() for n, t in tensors.items()}, draft, metadata={"about": json.dumps(about)}
            )

    def load(self, path: str | Path) -> None:
        """Go on where `save` was called; FileError if it was of something else."""
        file = sized_file(Path(path), max_bytes=_MOST_BYTES, what="training")
        try:
            with safe_open(file, framework="pt") as opened:
                about = json.loads(opened.metadata()["about"])
                tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            if about["settings"] != asdict(self.settings):
                raise ValueError(f"its settings are {about['settings']}")
            self._set({n.removeprefix("weight."): t for n, t in tensors.items() if n.startswith("weight.")})
            self.averaged = {n: tensors[f"averaged.{n}"].to(p) for n, p in self.potential.named_parameters()}
            for name, p in self.potential.named_parameters():
                if f"step.{name}" in tensors:
                    moments = {key: tensors[f"{key}.{name}"].to(p) for key in ("exp_avg", "exp_avg_sq")}
                    self.optimizer.state[p] = {"step": tensors[f"step.{name}"], **moments}
            self.potential.offset.copy_(tensors["offset"])
            self.noise.set_state(tensors["noise"])
            self.number, self.best, self.since = int(about["number"]), float(about["best"]), int(about["since"])
        except Exception as error:
            raise FileError(file, f"is no training of this potential ({error})", remedy="begin anew") from error

    def _set(self, weights: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, p in self.potential.named_parameters():
                p.copy_(weights[name])


def _beads(some: Sequence[Sample]) -> int:
    return sum(len(s.graph.types) for s in some)
