"""A base potential, a liquid of it with a known pair potential added, and its g(r): shared by tests of corrections."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import xarray as xr

import cg_data as cd
import cg_inverse as ci
import cg_sim as cs

CUTOFF, DENSITY, PARTICLES, REACH = 5.5, 0.05, 256, 8.4  # Å, Å⁻³
UNITS = cd.Units("angstrom", "eV", "g/mol")
BASE = cd.LennardJones(epsilon=0.1, sigma=2.5, cutoff=CUTOFF).force_shifted()  # eV


def known(r):
    """Return the correction to be found [eV]: neighbors pushed out, attraction beyond them."""
    x = np.asarray(r, dtype=float)
    end = np.clip((CUTOFF - x) / 1.0, 0.0, 1.0)
    return (
        (0.05 * np.exp(-(((x - 2.9) / 0.35) ** 2)) - 0.02 * np.exp(-(((x - 4.1) / 0.5) ** 2))) * end**2 * (3 - 2 * end)
    )


def truth(scale: float = 1.0) -> cd.Potential:
    r = np.linspace(1.6, CUTOFF, 800)
    return cd.tabulated(r, BASE.energy(r) + scale * known(r))


@cache
def target(kT: float = 0.12, *, steps: int = 20_000, pair: tuple[str, str] = ("Al", "Al")) -> xr.Dataset:
    """Return g of the base with the known correction, by the CPU engine."""
    run = cs.simulate(
        cs.fcc(PARTICLES, DENSITY, composition={pair[0]: 1.0}, seed=3), {pair: truth()}, kT=kT, dt=0.03, steps=steps,
        equilibration=2000, observe=[cs.RDF(r_max=REACH, bins=140)], sample_every=20, units=UNITS, seed=1,
    )  # fmt: skip
    return cd.target(run.data)


SHORT = ci.Simulation(particles=PARTICLES, runs=1, threads=1, dt=0.03, sample_every=10)
CONTROL = ci.Control(rounds=4, steps=4000, first_steps=4000, melting=1000, equilibration=200, stop_at_noise=False,
                     patience=20, seed=5)  # fmt: skip


def fitted(rule="paper", *, rounds=4, base=BASE, simulation=SHORT, control=CONTROL, targets=None, **options):
    return ci.wibi(target(steps=4000) if targets is None else targets, CUTOFF, base=base, rule=rule, simulation=simulation,
                   control=replace(control, rounds=rounds), **options)  # fmt: skip
