"""U of beads: a network, what is known of it beforehand, and the offset of energies (eqs. 3–5 of paper 02)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from cg_data.potentials.pair_potential import Potential
from cg_models.schnet.graph import Graph
from cg_models.schnet.network import SchNet
from cg_models.schnet.prior_curves import PriorCurves, Tables, TypePair


@dataclass(frozen=True, slots=True)
class Prior:
    """What is not learned: potentials of cg-data between molecules and inside them, by pairs of types.

    They keep beads apart, and bound, where there are no data. `PriorCurves` are made of them once, here.
    """

    between: Mapping[TypePair, Potential] = field(default_factory=dict)
    inside: Mapping[TypePair, Potential] = field(default_factory=dict)
    _curves: tuple[PriorCurves, PriorCurves] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_curves", (PriorCurves(self.between), PriorCurves(self.inside)))

    @property
    def tables(self) -> Tables | None:
        """What kernels read of potentials between molecules; None where there are no kernels, or no potentials."""
        return self._curves[0].tables

    def __call__(self, graph: Graph) -> tuple[Tensor, Tensor]:
        """Return energies of the frames (frame,) and forces (bead, 3)."""
        energy = torch.zeros(graph.frames, dtype=torch.float64)
        forces = torch.zeros(len(graph.types), 3).to(graph.d)
        for pairs, each, slopes in self.each(graph):
            energy = energy + (each.sum() if graph.frames == 1 else _by_frame(pairs, each))
            forces = forces + pairs.forces(slopes.to(pairs.d))
        return energy, forces

    def each(self, graph: Graph) -> Iterator[tuple[Graph, Tensor, Tensor]]:
        """Yield pairs, and U and dU/dd of every one of them: of those between molecules and of those inside."""
        between, inside = self._curves
        if self.between:
            yield graph, *between(graph)
        if self.inside and graph.inside is not None:
            yield graph.inside, *inside(graph.inside)


class BeadPotential(nn.Module):
    """U = prior + Σ network + offset per bead; `offset` is what energies of the data are counted from, and no force.

    A graph goes to the device of the weights, and what is returned is there.
    """

    offset: Tensor

    def __init__(self, network: SchNet, prior: Prior | None = None) -> None:
        super().__init__()
        self.network, self.prior = network, prior or Prior()
        for pair, potential in self.prior.between.items():
            if potential.cutoff > network.options.cutoff * (1 + 1e-9):
                raise ValueError(
                    f"the prior of {pair} ends at {potential.cutoff:g}, the network's pairs at {network.options.cutoff:g}"
                )
        self.register_buffer("offset", torch.zeros(()))

    def learned(
        self, graph: Graph, *, create_graph: bool = False, knots: list[Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return what the network adds: energies of the frames without the offset, and forces."""
        graph = graph.to(self.offset.device)
        each, slopes = self.slopes(graph, create_graph=create_graph, knots=knots)
        forces = graph.forces(slopes[0])
        if graph.inside is not None and len(slopes) > 1:
            forces = forces + graph.inside.forces(slopes[1])
        energy = torch.zeros(graph.frames, dtype=each.dtype, device=each.device).index_add(0, graph.frame, each)
        return (energy, forces) if create_graph else (energy.detach(), forces.detach())

    def slopes(
        self, graph: Graph, *, create_graph: bool = False, knots: list[Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the network's energy of each bead, and dU/dd of the pairs and, with inner blocks, of those inside."""
        d = graph.d.detach().requires_grad_()
        inner = graph.inside if self.network.options.inner_blocks else None
        e = inner.d.detach().requires_grad_() if inner is not None else None
        with torch.enable_grad():
            each = self.network(graph.types, graph.near(d), inner.near(e) if inner is not None else None, knots=knots)
            return each, torch.autograd.grad(each.sum(), [d] if e is None else [d, e], create_graph=create_graph)

    def forward(self, graph: Graph, *, knots: list[Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Return U of the frames (frame,) and forces (bead, 3)."""
        energy, forces = self.learned(graph, knots=knots)
        known, known_forces = self.prior(graph)
        beads = torch.bincount(graph.frame, minlength=graph.frames).to(energy.device)
        return energy + known.to(energy) + self.offset * beads, forces + known_forces.to(forces)


def _by_frame(pairs: Graph, each: Tensor) -> Tensor:
    """Return the sums of what pairs have, over each frame."""
    none = torch.zeros(pairs.frames, dtype=each.dtype)
    return none.index_add(0, pairs.frame[pairs.i.long()].cpu(), each)
