"""hippynn's module with the same weights and the pairs of our search, in double precision, without custom kernels: those of numba
are slower here, and their threads slow torch down."""

import warnings
from importlib.metadata import version
from itertools import cycle

import numpy as np
import torch
from serving import OPTIONS, serve

import cg_models as cm
from cg_models.many_body.hip_training import untaught

warnings.simplefilter("ignore")
from hippynn.custom_kernels import set_custom_kernels  # noqa: E402

set_custom_kernels(False)
torch.set_num_threads(OPTIONS["threads"])
frames = np.load(OPTIONS["frames"])
network, cell = cm.hipnn(OPTIONS["weights"]).networks[0], frames["cell"]
module = untaught(network.options, 0)
module.load_state_dict(dict(network.weights))
search, positions = cm.Neighborhoods(network.options.hard_max, skin=1.0), cycle(frames["positions"])
periodic, ones = np.ones(3, dtype=bool), torch.ones(frames["positions"].shape[1], 1, dtype=torch.float64)


def advance(count):
    for _ in range(count):
        x = next(positions)
        found = search(x, cell, periodic)
        edges = x[found.j] - x[found.i] + found.images
        near = np.flatnonzero(np.einsum("ek,ek->e", edges, edges) < network.options.hard_max**2)
        i, j = (torch.from_numpy(k[near].astype(np.int64)) for k in (found.i, found.j))
        at = torch.tensor(x, requires_grad=True)
        d = (at[j] - at[i] + torch.from_numpy(found.images[near])).norm(dim=1)
        features = module["network"](ones, i, j, d)
        energy = sum(layer(k).sum() for layer, k in zip(module["head"].layers, features, strict=True))
        (slope,) = torch.autograd.grad(energy, at)
    return energy, slope


energy, slope = advance(1)
if "answer" in OPTIONS:
    np.savez(OPTIONS["answer"], energy=energy.item() + network.self_energy * len(ones), forces=-slope.numpy())
serve(advance, per_step=1, facts=lambda: {"version": version("hippynn")})
