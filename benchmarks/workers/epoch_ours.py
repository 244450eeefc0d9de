"""Our epoch: rollout, soft g(r), loss, and the gradient of a table's knots or of a pair network's weights."""

import numpy as np
import torch
from serving import OPTIONS, peak_bytes, serve

import cg_data as cd
import cg_sim as cs
from cg_models import NeuralPair, RepulsivePrior
from cg_sim.differentiable import Cotangents, SoftRDF, rollout

torch.set_num_threads(OPTIONS["threads"])
start = np.load(OPTIONS["start"])
state = cs.State(start["positions"], float(start["side"]), start["velocities"])
table = cd.PairTable.from_forces(start["r"][0], 2.5, start["u"], start["f"])
network = NeuralPair(2.5, prior=RepulsivePrior())
soft = SoftRDF(3.2, bins=100)


def forward(table, state=state, steps=OPTIONS["steps"]):
    """Return the rollout, g and the function from dL/dg to dL/dpositions."""
    ran = rollout(
        state, table, kT=1.0, steps=steps, dt=0.005, thermostat=cs.NoseHoover(0.5), every=5,
        checkpoints=OPTIONS.get("checkpoints", False),
    )  # fmt: skip
    return ran, *soft.of(ran.positions[1:], ran.state)  # the first frame knows nothing of the potential


def backward(ran, g, pull):
    """Return dL/dknots of the loss Σ (g − 1)²."""
    given = np.zeros_like(ran.positions)
    given[1:] = pull(2 * (g - 1))
    return next(iter(ran.vjp(Cotangents(positions=given)).tables.values()))


def of_table():
    return backward(*forward(table))


def of_network():
    network.zero_grad()
    knots = network.knots(400, r_min=0.4)
    found = backward(*forward(knots.table()))
    knots.backward(found.u, found.f)


def repetition():
    """Return what is measured: an epoch, or a part of it."""
    if OPTIONS["part"] == "forward":
        return lambda: forward(table)
    if OPTIONS["part"] == "backward":
        kept = forward(table)
        return lambda: backward(*kept)
    return of_table if OPTIONS["potential"] == "table" else of_network


backward(*forward(table, cs.fcc(256, 0.7, kT=1.0), 20))
before = peak_bytes()
once = repetition()
once()
memory = peak_bytes() - before


def epochs(count):
    for _ in range(count):
        once()


def facts():
    ran, g, pull = forward(table)
    found = backward(ran, g, pull)
    slope = float(np.hypot(np.linalg.norm(found.u), np.linalg.norm(found.f)))
    return {"version": cs.__version__, "bytes": memory, "loss": float(np.sum((g - 1) ** 2)), "slope": slope}


serve(epochs, per_step=1, facts=facts)
