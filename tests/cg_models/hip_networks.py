"""What the tests of HIP-NN share: networks of random numbers, and fcc labels of EMT."""

from __future__ import annotations

import numpy as np
import torch

SMALL = {"features": 6, "sensitivities": 7, "atom_layers": 2, "soft_min": 1.25, "soft_max": 5.5, "hard_max": 6.0}


def random_network(seed=0, **options):
    """Return a HipNetwork whose weights are of zero mean, its sensitivities those that hippynn begins with, moved a little."""
    import cg_models as cm

    settings, noise = cm.HipOptions(**SMALL | options), np.random.default_rng(seed)
    weights = {n: torch.from_numpy(noise.normal(size=s) / np.sqrt(s[-1] if len(s) == 2 else 4)) for n, s in settings.shapes().items()}  # fmt: skip
    place, n = "network.blocks.0.0.base_layer.sensitivity", settings.sensitivities
    middles = 1 / np.linspace(1 / settings.soft_max, 1 / settings.soft_min, n)
    weights[f"{place}.mu"] = torch.from_numpy(middles * noise.uniform(0.97, 1.03, n))[None]
    weights[f"{place}.sigma"] = torch.from_numpy(2 * n * settings.soft_min * noise.uniform(0.8, 1.2, n))[None]
    return cm.HipNetwork("Al", settings, -1.5, weights)


def shaken(count, *, seed=0, lattice=(3.9, 4.25), rattle=0.15, cells=2):
    """Return strained and shaken fcc crystals of aluminium with EMT as their calculator."""
    from ase.build import bulk
    from ase.calculators.emt import EMT

    noise, found = np.random.default_rng(seed), []
    for _ in range(count):
        atoms = bulk("Al", "fcc", noise.uniform(*lattice), cubic=True).repeat(cells)
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + noise.normal(0, 0.01, (3, 3))), scale_atoms=True)
        atoms.positions += noise.normal(0, noise.uniform(0.3, 1) * rattle, atoms.positions.shape)
        atoms.calc = EMT()
        found.append(atoms)
    return found
