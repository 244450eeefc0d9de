"""A correction for temperatures between those it was fitted at: u(r; T), linear in T."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cg_data import Interactions, PairTable, Potential
from cg_data.interactions import Pair

_KNOTS = 1200


class BetweenTemperatures:
    """Potentials by kT [energy], of one fit each; `at(kT)` is linear between neighbors, no further.

    >>> from cg_data import GaussianCore
    >>> found = BetweenTemperatures({1.0: GaussianCore(1.0, 1.0, cutoff=3.0), 2.0: GaussianCore(3.0, 1.0, cutoff=3.0)})
    >>> round(float(found.at(1.5)["A", "A"].energy(1e-3)), 3)
    2.0
    """

    def __init__(self, potentials: Mapping[float, Potential | Mapping[Pair, Potential]]) -> None:
        if len(potentials) < 2:
            raise ValueError(f"interpolation needs fits at two temperatures or more, got {len(potentials)}")
        given = {float(kT): p if isinstance(p, Mapping) else {("A", "A"): p} for kT, p in sorted(potentials.items())}
        self.kT = tuple(given)
        known = {kT: Interactions(p) for kT, p in given.items()}
        self.pairs = tuple(sorted({pair for p in known.values() for pair in p}))
        missing = [(kT, pair) for kT, p in known.items() for pair in self.pairs if pair not in p]
        if missing:
            raise ValueError(
                f"every fit needs the same pairs: that at kT = {missing[0][0]:g} has no {'-'.join(missing[0][1])}"
            )
        self._tables = {pair: _common([p[pair] for p in known.values()]) for pair in self.pairs}

    def at(self, kT: float) -> Interactions:
        """Return the potentials at a temperature [energy] between the lowest and the highest of the fits."""
        if not self.kT[0] <= kT <= self.kT[-1]:
            raise ValueError(f"kT = {kT:g} is outside the fits, {self.kT[0]:g} to {self.kT[-1]:g}: corrections do not "
                             "extrapolate; fit one there")  # fmt: skip
        k = min(int(np.searchsorted(self.kT, kT, side="right")), len(self.kT) - 1)
        share = (kT - self.kT[k - 1]) / (self.kT[k] - self.kT[k - 1])
        mixed = {}
        for pair, (r, u, f) in self._tables.items():
            between = [(1 - share) * x[k - 1] + share * x[k] for x in (u, f)]
            mixed[pair] = PairTable.from_forces(r[0], r[-1], *between)
        return Interactions(mixed)


def _common(potentials: list[Potential]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return knots that all share, U and F there as (potential, knot)."""
    inner = max(getattr(p, "r_min", 0.0) for p in potentials)
    r = np.linspace(inner, max(p.cutoff for p in potentials), _KNOTS)
    u, f = (
        np.stack([np.asarray(getattr(p, name)(r), dtype=float) for p in potentials]) for name in ("energy", "force")
    )
    u[:, -1] = 0.0
    return r, u, f
