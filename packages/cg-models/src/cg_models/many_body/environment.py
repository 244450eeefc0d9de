"""Atomic environment vectors of one element: what an ANI network reads of an atom's neighbors (Smith et al. 2017, eqs. 3–4)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

RADIAL_SCALE, COSINE_SCALE = 0.25, 0.95  # of NeuroChem: of radial terms, and of cos θ, which keeps arccos smooth


@dataclass(frozen=True, slots=True)
class Environment:
    """G of atom i, `size` numbers: one per radial shift, then one per angular shift and section, sections side by side.

    | term | of |
    | --- | --- |
    | ¼ Σ_j exp(−η_R (r_ij − s)²) f(r_ij; r_R) | each radial shift s |
    | 2 Σ_j<k ((1 + cos(θ_jik − φ))/2)^ζ exp(−η_A ((r_ij + r_ik)/2 − s)²) f(r_ij; r_A) f(r_ik; r_A) | each angular shift s, section φ |

    f(r; r_c) = ½ + ½ cos(π r/r_c) below its cutoff r_c, 0 beyond; cos θ is scaled by 0.95. Lengths are in Å.
    """

    radial_cutoff: float
    angular_cutoff: float
    radial_eta: float
    angular_eta: float
    zeta: float
    radial_shifts: tuple[float, ...]
    angular_shifts: tuple[float, ...]
    sections: tuple[float, ...]

    def __post_init__(self) -> None:
        if not 0 < self.angular_cutoff <= self.radial_cutoff:
            raise ValueError(
                f"cutoffs must be 0 < angular ≤ radial, got {self.angular_cutoff} and {self.radial_cutoff}"
            )
        if min(self.radial_eta, self.angular_eta, self.zeta) <= 0:
            raise ValueError(f"η and ζ must be positive, got {self.radial_eta}, {self.angular_eta}, {self.zeta}")
        if min(map(len, (self.radial_shifts, self.angular_shifts, self.sections))) == 0:
            raise ValueError("shifts and sections must not be empty")

    @property
    def size(self) -> int:
        return len(self.radial_shifts) + len(self.sections) * len(self.angular_shifts)


def vectors_of(environment: Environment, i: Tensor, edges: Tensor, atoms: int) -> Tensor:
    """Return G (atom, size), differentiable, of edges (edge, 3) [Å] from atoms i, sorted by i, each pair in both directions."""
    d = edges.norm(dim=1)
    near = d < environment.angular_cutoff
    return torch.cat(
        [_radial(environment, i, d, atoms), _angular(environment, i[near], edges[near], d[near], atoms)], dim=1
    )


def _radial(of: Environment, i: Tensor, d: Tensor, atoms: int) -> Tensor:
    shifts = d.new_tensor(of.radial_shifts)
    terms = RADIAL_SCALE * torch.exp(-of.radial_eta * (d[:, None] - shifts) ** 2)
    return d.new_zeros(atoms, len(shifts)).index_add(0, i, terms * _envelope(d, of.radial_cutoff)[:, None])


def _angular(of: Environment, i: Tensor, edges: Tensor, d: Tensor, atoms: int) -> Tensor:
    one, other = _couples(torch.bincount(i, minlength=atoms))
    cosine = COSINE_SCALE * (edges[one] * edges[other]).sum(dim=1) / (d[one] * d[other])
    turned = torch.arccos(cosine)[:, None] - d.new_tensor(of.sections)
    around = 2 * ((1 + torch.cos(turned)) / 2) ** of.zeta
    along = torch.exp(-of.angular_eta * ((d[one] + d[other])[:, None] / 2 - d.new_tensor(of.angular_shifts)) ** 2)
    ends = _envelope(d, of.angular_cutoff)
    terms = (along * (ends[one] * ends[other])[:, None])[:, :, None] * around[:, None, :]
    return d.new_zeros(atoms, of.size - len(of.radial_shifts)).index_add(0, i[one], terms.flatten(1))


def _envelope(d: Tensor, cutoff: float) -> Tensor:
    return torch.where(d < cutoff, 0.5 + 0.5 * torch.cos(d * (math.pi / cutoff)), torch.zeros_like(d))


def _couples(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Return the numbers of all pairs of edges of the same atom, of atoms with so many edges each.

    >>> [k.tolist() for k in _couples(torch.tensor([2, 0, 3]))]
    [[0, 2, 2, 3], [1, 3, 4, 4]]
    """
    first = torch.repeat_interleave(torch.cumsum(counts, 0) - counts, counts)
    edge = torch.arange(len(first), device=counts.device)
    after = torch.repeat_interleave(counts, counts) - (edge - first) - 1
    one = torch.repeat_interleave(edge, after)
    start = torch.repeat_interleave(torch.cumsum(after, 0) - after, after)
    return one, one + 1 + torch.arange(len(one), device=counts.device) - start
