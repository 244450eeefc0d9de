"""torch-sim: a batch of Lennard-Jones systems, Langevin.

Its Lennard-Jones forces (0.3.0) are twice −dU/dx: the potential it moves in is twice as deep, the work is the same.
"""

from importlib.metadata import version

import numpy as np
import torch
import torch_sim as ts
from serving import OPTIONS, serve
from torch_sim.integrators.nvt import nvt_langevin
from torch_sim.models.lennard_jones import LennardJonesModel

torch.set_num_threads(OPTIONS["threads"])
start = np.load(OPTIONS["start"])
n, side, replicas = len(start["positions"]), float(start["side"]), OPTIONS["replicas"]
positions = torch.tensor(start["positions"] % side, dtype=torch.float32).repeat(replicas, 1)
state = ts.SimState(
    positions=positions,
    masses=torch.ones(len(positions)),
    cell=(torch.eye(3) * side).repeat(replicas, 1, 1),
    pbc=True,
    atomic_numbers=torch.ones(len(positions), dtype=torch.int64),
    system_idx=torch.arange(replicas).repeat_interleave(n),
)
model = LennardJonesModel(cutoff=2.5)
first, step = nvt_langevin(model, dt=torch.tensor(0.005), kT=torch.tensor(1.0), gamma=torch.tensor(1.0), seed=1)
state = first(state)


def advance(steps):
    global state
    for _ in range(steps):
        state = step(state)


def facts():
    return {"version": version("torch-sim-atomistic")}


advance(2)
serve(advance, per_step=n * replicas, facts=facts)
