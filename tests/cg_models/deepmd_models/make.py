"""Write small deepmd-kit models with random weights, and what deepmd-kit itself computes of a few frames.

Run with deepmd-kit 3.2.0 and its PyTorch: `python make.py`. The checkpoints are what `dp --pt train` writes, but for the optimizer.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from deepmd.pt.model.model import get_model
from deepmd.pt.train.wrapper import ModelWrapper

HERE = Path(__file__).parent
DESCRIPTOR = {
    "type": "se_e2_a", "sel": [40, 60], "rcut": 4.0, "rcut_smth": 1.0, "neuron": [3, 6, 12], "axis_neuron": 4,
    "precision": "float64",
}  # fmt: skip
FITTING = {"neuron": [16, 10, 10], "precision": "float64"}
MODELS = {
    "one_side": ({"type_one_side": True, "resnet_dt": False, "seed": 1}, {"resnet_dt": True, "seed": 2}),
    "two_sides": ({"type_one_side": False, "resnet_dt": True, "seed": 3}, {"resnet_dt": False, "seed": 4}),
}


def spoilt(model: torch.nn.Module, seed: int) -> None:
    """Give statistics and offsets numbers that differ by type and column, as those of a training do."""
    noise = torch.Generator().manual_seed(seed)
    sea = model.atomic_model.descriptor.sea
    for kind in range(sea.mean.shape[0]):
        sea.mean[kind, :, 0] = 0.04 * torch.rand(1, generator=noise, dtype=torch.float64)
        spread = 0.02 + 0.03 * torch.rand(2, generator=noise, dtype=torch.float64)
        sea.stddev[kind, :, 0], sea.stddev[kind, :, 1:] = spread[0], spread[1]
    model.atomic_model.out_bias[0, :, 0] = torch.tensor([-93.5, -187.1])
    model.atomic_model.fitting_net.bias_atom_e[:, 0] = torch.tensor([0.25, -0.5])
    for network in model.atomic_model.fitting_net.filter_layers.networks:
        network.layers[-1].matrix.data *= 10  # forces of the size that atoms have


def frames() -> list[dict[str, object]]:
    """Return a wide cell, and a skew one that is smaller than the cutoff."""
    noise, found = np.random.default_rng(0), []
    for atoms, cell in ((24, 9.0 * np.eye(3)), (5, np.array([[3.6, 0, 0], [0.9, 3.9, 0], [-0.7, 0.5, 4.1]]))):
        places = np.array(list(np.ndindex(3, 3, 3)))[noise.permutation(27)[:atoms]] / 3
        if atoms < 10:
            places = noise.random((atoms, 3))
        positions = (places + 0.05 * noise.standard_normal((atoms, 3))) @ cell
        kinds = (np.arange(atoms) % 3 > 0).astype(int)
        found.append({"positions": positions.tolist(), "cell": cell.tolist(), "types": kinds.tolist()})
    return found


def evaluated(model: torch.nn.Module, frame: dict[str, object]) -> dict[str, object]:
    positions = torch.tensor(frame["positions"], dtype=torch.float64)[None]
    cell = torch.tensor(frame["cell"], dtype=torch.float64).reshape(1, 9)
    out = model(positions, torch.tensor(frame["types"])[None], cell)
    names = {"energy": "energy", "energies": "atom_energy", "forces": "force", "virial": "virial"}
    numbers = {ours: out[theirs].detach().numpy() for ours, theirs in names.items()}
    return frame | {
        "energy": float(numbers["energy"][0, 0]), "energies": numbers["energies"][0, :, 0].tolist(),
        "forces": numbers["forces"][0].tolist(), "virial": numbers["virial"][0].reshape(3, 3).tolist(),
    }  # fmt: skip


for name, (descriptor, fitting) in MODELS.items():
    given = {"type_map": ["O", "H"], "descriptor": DESCRIPTOR | descriptor, "fitting_net": FITTING | fitting}
    model = get_model(json.loads(json.dumps(given)))
    spoilt(model, seed=len(name))
    torch.save({"model": ModelWrapper(model, model_params=given).state_dict()}, HERE / f"{name}.pt")
    (HERE / f"{name}.json").write_text(json.dumps([evaluated(model, frame) for frame in frames()], indent=1))
