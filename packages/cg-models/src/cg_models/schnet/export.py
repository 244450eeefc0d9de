"""The network as a program that torch runs without this package: from positions and pairs to energies, forces and the virial."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

from cg_data.safe_files import atomic_path
from cg_models.schnet.bead_potential import BeadPotential
from cg_models.schnet.network import Neighbors


class Program(nn.Module):
    """(positions, types, i, j, images) → energy of each bead, forces (bead, 3), virial Σ f_ij ⊗ r_ij (3, 3).

    Every pair within the cutoff once, with the lattice vector (pair, 3) [length] that brings j near i. Networks with inner
    blocks take i, j, images of the pairs inside molecules after those between them. Filters are evaluated for every pair.
    """

    def __init__(self, potential: BeadPotential) -> None:
        super().__init__()
        self.network, self.offset = potential.network, potential.offset

    def forward(self, positions: Tensor, types: Tensor, *pairs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        kinds = [pairs[k : k + 3] for k in range(0, len(pairs), 3)]
        vectors = [positions[j] + images - positions[i] for i, j, images in kinds]
        with torch.enable_grad():
            d = [torch.linalg.vector_norm(v, dim=1).detach().requires_grad_() for v in vectors]
            near = [Neighbors(i, j, along) for (i, j, _), along in zip(kinds, d, strict=True)]
            each = self.network(types, *near, splines=False)
            slopes = torch.autograd.grad(each.sum(), d)
        forces, virial = torch.zeros_like(positions), positions.new_zeros(3, 3)
        for (i, j, _), vector, distance, slope in zip(kinds, vectors, d, slopes, strict=True):
            on_i = (slope / distance)[:, None] * vector
            forces = forces.index_add(0, i, on_i).index_add(0, j, -on_i)
            virial = virial - on_i.T @ vector
        return each.detach() + self.offset, forces, virial


def export_beads(potential: BeadPotential, path: str | Path) -> None:
    """Write network and offset as a `torch.export` program (.pt2) for any numbers of beads and pairs above one.

    `torch.export.load(path).module()` runs it, on the device and with the kind of numbers the potential has here. Priors are
    not in it: they are pair potentials, which engines take as tables.
    """
    program = Program(potential).requires_grad_(False)
    try:
        inputs = _example(potential)
        traced = make_fx(program, tracing_mode="symbolic", _allow_non_fake_inputs=True)(*inputs)
        for name, weight in list(traced.named_parameters()):  # what is loaded shall need no gradients
            delattr(traced, name)
            traced.register_buffer(name, weight.detach())
        beads = torch.export.Dim("beads", min=2)
        names = ("pairs", "inner_pairs")[: (len(inputs) - 2) // 3]
        sizes = [{0: torch.export.Dim(name, min=2)} for name in names for _ in range(3)]
        exported = torch.export.export(traced, inputs, dynamic_shapes=({0: beads}, {0: beads}, *sizes))
    finally:
        program.requires_grad_(True)
    written = BytesIO()
    torch.export.save(exported, written)
    with atomic_path(Path(path)) as draft:
        draft.write_bytes(written.getvalue())


def _example(potential: BeadPotential) -> tuple[Any, ...]:
    """Return inputs of the right kinds, of sizes that no dimension shares."""
    where: dict[str, Any] = {"dtype": potential.offset.dtype, "device": potential.offset.device}
    kinds = 2 if potential.network.options.inner_blocks else 1
    noise = torch.Generator().manual_seed(0)
    found = [torch.rand(7, 3, generator=noise).to(**where), torch.zeros(7, dtype=torch.long, device=where["device"])]
    for k in range(kinds):
        i = torch.arange(5 - k, device=where["device"])
        found += [i, i + 1, torch.zeros(len(i), 3, **where)]
    return tuple(found)
