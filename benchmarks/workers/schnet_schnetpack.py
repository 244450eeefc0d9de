"""schnetpack's SchNet: energy and forces of a frame, or steps of training, with its neighbors given."""

from typing import TypeVar

import numpy as np
import torch
from matscipy.neighbours import neighbour_list
from serving import OPTIONS, peak_bytes, serve
from torch.utils.data import dataloader

dataloader.T_co = TypeVar("T_co", covariant=True)  # torch no longer has this name, schnetpack 2.1.1 imports it
import schnetpack as spk  # noqa: E402
from schnetpack import properties as key  # noqa: E402
from schnetpack.nn import CosineCutoff, GaussianRBF, shifted_softplus  # noqa: E402

torch.set_num_threads(OPTIONS["threads"])
torch.manual_seed(1)
frames = np.load(OPTIONS["frames"])
side, cutoff, kind = float(frames["side"]), OPTIONS["cutoff"], getattr(torch, OPTIONS.get("dtype", "float32"))
model = spk.model.NeuralNetworkPotential(
    spk.representation.SchNet(
        OPTIONS["features"], OPTIONS["blocks"], GaussianRBF(OPTIONS["radial"], cutoff), CosineCutoff(cutoff),
        activation=shifted_softplus,
    ),
    input_modules=[spk.atomistic.PairwiseDistances()],
    output_modules=[
        spk.atomistic.Atomwise(OPTIONS["features"], activation=shifted_softplus, output_key=key.energy),
        spk.atomistic.Forces(),
    ],
).to(kind)  # fmt: skip


def joined(many):
    """Return frames as one batch."""
    found = [neighbour_list("ijS", positions=x, cell=side * np.eye(3), pbc=[True] * 3, cutoff=cutoff) for x in many]
    n = many.shape[1]
    i, j = (np.concatenate([part[k] + f * n for f, part in enumerate(found)]) for k in (0, 1))
    offsets = np.concatenate([side * part[2] for part in found])
    return {
        key.Z: torch.ones(many.shape[0] * n, dtype=torch.long), key.R: torch.tensor(many.reshape(-1, 3), dtype=kind),
        key.idx_i: torch.tensor(i, dtype=torch.long), key.idx_j: torch.tensor(j, dtype=torch.long),
        key.offsets: torch.tensor(offsets, dtype=kind), key.idx_m: torch.arange(len(many)).repeat_interleave(n),
    }  # fmt: skip


def evaluate(count):
    model.eval()
    for _ in range(count):
        found = model(dict(batch))
    return found


def train(count):
    model.train()
    for _ in range(count):
        loss = ((model(dict(batch))[key.forces] - wanted) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


batch = joined(frames["positions"][: OPTIONS["batch"]])
if "answer" in OPTIONS:
    found = evaluate(1)
    arrays = {name: value.numpy() for name, value in model.state_dict().items()}
    np.savez(OPTIONS["answer"], **arrays, energy=found[key.energy].detach().numpy(), forces=found[key.forces].numpy())
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
wanted = torch.zeros_like(batch[key.R])
advance = {"force": evaluate, "training": train}[OPTIONS["work"]]
advance(2)
serve(advance, per_step=1, facts=lambda: {"version": spk.__version__, "bytes": peak_bytes()})
