"""How a training by differentiable simulation runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Recipe:
    """`epochs` windows of `steps` time steps, g over a frame every `every` steps, Adam with `rate` at first.

    `replicas` independent boxes of `particles` each at every state; `dt` [time] is 0.005 ρ^(−1/3) √(m/kT) unless given,
    `tau` of the Nosé–Hoover chain [time] 100 dt. Boxes begin as crystals, melted for `melting` steps. The rate is halved
    when the mean loss of `patience` epochs is twice in a row not 0.1 % below the best; where it is ten times the best, training
    goes back to that with half the rate. It ends at a 64th of the rate, or, with
    replicas, when what noise does not explain of the loss was zero within two errors five times in a row. Gradients longer
    than `clip` are made so long.

    `loss` is ∫(g − g*)² dr summed over pairs and states: of each replica ("squares", the paper's), whose mean noise raises,
    or of products of different replicas' residuals ("products"), whose mean is right: it needs two.
    With engine="cuda" the replicas of a state run side by side on a GPU.
    `knots` are those of the table from `r_min` (a fraction of where g* begins) to the cutoff; g has `bins` soft bins.
    """

    epochs: int = 500
    steps: int = 120
    every: int = 5
    rate: float = 2e-3
    replicas: int = 1
    particles: int = 256
    dt: float | None = None
    tau: float | None = None
    mass: float = 1.0
    melting: int = 2000
    patience: int = 25
    clip: float = 1.0
    loss: Literal["squares", "products"] = "squares"
    normalization: Literal["count", "sphere"] = "count"
    bins: int = 100
    knots: int = 400
    r_min: float = 0.6
    threads: int | None = None
    engine: Literal["cpu", "cuda"] = "cpu"
    seed: int = 0

    @property
    def least_rate(self) -> float:
        """At which training ends."""
        return self.rate / 64

    def __post_init__(self) -> None:
        least = {"epochs": 1, "steps": 1, "every": 1, "replicas": 1, "particles": 32, "melting": 0, "patience": 2,
                 "bins": 8, "knots": 16, "seed": 0}  # fmt: skip
        for name, low in least.items():
            value = getattr(self, name)
            if value != int(value) or value < low:
                raise ValueError(f"{name} must be a whole number ≥ {low}, got {value}")
        if self.steps % self.every:
            raise ValueError(f"every must divide steps, got {self.every} and {self.steps}")
        for name in ("rate", "clip", "mass", "r_min"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.engine not in ("cpu", "cuda"):
            raise ValueError(f"engine must be 'cpu' or 'cuda', got {self.engine!r}")
        if self.loss not in ("squares", "products"):
            raise ValueError(f"loss must be 'squares' or 'products', got {self.loss!r}")
        if self.loss == "products" and self.replicas < 2:
            raise ValueError("a loss of products takes residuals of different replicas: give replicas ≥ 2")
