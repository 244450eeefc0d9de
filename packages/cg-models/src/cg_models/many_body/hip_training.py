"""Teaching a HIP-NN energies and forces by the loss of paper 04 (eqs. A2 to A5), in double precision.

The network is hippynn's own, its layers and where it starts from; sums of sensitivities, which take nearly all of the time there, are by kernels."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from cg_data import FileError
from cg_data.safe_files import atomic_path, sized_file
from cg_models.many_body.hip_network import HipNetwork, HipOptions
from cg_models.many_body.hip_sums import Forces, Sums, Surroundings
from cg_models.many_body.labels import Labels
from cg_models.many_body.neighborhoods import Neighborhoods

_MOST_BYTES = 2**26
_FIRST_HEAD = 1e-2  # of its own first weights: energies begin near those of the mean, as in hippynn's examples


@dataclass(frozen=True, slots=True)
class Teaching:
    """How it is learned. Energies per atom are in eV, forces in eV/Å: the loss is

    `energy_weight` (RMSE + MAE) of energies per atom + (RMSE + MAE) of forces + `decay` Σ weights².

    The rate of Adam is multiplied by `fall` when validation has not improved for `patience` epochs; after `stop` such epochs, or
    after `epochs`, it ends. Numbers are the paper's and, where it says none, those of its authors' example (which adds a term of
    hierarchy that the paper has not, and raises the size of batches where the paper lowers the rate).
    """

    epochs: int = 500
    batch: int = 16
    rate: float = 1e-3
    fall: float = 0.5
    patience: int = 25
    stop: int = 50
    energy_weight: float = 100.0
    decay: float = 1e-6
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch, self.patience, self.stop) < 1:
            raise ValueError("epochs, batch, patience and stop must be at least 1")
        if not (self.rate > 0 and 0 < self.fall <= 1 and self.energy_weight >= 0 and self.decay >= 0):
            raise ValueError("rate must be positive, 0 < fall ≤ 1, energy_weight and decay ≥ 0")


@dataclass(frozen=True, slots=True)
class HipEpoch:
    """Root mean square errors of validation: energies per atom [eV], components of forces [eV/Å]; and its loss and the next rate."""

    number: int
    energy: float
    force: float
    loss: float
    rate: float


class _Sample(NamedTuple):
    """A configuration; its energy per atom is beyond the mean of what is learned from."""

    around: Surroundings
    energy: Tensor
    forces: Tensor


class _Misses(NamedTuple):
    energies: Tensor
    forces: Tensor

    def loss(self, energy_weight: float) -> Tensor:
        by_kind = (_root(k) + k.abs().mean() for k in self)
        return torch.stack([w * k for w, k in zip((energy_weight, 1.0), by_kind, strict=True)]).sum()


class HipTrainer:
    """A network being taught, from the beginning or from where another one ended.

    `run` yields epochs and `polish` rounds after them; `best` is the network of the best of them; `save` and `load` go on bit for bit.
    """

    def __init__(
        self, learn: Labels, validate: Labels, options: HipOptions | None = None, settings: Teaching | None = None,
        *, start: HipNetwork | None = None,
    ) -> None:  # fmt: skip
        self.options = start.options if start else options or HipOptions()
        self.settings, self.element = settings or Teaching(), learn.element
        self.self_energy = start.self_energy if start else float(np.mean(learn.energies / learn.sizes))
        self.learn, self.validate = (_samples(k, self.options.hard_max, self.self_energy) for k in (learn, validate))
        self.network: Any = untaught(self.options, self.settings.seed)
        if start:
            self.network.load_state_dict(dict(start.weights))
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=self.settings.rate, fused=True)
        self.kept = {name: w.clone() for name, w in self.network.state_dict().items()}
        self.number, self.lowest, self.since, self.waited = 0, float("inf"), 0, 0
        self.noise = torch.Generator().manual_seed(self.settings.seed)

    def run(self) -> Iterator[HipEpoch]:
        """Teach until the last epoch, or until validation has not improved for `stop` of them."""
        while self.number < self.settings.epochs and self.since < self.settings.stop:
            yield self.epoch()

    def epoch(self) -> HipEpoch:
        """Learn from every configuration once."""
        order = torch.randperm(len(self.learn), generator=self.noise).tolist()
        for start in range(0, len(order), self.settings.batch):
            self.step([self.learn[k] for k in order[start : start + self.settings.batch]])
        return self._ended()

    def polish(self, rounds: int, *, iterations: int = 25) -> Iterator[HipEpoch]:
        """Go on by L-BFGS with all configurations at once: from where Adam has come to, it gets further in the same time.

        It begins with the best weights so far. What it knows of curvatures is not saved.
        """
        self.network.load_state_dict(self.kept)
        taught = [p for p in self.network.parameters() if p.requires_grad]
        search = torch.optim.LBFGS(taught, max_iter=iterations, history_size=50, line_search_fn="strong_wolfe")
        for _ in range(rounds):
            search.step(lambda: self._differentiated(self.learn))  # type: ignore[no-untyped-call]
            yield self._ended()

    def step(self, some: Sequence[_Sample]) -> None:
        """Learn from one batch."""
        self._differentiated(some)
        self.optimizer.step()

    def _differentiated(self, some: Sequence[_Sample]) -> float:
        """Return the loss, whose gradients are set."""
        self.optimizer.zero_grad()
        weights = sum((w**2).sum() for w in self.network["network"].regularization_params())
        misses = self.misses(some, create_graph=True)
        loss: Tensor = misses.loss(self.settings.energy_weight) + self.settings.decay * weights
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def _ended(self) -> HipEpoch:
        """Return what validation says after an epoch."""
        self.number += 1
        misses = self.validated()
        loss = float(misses.loss(self.settings.energy_weight))
        self._judge(loss)
        return HipEpoch(self.number, float(_root(misses.energies)), float(_root(misses.forces)), loss, self.rate)

    def misses(self, some: Sequence[_Sample], *, create_graph: bool = False) -> _Misses:
        """Return what is wrong of energies per atom (configuration,) and forces (atom, 3)."""
        sizes = torch.tensor([len(s.forces) for s in some])
        around = Surroundings.joined([s.around for s in some])
        layer = self.network["network"].interaction_layers[0]
        inverse, sigma = 1 / layer.sensitivity.mu[0], layer.sensitivity.sigma[0]
        sums = Sums.apply(inverse, sigma, around)  # type: ignore[no-untyped-call]
        energies = self.energies(sums)
        (slopes,) = torch.autograd.grad(energies.sum(), sums, create_graph=create_graph)
        forces = Forces.apply(slopes, inverse, sigma, around)  # type: ignore[no-untyped-call]
        which = torch.repeat_interleave(torch.arange(len(some)), sizes)
        found = sums.new_zeros(len(some)).index_add(0, which, energies) / sizes
        wanted, pulls = torch.stack([s.energy for s in some]), torch.cat([s.forces for s in some])
        return _Misses(found - wanted, forces - pulls)

    def energies(self, sums: Tensor) -> Tensor:
        """Return energies of atoms beyond `self_energy`: hippynn's layers after its sums of sensitivities."""
        first, *layers = self.network["network"].blocks[0]
        ones, interact = sums.new_ones(len(sums), 1), first.base_layer
        before = sums @ interact.int_weights[..., 0] + interact.selfint(ones)
        features = first.res_layer(first.activation(before)) + first.adjust_layer(ones)
        for layer in layers:
            features = layer(features)
        start, head = self.network["head"].layers
        return (start(ones) + head(features))[:, 0]

    def validated(self) -> _Misses:
        parts = [
            _Misses(*(k.detach() for k in self.misses(self.validate[start : start + self.settings.batch])))
            for start in range(0, len(self.validate), self.settings.batch)
        ]
        return _Misses(*(torch.cat(k) for k in zip(*parts, strict=True)))

    def best(self) -> HipNetwork:
        """Return the network with the lowest loss of validation."""
        return HipNetwork(self.element, self.options, self.self_energy, {n: w.clone() for n, w in self.kept.items()})

    def save(self, path: str | Path) -> None:
        """Write all that the next epoch depends on, but the configurations."""
        tensors = {f"weight.{n}": w for n, w in self.network.state_dict().items()}
        tensors |= {f"kept.{n}": w for n, w in self.kept.items()} | {"noise": self.noise.get_state()}
        for k, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"{name}.{k}": torch.as_tensor(value) for name, value in state.items()}
        with atomic_path(Path(path)) as draft:
            written = {n: t.contiguous().clone() for n, t in tensors.items()}
            save_file(written, draft, metadata={"about": json.dumps(self._about() | {"counts": self._counts()})})

    def load(self, path: str | Path) -> None:
        """Go on where `save` was called; FileError if it was of something else."""
        file = sized_file(Path(path), max_bytes=_MOST_BYTES, what="training")
        try:
            with safe_open(file, framework="pt") as opened:
                about = json.loads(opened.metadata()["about"])
                tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            counts = about.pop("counts")
            if about != self._about():
                raise ValueError(f"it is of {about}")
            self.network.load_state_dict(_below("weight", tensors))
            self.kept, moments = _below("kept", tensors), self.optimizer.state_dict()
            steps = {int(k): {"step": t} for k, t in _below("step", tensors).items()}
            for name in ("exp_avg", "exp_avg_sq"):
                for k, value in _below(name, tensors).items():
                    steps[int(k)][name] = value
            self.optimizer.load_state_dict(moments | {"state": steps})
            self.noise.set_state(tensors["noise"])
            self.number, self.lowest, self.since, self.waited, self.optimizer.param_groups[0]["lr"] = counts
        except Exception as error:
            raise FileError(file, f"is no training of this network ({error})", remedy="begin anew") from error

    def _about(self) -> dict[str, Any]:
        sets = [len(self.learn), len(self.validate), self.self_energy]
        return {"options": asdict(self.options), "settings": asdict(self.settings), "sets": sets}

    def _counts(self) -> list[float]:
        return [self.number, self.lowest, self.since, self.waited, self.rate]

    @property
    def rate(self) -> float:
        return float(self.optimizer.param_groups[0]["lr"])

    def _judge(self, loss: float) -> None:
        """Keep the weights if they are the best so far; else count, and lower the rate."""
        if loss < self.lowest:
            self.lowest, self.since, self.waited = loss, 0, 0
            self.kept = {name: w.clone() for name, w in self.network.state_dict().items()}
            return
        self.since, self.waited = self.since + 1, self.waited + 1
        if self.waited > self.settings.patience:
            self.waited = 0
            self.optimizer.param_groups[0]["lr"] *= self.settings.fall


def untaught(options: HipOptions, seed: int) -> nn.ModuleDict:
    """Return hippynn's network and the head that makes energies of its features, as teaching begins."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what hippynn still uses of torch as it is imported
            from hippynn.layers.targets import HEnergy
            from hippynn.networks.hipnn import Hipnn
    except ImportError:
        raise ImportError('teaching a HIP-NN needs hippynn: pip install "cg-models[hipnn]"') from None
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = Hipnn(
            n_features=options.features, n_sensitivities=options.sensitivities, dist_soft_min=options.soft_min,
            dist_soft_max=options.soft_max, dist_hard_max=options.hard_max, n_atom_layers=options.atom_layers,
            n_interaction_layers=1, n_input_features=1, sensitivity_type="inverse", resnet=True,
        )  # fmt: skip
        head = HEnergy(network.feature_sizes)
    with torch.no_grad():
        head.layers[0].weight.zero_().requires_grad_(False)
        head.layers[1].weight.mul_(_FIRST_HEAD)
        head.layers[1].bias.mul_(_FIRST_HEAD)
    return nn.ModuleDict({"network": network, "head": head}).double()


def _samples(labels: Labels, cutoff: float, self_energy: float) -> list[_Sample]:
    along, found = np.ones(3, dtype=np.bool_), []
    for given, cell, energy, forces in labels:
        x = np.ascontiguousarray(given)
        around = Surroundings.of(x, Neighborhoods(cutoff, skin=0.0)(x, cell, along), cutoff)
        numbers = (torch.as_tensor(k, dtype=torch.float64) for k in (energy / len(x) - self_energy, forces))
        found.append(_Sample(around, *numbers))
    return found


def _root(misses: Tensor) -> Tensor:
    return (misses**2).mean().sqrt()


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(f"{prefix}."): t for name, t in tensors.items() if name.startswith(f"{prefix}.")}
