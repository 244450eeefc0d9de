"""OpenMM's CPU platform: CustomNonbondedForce with a tabulated function of 1000 points."""

import numpy as np
import openmm
from serving import OPTIONS, serve

KELVIN = 1.0 / 0.00831446261815324  # kT = 1 kJ/mol; with nm and dalton the time unit is a picosecond

start = np.load(OPTIONS["start"])
n, side = len(start["positions"]), float(start["side"])
system = openmm.System()
system.setDefaultPeriodicBoxVectors(*(np.eye(3) * side))
force = openmm.CustomNonbondedForce("table(r)")
table = openmm.Continuous1DFunction(start["u"].tolist(), float(start["r"][0]), float(start["r"][-1]))
force.addTabulatedFunction("table", table)
force.setNonbondedMethod(force.CutoffPeriodic)
force.setCutoffDistance(2.5)
for _ in range(n):
    system.addParticle(1.0)
    force.addParticle([])
system.addForce(force)
integrator = openmm.LangevinMiddleIntegrator(KELVIN, 1.0, 0.005)
platform = openmm.Platform.getPlatformByName("CPU")
context = openmm.Context(system, integrator, platform, {"Threads": str(OPTIONS["threads"])})
context.setPositions(start["positions"])
context.setVelocities(start["velocities"])
integrator.step(50)


def facts():
    energy = context.getState(getEnergy=True).getPotentialEnergy()._value
    return {"version": openmm.__version__, "energy": energy / n}


serve(integrator.step, per_step=n, multiple=40, facts=facts)
