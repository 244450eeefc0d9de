"""Run VOTCA's inversions, with LAMMPS as the engine, and keep what a comparison needs in inversion/votca/.

`python benchmarks/inversion/votca_run.py [CASE …] [--scratch FOLDER]` runs lj_target, lj, spce_ibi, spce_imc and
spce_re in this order on one core; a folder that exists is taken up where it was left. The Lennard-Jones case is ours,
from votca/inputs/; the SPC/E cases are VOTCA's tutorials with shorter runs and fewer iterations.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
if str(HERE.parent) not in sys.path:
    sys.path.insert(0, str(HERE.parent))

import votca_peer  # noqa: E402
from inversion import votca_records as records  # noqa: E402
from inversion.votca_inputs import Lengths, use_lammps, write_lj_start, write_script, write_settings  # noqa: E402

KEPT = HERE / "votca"
INPUTS = KEPT / "inputs"
LJ = Lengths(10, 20_000, 50_000)
IBI = Lengths(10, 5_000, 20_000)
IMC = Lengths(3, 10_000, 90_000)
RE = Lengths(8, 2_000, 10_000)


def lj_target(scratch: Path) -> None:
    """Measure g(r) of the Lennard-Jones liquid, ρ = 0.7, kT = 1, with a long run of LAMMPS and csg_stat."""
    folder, environment = scratch / "lj_target", _environment(scratch)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(INPUTS / "lj_target.in", folder)
    if not (folder / "end.data").exists():
        _call(["lmp", "-in", "lj_target.in"], folder, environment)
    write_lj_start(folder)
    write_settings(INPUTS / "lj_settings.xml", folder / "settings.xml", max=records.LJ.r_max)
    if not list(folder.glob("LJ-LJ_*.dist.block")):
        _measure(folder, environment, "settings.xml", "lj.data", "dist.block", "--block-length", "250")
    records.keep_lj_target(folder, KEPT / "lj_0.7.csv")


def lj(scratch: Path, lengths: Lengths = LJ) -> None:
    """Iterate IBI on the Lennard-Jones target of `lj_target`."""
    folder = scratch / "lj"
    if not folder.exists():
        folder.mkdir(parents=True)
        write_lj_start(folder)
        records.votca_target(KEPT / "lj_0.7.csv", folder / "LJ-LJ.dist.tgt")
        write_script(INPUTS / "lj.in", folder / "lj.in", lengths)
        write_settings(INPUTS / "lj_settings.xml", folder / "settings.xml", iterations_max=lengths.iterations)
    _invert("lj", folder, scratch, records.LJ)


def spce_ibi(scratch: Path, lengths: Lengths = IBI) -> None:
    """Iterate IBI on VOTCA's SPC/E water at 300 K: tutorial spce/ibi_lammps."""
    _tutorial("spce_ibi", "ibi_lammps", scratch, lengths)


def spce_imc(scratch: Path, lengths: Lengths = IMC) -> None:
    """Iterate inverse Monte Carlo on the same water: tutorial spce/imc, with the engine of spce/ibi_lammps."""
    _tutorial("spce_imc", "imc", scratch, lengths)


def spce_re(scratch: Path, lengths: Lengths = RE) -> None:
    """Minimize the relative entropy for the same water: tutorial spce/re_lammps."""
    _tutorial("spce_re", "re_lammps", scratch, lengths)


def _tutorial(name: str, tutorial: str, scratch: Path, lengths: Lengths) -> None:
    votca_peer.prefix()
    folder, spce = scratch / name, votca_peer.tutorials() / "spce"
    if not folder.exists():
        folder.mkdir(parents=True)
        for needed in ("CG-CG.dist.tgt", "CG-CG.param.init"):
            if (spce / tutorial / needed).exists():
                shutil.copy(spce / tutorial / needed, folder)
        shutil.copy(spce / "ibi_lammps/spce.data", folder)
        write_script(spce / "ibi_lammps/spce.in", folder / "spce.in", lengths)
        settings = folder / "settings.xml"
        if "<lammps>" in (spce / tutorial / "settings.xml").read_text():
            shutil.copy(spce / tutorial / "settings.xml", settings)
        else:
            use_lammps(spce / tutorial / "settings.xml", spce / "ibi_lammps/settings.xml", settings)
        write_settings(settings, settings, iterations_max=lengths.iterations)
    _invert(name, folder, scratch, records.SPCE)


def _invert(name: str, folder: Path, scratch: Path, case: records.Case) -> None:
    """Run csg_inverse to its end; then measure g to beyond the cutoff in each iteration's trajectory, and keep all."""
    environment = _environment(scratch)
    _call(
        ["csg_inverse", "--options", "settings.xml"], folder, environment | {"VOTCA_TIMES": str(folder / "times.txt")}
    )
    topology = next(folder.glob("*.data")).name
    for step in records.iterations(folder):
        if not (step / f"{case.pair}.dist.wide").exists():
            write_settings(folder / "settings.xml", step / "wide.xml", max=case.r_max, min=0.0)
            _measure(step, environment, "wide.xml", topology, "dist.wide")
    records.keep_inversion(name, folder, case, KEPT, votca_peer.versions(environment))


def _measure(
    folder: Path, environment: Mapping[str, str], settings: str, topology: str, suffix: str, *options: str
) -> None:
    files = ["--options", settings, "--top", topology, "--trj", "traj.dump", "--ext", suffix]
    _call(["csg_stat", "--nt", "1", *files, *options], folder, environment)


def _environment(scratch: Path) -> dict[str, str]:
    """Return VOTCA's environment on one thread, where each program notes its seconds in the file $VOTCA_TIMES."""
    found = votca_peer.prefix()
    timed = scratch / "timed"
    timed.mkdir(parents=True, exist_ok=True)
    for program in ("lmp", "csg_stat", "csg_imc_solve", "csg_reupdate"):
        shim = timed / program
        shim.write_text(_SHIM.format(program=program, real=shutil.which(program, path=found["PATH"])))
        shim.chmod(0o755)
    path = os.pathsep.join([str(timed), found["PATH"]])
    return {**found, "PATH": path, "OMP_NUM_THREADS": "1", "VOTCA_TIMES": "/dev/null"}


_SHIM = """#!/bin/bash
begin=$EPOCHREALTIME
"{real}" "$@"
status=$?
echo "$(basename "$PWD") {program} $begin $EPOCHREALTIME" >> "$VOTCA_TIMES"
exit $status
"""


def _call(command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    """Run a program in `folder`, its output in a log there."""
    with (folder / f"{command[0]}.out").open("a") as log:
        found = subprocess.run(command, cwd=folder, env=dict(environment), stdout=log, stderr=subprocess.STDOUT)
    if found.returncode:
        raise RuntimeError(f"{' '.join(command)} failed in {folder}: see {command[0]}.out and inverse.log there")


CASES = {case.__name__: case for case in (lj_target, lj, spce_ibi, spce_imc, spce_re)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Run VOTCA's inversions and keep their results.")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"which of {', '.join(CASES)}; all if none is named")
    parser.add_argument("--scratch", type=Path, default=HERE.parent / ".env" / "votca-runs", help="where to work")
    given = parser.parse_args()
    unknown = set(given.cases) - set(CASES)
    if unknown:
        parser.error(f"no case {', '.join(sorted(unknown))}: there are {', '.join(CASES)}")
    for name in given.cases or CASES:
        CASES[name](given.scratch.resolve())


if __name__ == "__main__":
    main()
