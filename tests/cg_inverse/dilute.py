"""A target that costs nothing: a gas so thin that g = e^(−U/kT), and settings with which its fit takes a second."""

from __future__ import annotations

import numpy as np
import xarray as xr

import cg_data as cd
import cg_inverse as ci

CUTOFF, DENSITY = 2.0, 0.05
SIMULATION = ci.Simulation(particles=256, threads=2)
CONTROL = ci.Control(rounds=4, steps=2000, first_steps=500, equilibration=100, stop_at_noise=False, seed=3)
OPTIONS = ["--cutoff", "2", "--particles", "256", "--rounds", "3", "--steps", "1000", "--first-steps", "500",
           "--equilibration", "100"]  # fmt: skip


def target(density: float = DENSITY, kT: float = 1.0, width: float = 0.05, r_max: float = 3.0) -> xr.Dataset:
    """Return g of Lennard-Jones in the dilute limit with errors as of a run of N = 500."""
    potential = cd.LennardJones(cutoff=CUTOFF).force_shifted()
    r = width * (np.arange(round(r_max / width)) + 0.5)
    g = 1 + cd.mayer_f(potential, r, kT=kT)
    error = 0.01 * np.sqrt(g) / r
    return cd.make_target(
        r, g, density=density, kT=kT, g_stderr=error, particles=500, normalization="N(N-1)", source="gas"
    )
