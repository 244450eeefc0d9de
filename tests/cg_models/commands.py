"""What the tests of the `cg-models` command share: trajectories of known potentials, and how a command fails."""

from __future__ import annotations

import re

import numpy as np

import cg_data as cd

LIQUID = cd.WCA() + cd.GaussianCore(-1.5, 1.2, cutoff=2.5)
EDGE = 5.2


def fails(capsys, *words, match):
    """Check that a command fails with one line that says why, and writes nothing."""
    from cg_models.cli.main import main

    assert main(list(words)) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert re.fullmatch(r"cg-models: [^\n]+\n", said.err), said.err
    assert re.search(match, said.err), said.err


def silent(potential):
    """Return a bead potential that is a pair potential, its network silent."""
    import torch

    import cg_models as cm

    network = cm.SchNet(cm.SchNetOptions(cutoff=2.5, features=4, filters=4, blocks=1))
    with torch.no_grad():
        network.readout[-1].weight.zero_()
        network.readout[-1].bias.zero_()
    return cm.BeadPotential(network, cm.Prior({(0, 0): potential}))


def liquid_frames():
    """Return frames of 64 beads of a known pair potential, by Langevin dynamics of a network that says nothing."""
    import cg_models as cm

    known = silent(LIQUID)
    box, lattice = np.full(3, EDGE), np.array(list(np.ndindex(4, 4, 4))) * EDGE / 4
    moving = cm.BeadDynamics(
        known, cm.MovingGraph(np.zeros(64, int), box, 2.5), lattice, 1.0, kT=1.0, dt=0.005, friction=2.0
    )
    frames = moving.run(900, every=30).positions[6:, 0]
    energies, forces = zip(*(known.prior(cm.graph(x, box, 2.5)) for x in frames), strict=True)
    return cd.trajectory(frames, box, ["A"] * 64, units=cd.Units(), force=np.stack(forces), mass=np.ones(64),
                         energy=[float(e[0]) for e in energies])  # fmt: skip


def dimers(k=200.0, r0=1.0):
    """Return frames of 20 dimers whose beads know nothing but their bond, at kT = 1."""
    noise, frames, beads = np.random.default_rng(0), 40, 40
    x = noise.random((frames, beads, 3)) * 9.0
    way = noise.normal(size=(frames, beads // 2, 3))
    way /= np.linalg.norm(way, axis=2, keepdims=True)
    d = r0 + noise.normal(size=(frames, beads // 2, 1)) / k**0.5
    x[:, 1::2] = (x[:, ::2] + way * d) % 9.0
    force = np.zeros_like(x)
    force[:, ::2], force[:, 1::2] = k * (d - r0) * way, -k * (d - r0) * way
    return cd.trajectory(
        x, np.full(3, 9.0), ["A", "B"] * 20, units=cd.Units(), force=force, molecule=np.arange(beads) // 2
    )
