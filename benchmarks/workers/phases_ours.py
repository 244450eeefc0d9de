"""One phase of the engine's time step, on a liquid: what a step is made of."""

import numpy as np
from numba import njit
from serving import OPTIONS, serve

import cg_data as cd
import cg_sim as cs
from cg_sim.engines.cpu.kernels import phases
from cg_sim.engines.cpu.kernels.loop import REBUILDS
from cg_sim.engines.cpu.kernels.rebuild import rebuild

start = np.load(OPTIONS["start"])
state = cs.State(start["positions"], float(start["side"]), start["velocities"])
forces_of = cd.as_interactions(cd.LennardJones(cutoff=2.5).table(1000))
session = cs.engine("cpu")(cs.Job(state, forces_of, 1.0, 0.005, cs.Langevin(1.0), precision=OPTIONS["precision"]))
for _ in range(3):
    session.advance(500)
before = int(session._progress.counters[REBUILDS])
session.advance(1000)
lasts = 1000 / (int(session._progress.counters[REBUILDS]) - before)
session.advance(1)  # the list is made anew if the skin has changed
particles, neighbors, geometry, n = session._particles, session._neighbors, session._geometry, state.n
reach, still = (session._settings.reach, 2.5), 1e-12  # so small a time step that nothing moves


@njit
def all_forces(particles, neighbors, geometry, pairs):
    return phases.forces(0, n, particles, neighbors, geometry, pairs)


def integrate():
    phases.move(0, n, particles, still, 1.0, 0.999999, 1e-12, 1.0, 1.0)
    phases.kick(0, n, particles, still)
    phases.pack(0, n, particles.points, particles, geometry.inverse)


PHASES = {
    "forces": lambda: all_forces(particles, neighbors, geometry, session._pairs),
    "list build": lambda: rebuild(
        0, 1, 0, n, particles, neighbors, geometry, False, reach, session._widths, session._shared
    ),
    "noise": lambda: phases.draw(0, n, particles.scratch, 1, 5, particles.id),
    "move, kick and pack": integrate,
}
phase = PHASES[OPTIONS["phase"]]


def advance(steps):
    for _ in range(steps):
        phase()


advance(2)
serve(advance, per_step=n * (lasts if OPTIONS["phase"] == "list build" else 1), facts=lambda: {"lasts": lasts})
