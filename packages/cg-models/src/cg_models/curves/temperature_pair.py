"""A potential that depends on temperature (paper 03, eq. 17)."""

from __future__ import annotations

from torch import Tensor, nn

from cg_models.curves.pair_curve import PairCurve


class TemperaturePair(nn.Module):
    """u(r, T) = u₁(r) − kT·u₂(r): `at(kT)` is the curve of one temperature, weights shared by all.

    u₁ is what the potential has of energy, u₂ what it has of entropy.
    """

    def __init__(self, energetic: PairCurve, entropic: PairCurve) -> None:
        super().__init__()
        if energetic.cutoff != entropic.cutoff:
            raise ValueError(f"u₁ and u₂ must end at one cutoff, got {energetic.cutoff} and {entropic.cutoff}")
        self.energetic, self.entropic, self.cutoff = energetic, entropic, energetic.cutoff

    def at(self, kT: float) -> PairCurve:
        """Return the curve at kT [energy]."""
        return _At(self, kT)


class _At(PairCurve):
    def __init__(self, both: TemperaturePair, kT: float) -> None:
        super().__init__()
        self.both, self.kT, self.cutoff = both, float(kT), both.cutoff

    def energy(self, r: Tensor) -> Tensor:
        return self.both.energetic.energy(r) - self.kT * self.both.entropic.energy(r)
