"""Energies and forces of our SchNet with the weights of schnetpack's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from cg_models.schnet.graph import Graph
from cg_models.schnet.network import SchNet, SchNetOptions


@dataclass(frozen=True)
class Found:
    """Energies of frames and forces on their beads."""

    energy: np.ndarray
    forces: np.ndarray

    def energy_error(self, right: Found) -> float:
        return float(np.max(np.abs(self.energy / right.energy - 1)))

    def force_error(self, right: Found) -> float:
        """Return the largest error over the largest component."""
        return float(np.max(np.abs(self.forces - right.forces)) / np.max(np.abs(right.forces)))


def network(theirs: Mapping[str, np.ndarray], options: SchNetOptions) -> SchNet:
    """Return our network with weights named as schnetpack does; beads are its hydrogen."""
    weights = {"embedding.weight": theirs["representation.embedding.weight"][1:2]}
    names = {"readout": "output_modules.0.outnet"}
    for k in range(options.blocks):
        block = f"representation.interactions.{k}"
        weights[f"blocks.{k}.into.weight"] = theirs[f"{block}.in2f.weight"]
        names |= {f"blocks.{k}.filter.layers": f"{block}.filter_network", f"blocks.{k}.out": f"{block}.f2out"}
    for our_name, their_name in names.items():
        for layer in (0, 1):
            for part in ("weight", "bias"):
                weights[f"{our_name}.{2 * layer}.{part}"] = theirs[f"{their_name}.{layer}.{part}"]
    made = SchNet(options)
    made.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()})
    return made


def evaluated(network: SchNet, graph: Graph, *, splines: bool) -> Found:
    """Return what the network says, in its own precision: with splines as dynamics do, or with every filter for every pair."""
    d = graph.d.clone().requires_grad_()
    each = network(graph.types, graph.near(d), knots=network.tabulated() if splines else None, splines=splines)
    (slopes,) = torch.autograd.grad(each.sum(), d)
    energy = torch.zeros(graph.frames, dtype=each.dtype).index_add(0, graph.frame, each.detach())
    return Found(energy.double().numpy(), graph.forces(slopes).double().numpy())
