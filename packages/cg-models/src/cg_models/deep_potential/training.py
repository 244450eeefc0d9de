"""Learning of forces, energies and virials of frames: eq. 9 of paper 05, and the weighted loss of deepmd-kit.

The gradient of a force is of second order, but no network is ever differentiated twice: for a loss L with dL/dF = u the gradient
of Σ u·F is that of −dU/dλ, where atoms move by λu; that derivative goes forward beside the energies, and once back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from cg_data import FileError
from cg_data.safe_files import atomic_path, sized_file
from cg_models.deep_potential.potential import DeepPotential, Found
from cg_models.deep_potential.remembered import FrameStructures
from cg_models.schnet.bead_frames import BeadFrames

Array = npt.NDArray[np.float64]
_MOST_BYTES = 2**31
_REMEASURE = 1000  # steps
_FOR_STATISTICS = 100  # frames, at most, that spreads of environments are taken from


@dataclass(frozen=True, slots=True)
class DeepTraining:
    """How it is learned: Adam, batches of random frames, a rate that falls by the exponential from `rate` to `last_rate`.

    L = force · mean (ΔF)² + energy · (ΔU)²/N + virial · mean (ΔW)²/N. Each weight goes from its first number to its second as
    the rate falls, linearly in the rate: deepmd-kit starts with energy=(0.02, 1), force=(1000, 1).
    """

    steps: int = 100_000
    batch: int = 4
    rate: float = 1e-3
    last_rate: float = 1e-6
    force: tuple[float, float] = (1.0, 1.0)
    energy: tuple[float, float] = (0.0, 0.0)
    virial: tuple[float, float] = (0.0, 0.0)
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.steps >= 1 and self.batch >= 1 and 0 < self.last_rate <= self.rate):
            raise ValueError("steps and batch must be at least 1 and 0 < last_rate ≤ rate")
        if min(self.force + self.energy + self.virial) < 0:
            raise ValueError("weights must not be negative")

    def rate_at(self, step: int) -> float:
        """Return the rate of a step, of which the first is 0."""
        return self.rate * float((self.last_rate / self.rate) ** (step / self.steps))

    def weights_at(self, step: int) -> tuple[float, float, float]:
        """Return the weights of forces, energies and virials."""
        share = self.rate_at(step) / self.rate
        force, energy, virial = (b + (a - b) * share for a, b in (self.force, self.energy, self.virial))
        return force, energy, virial


@dataclass(frozen=True, slots=True)
class DeepErrors:
    """Root mean square errors of force components and of energies per atom, nan without energies."""

    force: float
    energy: float


class DeepTrainer:
    """A potential being taught by frames with forces, and energies and virials (frame, 3, 3) where they have weights.

    What a step learns from depends on the seed and its number alone: `save` and `load` go on bit for bit. Trainers of several
    models may share the `structures` of one of them, so that neighbors are looked for once.
    """

    def __init__(
        self, potential: DeepPotential, frames: BeadFrames, settings: DeepTraining | None = None, *,
        virials: npt.ArrayLike | None = None, normalize: bool = True, structures: FrameStructures | None = None,
    ) -> None:  # fmt: skip
        self.structures = structures or FrameStructures(frames, potential.options.cutoff)
        if self.structures.frames is not frames or self.structures.cutoff != potential.options.cutoff:
            raise ValueError("the structures are of other frames, or of another cutoff")
        self.potential, self.frames, self.settings = potential, frames, settings or DeepTraining()
        self.virials = None if virials is None else np.asarray(virials, dtype=np.float64)
        _check(self.settings, frames, self.virials)
        if normalize:
            some = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), _FOR_STATISTICS)).astype(int))
            potential.environments.normalize(self.structures(some))
            potential.offset.copy_(torch.from_numpy(_offsets(frames, len(potential.offset))))
        self.optimizer = torch.optim.Adam(potential.parameters(), lr=self.settings.rate, fused=True)
        self.step = 0

    def run(self, *, report: int = 1000) -> Iterator[DeepErrors]:
        """Teach until the last step; yield errors of the batches since the last report, each before it was learned from."""
        squares: list[tuple[float, float]] = []
        while self.step < self.settings.steps:
            squares.append(self.learn())
            if self.step % report == 0 or self.step == self.settings.steps:
                force, energy = np.sqrt(np.mean(squares, axis=0))
                squares = []
                yield DeepErrors(float(force), float(energy))

    def learn(self) -> tuple[float, float]:
        """Learn from one batch; return mean squares of errors of its forces and of its energies per atom, before."""
        chosen = self.chosen(self.step)
        if self.step % _REMEASURE == 0:
            self.potential.environments.remeasure()
        self.optimizer.param_groups[0]["lr"] = self.settings.rate_at(self.step)
        self.optimizer.zero_grad()
        found = self.gradients(chosen)
        self.optimizer.step()
        self.step += 1
        return _squares(found, self.frames, chosen)

    def gradients(self, chosen: npt.NDArray[np.int64]) -> Found:
        """Add dL/dweights of these frames; return what the potential said of them."""
        potential, structures = self.potential, self.structures(chosen)
        prepared, types = potential.environments.prepared(structures, learning=True), torch.from_numpy(structures.types)
        passes = potential.passed(types, prepared.given)
        energies, by = potential.gathered(types, passes)
        found = potential.found(structures, prepared, energies, by)
        of_energy, of_force, of_virial = self._slopes(found, chosen)
        u = structures.along(of_force, of_virial)
        change, weight = prepared.changes(u), torch.from_numpy(of_energy[structures.frame])
        _, turned = potential.environments.features(types, prepared.given, change)
        by_features = torch.empty_like(turned)
        for (network, of), passed in zip(potential.networks_of(types), passes, strict=True):
            given = (x[of].to(passed.energies) for x in (turned, weight))
            by_features[of] = network.learn(passed, *given).double()
        prepared.learn(u, change, by_features, -by)
        return found

    def chosen(self, step: int) -> npt.NDArray[np.int64]:
        """Return the numbers of the frames of a step; every frame comes once before any comes again."""
        n, places = len(self.frames), np.arange(step * self.settings.batch, (step + 1) * self.settings.batch)
        orders = {e: np.random.default_rng([self.settings.seed, e]).permutation(n) for e in np.unique(places // n)}
        return np.array([orders[p // n][p % n] for p in places])

    def errors(self, frames: BeadFrames, *, batch: int = 16) -> DeepErrors:
        """Return the errors of other frames."""
        squares = []
        structures = FrameStructures(frames, self.potential.options.cutoff, most_bytes=0)
        for start in range(0, len(frames), batch):
            some = np.arange(start, min(start + batch, len(frames)))
            found = self.potential.evaluate(structures(some))
            squares.append((*_squares(found, frames, some), len(some)))
        force, energy, number = np.array(squares).T
        return DeepErrors(*(float(np.sqrt(np.average(x, weights=number))) for x in (force, energy)))

    def _slopes(self, found: Found, chosen: npt.NDArray[np.int64]) -> tuple[Array, Array, Array]:
        """Return dL by energies (frame,), forces (atom, 3) and virials (frame, 3, 3)."""
        force, energy, virial = self.settings.weights_at(self.step)
        n, size = len(chosen), len(self.frames.codes)
        assert self.frames.forces is not None
        wrong = found.forces - self.frames.forces[chosen].reshape(-1, 3)
        of_energy, of_virial = np.zeros(n), np.zeros((n, 3, 3))
        if self.frames.energies is not None:
            of_energy = (
                2 * energy / (n * size) * (found.energies.reshape(n, -1).sum(axis=1) - self.frames.energies[chosen])
            )
        if self.virials is not None:
            of_virial = 2 * virial / (9 * n * size) * (found.virials - self.virials[chosen])
        return of_energy, 2 * force / wrong.size * wrong, of_virial

    def save(self, path: str | Path) -> None:
        """Write all that the next step depends on, but the frames."""
        tensors = {f"weight.{n}": t for n, t in self.potential.state_dict().items()}
        names = {id(p): n for n, p in self.potential.named_parameters()}
        for p, state in self.optimizer.state.items():
            tensors |= {f"{key}.{names[id(p)]}": torch.as_tensor(value) for key, value in state.items()}
        about = {"settings": asdict(self.settings), "step": self.step, "tables": self.potential.environments.reach}
        with atomic_path(Path(path)) as draft:
            save_file(
                {n: t.detach().contiguous().clone() for n, t in tensors.items()}, draft,
                metadata={"about": json.dumps(about)},
            )  # fmt: skip

    def load(self, path: str | Path) -> None:
        """Go on where `save` was called; FileError if it was of something else."""
        file = sized_file(Path(path), max_bytes=_MOST_BYTES, what="training")
        try:
            with safe_open(file, framework="pt") as opened:
                about = json.loads(opened.metadata()["about"])
                tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            if about["settings"] != json.loads(json.dumps(asdict(self.settings))):
                raise ValueError(f"its settings are {about['settings']}")
            weights = {n.removeprefix("weight."): t for n, t in tensors.items() if n.startswith("weight.")}
            self.potential.load_state_dict(weights)
            for name, p in self.potential.named_parameters():
                if f"step.{name}" in tensors:
                    keys = ("step", "exp_avg", "exp_avg_sq")
                    self.optimizer.state[p] = {key: tensors[f"{key}.{name}"] for key in keys}
            self.potential.environments.reach = (about["tables"][0], about["tables"][1])
            self.step = int(about["step"])
        except Exception as error:
            raise FileError(file, f"is no training of this potential ({error})", remedy="begin anew") from error


def _squares(found: Found, frames: BeadFrames, chosen: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Return mean squares of errors of force components and of energies per atom."""
    assert frames.forces is not None
    force = float(np.mean((found.forces - frames.forces[chosen].reshape(-1, 3)) ** 2))
    if frames.energies is None:
        return force, float("nan")
    wrong = found.energies.reshape(len(chosen), -1).sum(axis=1) - frames.energies[chosen]
    return force, float(np.mean((wrong / len(frames.codes)) ** 2))


def _check(settings: DeepTraining, frames: BeadFrames, virials: Array | None) -> None:
    if frames.forces is None or not len(frames):
        raise ValueError("there must be frames with forces")
    if frames.molecule is not None:
        raise ValueError("a deep potential knows no molecules: give frames.alike()")
    if frames.energies is None and max(settings.energy) > 0:
        raise ValueError("energies have a weight, but the frames have none")
    if virials is None and max(settings.virial) > 0:
        raise ValueError("virials have a weight, but there are none")


def _offsets(frames: BeadFrames, types: int) -> Array:
    """Return energies of types whose sums are nearest to those of the frames, the smallest if there are several."""
    if frames.energies is None:
        return np.zeros(types)
    numbers = np.tile(np.bincount(frames.codes, minlength=types), (len(frames), 1)).astype(np.float64)
    return np.asarray(np.linalg.lstsq(numbers, frames.energies, rcond=None)[0])
