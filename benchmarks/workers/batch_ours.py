"""Our `simulate_batch`, set-up of each run included: the energy, or g(r) too, sampled every so many steps."""

import numpy as np
from serving import OPTIONS, serve

import cg_data as cd
import cg_sim as cs

start = np.load(OPTIONS["start"])
state = cs.State(start["positions"], float(start["side"]), start["velocities"])
replicas, every = OPTIONS["replicas"], OPTIONS["sample_every"]
observe = [cs.RDF(OPTIONS["r_max"], bins=200)] if "r_max" in OPTIONS else []
potential = cd.LennardJones(cutoff=2.5).table(1000)


def advance(steps):
    cs.simulate_batch(
        state, potential, kT=1.0, steps=steps, thermostat=cs.Langevin(1.0), observe=observe,
        sample_every=every or steps, threads=OPTIONS["threads"], precision=OPTIONS["precision"], replicas=replicas,
    )  # fmt: skip


advance(OPTIONS["multiple"])
serve(advance, per_step=state.n * replicas, multiple=OPTIONS["multiple"], facts=lambda: {"version": cs.__version__})
