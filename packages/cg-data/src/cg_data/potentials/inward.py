"""What a curve does below its first trusted point: a rule, chosen by name, never zero force.

Below r₀, with U₀, F₀ and F₀′ = dF/dr at r₀:

- `linear`: F = F₀ + min(F₀′, 0) (r − r₀), so the force never weakens inwards; C² when F₀′ ≤ 0;
- `power`: F = F₀ (r₀/r)^m with m = −r₀F₀′/F₀; C², needs a repulsive wall that steepens;
- `error`: a distance below r₀ raises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from cg_data.potentials.pair_potential import Array

Inner = Literal["linear", "power", "error"]


@dataclass(frozen=True, slots=True)
class Wall:
    """The continuation of a curve below r₀ by a named rule.

    >>> wall = Wall("power", r0=1.0, u0=1.0, f0=12.0, k0=-156.0)  # r^-12 at r = 1
    >>> u, f = wall(np.array([0.5]))
    >>> round(float(u[0]), 6), round(float(f[0]), 6)
    (4096.0, 98304.0)
    """

    rule: Inner
    r0: float
    u0: float
    f0: float
    k0: float

    def __post_init__(self) -> None:
        if self.rule not in get_args(Inner):
            raise ValueError(f"inner must be one of {', '.join(get_args(Inner))}, got {self.rule!r}")
        if self.rule == "power" and not (self.f0 > 0 and self.k0 < 0):
            raise ValueError(
                f"no power law continues this curve below r = {self.r0:.6g}: it needs a repulsive wall that "
                f"steepens inwards (F = {self.f0:.4g}, dF/dr = {self.k0:.4g}); use inner='linear'"
            )

    def __call__(self, r: Array) -> tuple[Array, Array]:
        """Return (U, F) at distances r ≤ r₀."""
        match self.rule:
            case "linear":
                k, x = min(self.k0, 0.0), r - self.r0
                return self.u0 - x * (self.f0 + 0.5 * k * x), self.f0 + k * x
            case "power":
                m, ratio = -self.r0 * self.k0 / self.f0, self.r0 / r
                work = np.log(ratio) if m == 1 else (ratio ** (m - 1) - 1) / (m - 1)
                return self.u0 + self.f0 * self.r0 * work, self.f0 * ratio**m
            case "error":
                raise ValueError(
                    f"a pair at r = {float(np.min(r)):.6g} is below r = {self.r0:.6g}, where this curve is first "
                    f"trusted; choose inner='linear' or inner='power' to continue it"
                )
