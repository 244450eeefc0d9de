"""Make the targets in data/ with LAMMPS: `python tests/cg_inverse/make_targets.py [name …]`, 5 to 15 minutes each.

`python tests/cg_inverse/make_targets.py --pressure [name …]` measures the pressure, in a shorter run of its own.
"""

from __future__ import annotations

import sys
from importlib.metadata import version

from liquids import DATA, LIQUIDS, Liquid, target_of

import cg_data as cd
import cg_sim as cs

EVERY = 50  # steps between frames
PRESSURE_STEPS = 40_000


def make(name: str, liquid: Liquid) -> None:
    """Simulate one liquid and write its g(r), with what is needed to repeat it."""
    start = cs.fcc(liquid.particles, liquid.density, kT=liquid.kT, composition=liquid.composition, seed=liquid.seed)
    bins = round(liquid.r_max / liquid.width)
    run = cs.simulate(
        start, liquid.potential, kT=liquid.kT, steps=liquid.steps, equilibration=20_000, dt=liquid.dt,
        thermostat=cs.Langevin(0.5), observe=[cs.RDF(liquid.r_max, bins)], sample_every=EVERY,
        engine="lammps", seed=liquid.seed,
    )  # fmt: skip
    found = cd.target(run.data)
    kept = ("steps", "equilibration", "dt", "sample_every", "seed", "thermostat", "potential", "packages")
    attrs = {key: run.data.attrs[key] for key in kept}
    attrs |= {
        "source": f"LAMMPS ({name}, N = {liquid.particles}, {liquid.steps} steps)",
        "lammps": version("lammps"),
        "command": f"python tests/cg_inverse/make_targets.py {name}",
    }
    schema = {k: v for k, v in found.attrs.items() if k.startswith(("schema", "units", "normalization"))}
    found.attrs = schema | attrs
    DATA.mkdir(exist_ok=True)
    cd.save(found, DATA / f"{name}.nc")


def add_pressure(name: str, liquid: Liquid) -> None:
    """Write the mean virial pressure of LAMMPS and its error beside a target that is there."""
    start = cs.fcc(liquid.particles, liquid.density, kT=liquid.kT, composition=liquid.composition, seed=liquid.seed + 1)
    run = cs.simulate(
        start, liquid.potential, kT=liquid.kT, steps=PRESSURE_STEPS, equilibration=10_000, dt=liquid.dt,
        thermostat=cs.Langevin(0.5), observe=[cs.Pressure()], sample_every=20, engine="lammps", seed=liquid.seed + 1,
    )  # fmt: skip
    found = target_of(name)
    found.attrs |= {"pressure": float(run.data["pressure"]), "pressure_stderr": float(run.data["pressure_stderr"])}
    cd.save(found, DATA / f"{name}.nc")


if __name__ == "__main__":
    names = [name for name in sys.argv[1:] if name != "--pressure"]
    for name in names or LIQUIDS:
        (add_pressure if "--pressure" in sys.argv else make)(name, LIQUIDS[name])
