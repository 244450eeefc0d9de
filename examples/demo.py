"""The main job in its shortest honest form: a target g(r), preflight, Boltzmann inversion, tables and a picture.

The target is the dilute limit of a known potential, g = e^{−U/kT}, where Boltzmann inversion is exact: so the
recovered curve can be compared with the truth. A dense liquid needs the iterations of cg-inverse.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

import cg_data as cd

FOLDER = Path("demo")
KT, DENSITY, CUTOFF = 1.0, 0.01, 2.5


def main() -> None:
    start = time.perf_counter()
    FOLDER.mkdir(exist_ok=True)
    truth = cd.LennardJones(cutoff=CUTOFF).force_shifted()
    r = np.linspace(0.0, 4.0, 401)[1:] - 0.005
    target = cd.make_target(r, 1 + cd.mayer_f(truth, r, kT=KT), density=DENSITY, kT=KT, source="dilute limit of LJ")
    cd.write_target(target, FOLDER / "target.csv")
    print(f"target     g(r) of Lennard-Jones in the dilute limit, kT = {KT}  → demo/target.csv")

    findings = cd.preflight(target, cutoff=CUTOFF)
    print(f"preflight  {len(findings)} finding(s)" + ("" if findings else ": nothing wrong or risky"))
    for finding in findings:
        print(f"           {finding}")

    again = cd.read_target(FOLDER / "target.csv")
    u0 = cd.boltzmann_inversion(again.g.sel(pair="A-A").values, kT=KT)
    seen = np.isfinite(u0) & (u0 < 20 * KT) & (r < CUTOFF)
    found = cd.cubic_spline(
        np.append(r[seen], CUTOFF), np.append(u0[seen], 0.0), slopes=(float(np.gradient(u0[seen], r[seen])[0]), 0.0)
    )
    table = found.table(2000)
    for engine, name in (("lammps", "lj.table"), ("gromacs", "lj.xvg"), ("hoomd", "lj.npz")):
        cd.write_table(table, FOLDER / name, format=engine)
        print(f"table      for {engine:8s} → demo/{name}")

    probe = np.linspace(0.9, CUTOFF, 500)[:-1]
    error = float(np.max(np.abs(table.energy(probe) - truth.energy(probe))))
    print(f"recovered  max |U − U_true| = {error:.1e} ε on [0.9, {CUTOFF}] σ; B₂ = {cd.b2(table, kT=KT):.4f} σ³, "
          f"true {cd.b2(truth, kT=KT):.4f}")  # fmt: skip
    cd.plot_target(again).savefig(FOLDER / "target.png")
    cd.plot_potentials({"true": truth, "Boltzmann inversion": table}).savefig(FOLDER / "potential.png")
    print(f"pictures   demo/target.png, demo/potential.png   ({time.perf_counter() - start:.1f} s)")


if __name__ == "__main__":
    main()
