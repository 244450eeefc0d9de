"""The benzene of benzene_force_field.py in LAMMPS: the same energies and forces, by another program.

python notebooks/runs/benzene_lammps.py WORK

After benzene_reference.py. Prints how the two differ on the last frame of WORK, relative to the energy and to the usual force on a molecule.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import openmm as mm
from benzene_force_field import ATOMS, CHARGES, EPSILON, KCAL, MASSES, SIGMA, Molecule, system
from openmm import unit

Array = npt.NDArray[np.float64]
_CUTOFF = 1.0  # nm
_SCRIPT = """
import json, sys
from cg_sim.engines.lammps_library import open_lammps
lmp = open_lammps()
lmp.file(sys.argv[1])
energies = {name: lmp.get_thermo(name) for name in ("pe", "evdwl", "ecoul", "elong", "emol")}
forces = lmp.gather_atoms("f", 1, 3)
print(json.dumps({"energies": energies, "forces": [float(f) for f in forces]}))
"""
_INPUT = """units real
atom_style full
bond_style harmonic
angle_style harmonic
dihedral_style charmm
pair_style lj/cut/coul/long {cutoff} {cutoff}
pair_modify mix arithmetic tail no
special_bonds lj 0 0 0.5 coul 0 0 0.8333333333333333
kspace_style pppm 1e-7
read_data {data}
thermo_style custom step pe evdwl ecoul elong emol
thermo_modify norm no
run 0 post no
"""
_JOULES = 138.935456 / 4.184 / 33.206371  # of the charge's unit: LAMMPS has another constant in `units real`


def data_file(x: Array, edge: float) -> str:
    """Return positions [nm], charges and who is bound to whom as LAMMPS reads them."""
    molecules = len(x) // ATOMS
    terms: dict[str, tuple[Sequence[Sequence[int]], Sequence[int]]] = {
        "Bonds": (Molecule.bonds, [1 if b < 6 else 2 for _, b in Molecule.bonds]),
        "Angles": (Molecule.bends(), [2 if c >= 6 else 1 for _, _, c in Molecule.bends()]),
        "Dihedrals": ([*Molecule.torsions(), *Molecule.impropers()], [1] * len(Molecule.torsions()) + [2] * 6),
    }
    charge = CHARGES * _JOULES**0.5
    lines = ["benzene", "", f"{len(x)} atoms", *(f"{len(t) * molecules} {n.lower()}" for n, (t, _) in terms.items()), "2 atom types",
             "2 bond types", "2 angle types", "2 dihedral types", "", *(f"0 {10 * edge} {k}lo {k}hi" for k in "xyz"), "",
             "Masses", "", f"1 {MASSES[0]}", f"2 {MASSES[6]}", "", "Pair Coeffs", "",
             *(f"{k + 1} {EPSILON[6 * k] / KCAL} {10 * SIGMA[6 * k]}" for k in (0, 1)), "", "Bond Coeffs", "", "1 469 1.40", "2 367 1.08", "",
             "Angle Coeffs", "", "1 63 120", "2 35 120", "", "Dihedral Coeffs", "", "1 3.625 2 180 0", "2 1.1 2 180 0", "", "Atoms", ""]  # fmt: skip
    for k, at in enumerate(10 * x):
        place = " ".join(f"{v:.10f}" for v in at % (10 * edge))
        lines.append(f"{k + 1} {k // ATOMS + 1} {1 if k % ATOMS < 6 else 2} {charge[k % ATOMS]:.12f} {place}")
    for name, (each, kinds) in terms.items():
        lines += ["", name, ""]
        rows = [(kind, [m * ATOMS + a + 1 for a in term]) for m in range(molecules) for term, kind in zip(each, kinds, strict=True)]  # fmt: skip
        lines += [f"{n + 1} {kind} " + " ".join(map(str, atoms)) for n, (kind, atoms) in enumerate(rows)]
    return "\n".join(lines) + "\n"


def by_lammps(x: Array, edge: float) -> tuple[float, Array]:
    """Return U [kJ/mol] and forces (atom, 3) [kJ/mol/nm]."""
    with tempfile.TemporaryDirectory() as folder:
        data, commands = Path(folder) / "data", Path(folder) / "in"
        data.write_text(data_file(x, edge))
        commands.write_text(_INPUT.format(cutoff=10 * _CUTOFF, data=data))
        ran = subprocess.run([sys.executable, "-c", _SCRIPT, str(commands)], capture_output=True, text=True)
        if ran.returncode:
            raise RuntimeError(ran.stdout[-500:] + ran.stderr[-500:])
    found = json.loads(ran.stdout.splitlines()[-1])
    return KCAL * found["energies"]["pe"], np.reshape(found["forces"], (-1, 3)) * KCAL * 10


def by_openmm(x: Array, edge: float) -> tuple[float, Array]:
    """Return U [kJ/mol] and forces (atom, 3) [kJ/mol/nm], C–H bonds as springs and nothing beyond the cutoff."""
    made = system(len(x) // ATOMS, edge, cutoff=_CUTOFF)
    for k in reversed(range(made.getNumConstraints())):
        made.removeConstraint(k)
    for force in made.getForces():
        if isinstance(force, mm.HarmonicBondForce):
            for first in range(0, len(x), ATOMS):
                for a, b in Molecule.bonds:
                    if b >= 6:
                        force.addBond(first + a, first + b, 0.108, 2 * 367 * KCAL * 100)
        if isinstance(force, mm.NonbondedForce):
            force.setUseDispersionCorrection(False)
            force.setEwaldErrorTolerance(1e-6)
    context = mm.Context(made, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
    context.setPositions(x)
    state = context.getState(energy=True, forces=True)
    return (state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole),
            state.getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer))  # fmt: skip


def differences(x: Array, edge: float) -> tuple[float, float]:
    """Return by how much energies and forces differ at most, relative to the energy and to the usual force on a molecule."""
    (u, f), (v, g) = by_openmm(x, edge), by_lammps(x, edge)
    usual = f.reshape(-1, ATOMS, 3).sum(axis=1).std()
    return abs(u - v) / abs(u), float(np.abs(f - g).max() / usual)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    part = np.load(sorted(words.parse_args().work.glob("part-????.npz"))[-1])
    print("U differs by {:.1e}, forces by {:.1e}".format(*differences(part["x"].astype(float), float(part["edge"]))))


if __name__ == "__main__":
    main()
