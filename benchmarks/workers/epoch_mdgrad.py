"""mdgrad as published: its Nosé–Hoover chain, adjoint method, pairs and g(r), set as by its own run_lj.py and fit_rdf_pair.py."""

import os
import sys

import numpy as np
import torch
from serving import OPTIONS, serve

sys.path.insert(0, os.environ["MDGRAD_SOURCE"])
from torchmd.interface import PairPotentials, Stack
from torchmd.md import NoseHooverChain, Simulations
from torchmd.observable import rdf
from torchmd.potentials import ExcludedVolume, LennardJones, pairMLP, pairTab
from torchmd.system import System

EVERY = 5
torch.solve = lambda b, a: (torch.linalg.solve(a, b), None)  # gone from torch; the splines under pairTab call it
torch.set_num_threads(OPTIONS["threads"])
start = np.load(OPTIONS["start"])
side = float(start["side"])
n = len(start["positions"])
system = System(f"H{n}", positions=start["positions"] % side, cell=[side] * 3, pbc=True, device="cpu")
system.set_masses(np.ones(n))
system.set_velocities(start["velocities"])


def potential():
    """Return Lennard-Jones with σ and ε to learn, its own table of 1000 values set to Lennard-Jones, or the network of
    run_lj.py with the prior its parameters are for."""
    if OPTIONS["potential"] == "lj":
        return Stack({"pair": PairPotentials(system, LennardJones(), cutoff=2.5)})
    if OPTIONS["potential"] == "table":
        table = pairTab(nbins=1000, rc=2.5)
        r = table.x.clamp(min=0.8)
        table.tab.data[:] = 4 * (r**-12 - r**-6) + 4 * 2.5**-6 - 4 * 2.5**-12
        return Stack({"pair": PairPotentials(system, table, cutoff=2.5)})
    network = pairMLP(n_gauss=24, r_start=0.0, r_end=2.5, n_layers=3, n_width=128, nonlinear="ELU")
    prior = ExcludedVolume(epsilon=0.4, sigma=0.9, power=10)
    return Stack(
        {"pairnn": PairPotentials(system, network, cutoff=2.5), "pair": PairPotentials(system, prior, cutoff=2.5)}
    )


model = potential()
observed = rdf(system, nbins=100, r_range=(0.0, 3.2))


def loss():
    """Return the loss of an epoch from the same start; a trajectory of k points has k − 1 steps."""
    chain = NoseHooverChain(model, system, Q=50.0, T=1.0, num_chains=5, adjoint=True, topology_update_freq=1)
    points = OPTIONS["steps"] + 1
    _, x, _ = Simulations(system, chain).simulate(steps=points, frequency=points, dt=0.005)
    frames = x[EVERY::EVERY]
    g = sum(observed(frame[None])[2] for frame in frames) / len(frames)
    return ((g - 1) ** 2).sum()


last = {}


def epochs(count):
    for _ in range(count):
        system.set_positions(start["positions"] % side)
        system.set_velocities(start["velocities"])
        model.zero_grad()
        found = loss()
        found.backward()
        last["loss"] = found.item()


serve(epochs, per_step=1, facts=lambda: {"version": "cea2332", **last})
