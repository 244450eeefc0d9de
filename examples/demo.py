"""The main job in its shortest honest form: from the g(r) of a liquid back to the potential it was made with.

A Lennard-Jones liquid is simulated for its g(r); then HNC-Gauss–Newton finds the potential from g(r) alone, and is
compared with the truth. `cg-inverse hncgn demo/target.nc --cutoff 2.5` does the same from a shell.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np

import cg_data as cd
import cg_inverse as ci
import cg_sim as cs

FOLDER = Path("demo")
KT, DENSITY, CUTOFF = 1.0, 0.5, 2.5


def main() -> None:
    start = time.perf_counter()
    shutil.rmtree(FOLDER / "run", ignore_errors=True)
    FOLDER.mkdir(exist_ok=True)
    truth = cd.LennardJones(cutoff=CUTOFF).force_shifted()
    liquid = cs.fcc(n=864, density=DENSITY)
    print("target     simulating a Lennard-Jones liquid …", flush=True)
    run = cs.simulate(liquid, truth, kT=KT, steps=30_000, equilibration=5_000, observe=[cs.RDF(r_max=4.0, bins=160)],
                      precision="single", seed=1)  # fmt: skip
    target = cd.target(run.data).assign_attrs(source="Lennard-Jones liquid")
    cd.save(target, FOLDER / "target.nc")
    print(f"           g(r) at density {DENSITY}, kT = {KT}  → demo/target.nc   ({time.perf_counter() - start:.0f} s)")

    for finding in cd.preflight(target, cutoff=CUTOFF):
        print(f"preflight  {finding}")

    print("fit        D = 4πρ∫r²(g − g*)²dr, how much of it is noise, χ² per shell", flush=True)
    control = ci.Control(rounds=8, steps=40_000)
    fit = ci.hncgn(target, CUTOFF, control=control, folder=FOLDER / "run", progress=show)
    print(f"           {fit.reason}")

    r = np.linspace(0.95, CUTOFF, 200)[:-1]
    u, known = fit.potential["A", "A"].energy(r), truth.energy(r)
    probe = np.array([1.0, 1.12, 1.3, 1.5, 2.0])
    print("recovered     r      U found   U true")
    for x, found, true in zip(probe, np.interp(probe, r, u), np.interp(probe, r, known), strict=True):
        print(f"           {x:5.2f}  {found:9.3f}  {true:8.3f}")
    print(f"           largest |U − U true| = {np.max(np.abs(u - known)[r > 1.0]):.3f} ε beyond σ")
    print("tables     demo/run/A-A.table (LAMMPS), A-A.xvg (GROMACS), A-A.npz (HOOMD), A-A.csv")
    print(f"picture    demo/run/fit.png   ({time.perf_counter() - start:.0f} s in all)")
    print("next       cg-inverse report demo/run     simulates anew and writes the potential's transfer card")


def show(step: ci.Step, _: object) -> None:
    found = step.judgement
    print(f"  round {step.number + 1}: D = {found.residual:.4f} ({found.noise:.4f}), χ² = {found.chi2:5.2f}, "
          f"P = {step.samples[0].pressure:.3f}, {step.order.steps} steps in {step.seconds:.1f} s", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
