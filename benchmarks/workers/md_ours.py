"""Our embedded engine: one session, advanced."""

import numpy as np
from serving import OPTIONS, peak_bytes, serve

import cg_data as cd
import cg_sim as cs


def session_of(state):
    forces = cd.as_interactions(cd.LennardJones(cutoff=2.5).table(1000))
    job = cs.Job(
        state, forces, kT=1.0, dt=0.005, thermostat=cs.Langevin(1.0), seed=1, threads=OPTIONS["threads"],
        precision=OPTIONS["precision"],
    )  # fmt: skip
    return cs.engine("cpu")(job)


session_of(cs.fcc(256, 0.7, kT=1.0)).advance(10)
before = peak_bytes()
start = np.load(OPTIONS["start"])
session = session_of(cs.State(start["positions"], float(start["side"]), start["velocities"]))
n = len(start["positions"])
for _ in range(5):  # the skin follows what the steps before have shown
    session.advance(max(50, min(200, 400_000 // n)))
memory = (peak_bytes() - before) / n


def facts():
    return {"version": cs.__version__, "energy": session.frame().energy / n, "bytes": memory}


serve(session.advance, per_step=n, multiple=40, facts=facts)
