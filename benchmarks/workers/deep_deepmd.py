"""deepmd-kit's se_e2_a of its example of water (25-50-100, 16 axes, 240-240-240, double precision): energies, forces, steps of training.

Weights are random, by a seed; the first to run writes them as `dp --pt train` does, with statistics that are not trivial.
"""

import os
import warnings
from importlib.metadata import version
from itertools import cycle
from pathlib import Path

os.environ.setdefault("DP_INTRA_OP_PARALLELISM_THREADS", "1")
os.environ.setdefault("DP_INTER_OP_PARALLELISM_THREADS", "1")

import numpy as np
import torch
from serving import OPTIONS, serve

warnings.simplefilter("ignore")
from deepmd.pt.cxx_op import ENABLE_CUSTOMIZED_OP  # noqa: E402
from deepmd.pt.model.model import get_model  # noqa: E402
from deepmd.pt.train.wrapper import ModelWrapper  # noqa: E402

torch.set_num_threads(OPTIONS["threads"])
frames, weights = np.load(OPTIONS["frames"]), Path(OPTIONS["weights"])
types = torch.tensor(frames["types"])[None]
atomistic = bool(types.max())
GIVEN = {
    "type_map": ["O", "H"] if atomistic else ["O"],
    "descriptor": {
        "type": "se_e2_a", "sel": [46, 92] if atomistic else [46], "rcut": 6.0, "rcut_smth": 0.5, "neuron": [25, 50, 100],
        "axis_neuron": 16, "type_one_side": True, "resnet_dt": False, "precision": "float64", "seed": 1,
    },
    "fitting_net": {"neuron": [240, 240, 240], "resnet_dt": True, "precision": "float64", "seed": 1},
}  # fmt: skip
model = get_model({name: dict(part) if isinstance(part, dict) else list(part) for name, part in GIVEN.items()})
statistics = model.atomic_model.descriptor.sea
statistics.mean[..., 0], statistics.stddev[...] = 0.03, 0.1
if not weights.exists():
    torch.save({"model": ModelWrapper(model, model_params=GIVEN).state_dict()}, weights)
cell = torch.tensor(frames["cell"].reshape(1, 9))
positions = cycle([torch.tensor(x)[None] for x in frames["positions"]])
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)


def force(count):
    for _ in range(count):
        found = model(next(positions), types, cell)
    return found


def training(count):
    for _ in range(count):
        optimizer.zero_grad()
        (model(next(positions), types, cell)["force"] ** 2).mean().backward()
        optimizer.step()


if OPTIONS["work"] == "training":
    model.train()
    advance = training
    advance(1)
else:
    model.eval()
    advance = force
    found = advance(1)
    if "answer" in OPTIONS:
        np.savez(OPTIONS["answer"], energy=found["energy"].item(), forces=found["force"][0].detach().numpy())
operators = "compiled" if ENABLE_CUSTOMIZED_OP else "Python"
serve(
    advance,
    per_step=1,
    facts=lambda: {"version": version("deepmd-kit"), "torch": torch.__version__, "operators": operators},
)
