"""HOOMD-blue on the CPU: md.pair.Table of 1000 points, at the buffer that suits it."""

import hoomd
import numpy as np
from serving import OPTIONS, cost, serve

start = np.load(OPTIONS["start"])
n, side = len(start["positions"]), float(start["side"])
snapshot = hoomd.Snapshot()
snapshot.configuration.box = [side, side, side, 0, 0, 0]
snapshot.particles.N = n
snapshot.particles.types = ["A"]
snapshot.particles.position[:] = (start["positions"] + side / 2) % side - side / 2
snapshot.particles.velocity[:] = start["velocities"]
simulation = hoomd.Simulation(device=hoomd.device.CPU(notice_level=0), seed=1)
simulation.create_state_from_snapshot(snapshot)
neighbors = hoomd.md.nlist.Cell(buffer=0.4, exclusions=())
force = hoomd.md.pair.Table(neighbors, default_r_cut=2.5)
force.params[("A", "A")] = {"r_min": float(start["r"][0]), "U": start["u"][:-1], "F": start["f"][:-1]}
langevin = hoomd.md.methods.Langevin(hoomd.filter.All(), kT=1.0, default_gamma=1.0)
simulation.operations.integrator = hoomd.md.Integrator(dt=0.005, methods=[langevin], forces=[force])
simulation.run(20)


def with_buffer(buffer, steps):
    neighbors.buffer = buffer
    simulation.run(20)
    return cost(simulation.run, steps)


trial = max(30, 200_000 // n)
best = min((0.3, 0.4, 0.5, 0.6), key=lambda buffer: with_buffer(buffer, trial))
with_buffer(best, 50)


def facts():
    return {"version": hoomd.version.version, "energy": force.energy / n, "buffer": best}


serve(simulation.run, per_step=n, multiple=40, facts=facts)
