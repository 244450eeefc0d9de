"""Beads of water on their own: g(r), angles at four cutoffs, q̄4 and q̄6 of 64 and 512 beads beside the atoms, for notebook 05; resumable.

python notebooks/runs/water_structure.py WORK [--kinds frame smooth frame-corrected smooth-corrected] [--beads 64 512] [--blocks 10 6] [--picoseconds 50 20] [--step 4] [--out …/05]

After water_beads.py, and water_corrected.py for the models that it corrects. Langevin dynamics with τ = 0.1 ps as the paper's, from a frame of DFT, in blocks; each begins where the last ended and is kept, and
errors are of blocks. A first block is left out. Masses are those of molecules, which structure does not depend on. Writes structure.nc.
A model that beads break down with is reported, and the others go on.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import water
import water_beads
import xarray as xr

import cg_data as cd
import cg_models as cm
import cg_sim as cs

SAMPLED = 25  # steps: 0.1 ps
MODELS = (*water_beads.KINDS, *(f"{kind}-corrected" for kind in water_beads.KINDS))


def start_of(results: Path, copies: int = 1) -> cs.State:
    """Return the oxygens of a frame of DFT as beads, in so many copies along each axis."""
    known = xr.load_dataset(results / "reference.nc")
    x, edge = known.start.values[known.type.values.astype(str) == "O"], float(known.edge)
    shifts = np.array(list(np.ndindex(copies, copies, copies))) * edge
    return cs.State((shifts[:, None] + x).reshape(-1, 3), copies * edge, masses=water.BEAD, names=("O",))


def copies_of(beads: int, one: int) -> int:
    """Return how many copies along each axis make so many beads of `one`.

    >>> copies_of(512, 64)
    2
    """
    copies = round((beads / one) ** (1 / 3))
    if copies**3 * one != beads:
        raise ValueError(f"{beads} beads are no cube of copies of {one}: try {one * max(1, copies) ** 3}")
    return copies


def model_of(results: Path, kind: str) -> cm.StoredDeep | cm.StoredBeads:
    """Return the model of beads of a kind: a deep potential, or what water_schnet.py has taught."""
    file = results / f"beads-{kind}.safetensors"
    return cm.load_beads(file) if kind == "schnet" else cm.load_deep(file)


@dataclass(frozen=True, slots=True)
class Structure:
    """One model with so many beads, in blocks of ps with steps of fs."""

    work: Path
    results: Path
    kind: str
    beads: int
    picoseconds: float = 50.0
    step: float = 4.0
    seed: int = 7

    def file(self, block: int) -> Path:
        return self.work / f"{self.kind}-{self.beads}-{block:03d}.nc"

    def before(self, block: int) -> cs.State:
        """Return the state that a block begins with."""
        if block:
            return cs.final_state(cd.load(self.file(block - 1)))
        one = start_of(self.results)
        return start_of(self.results, copies_of(self.beads, one.n)).with_velocities(water.KT, self.seed)

    def make(self, block: int) -> bool:
        """Make a block if it is not there; return if it was made."""
        if self.file(block).exists():
            return False
        model, state, began = model_of(self.results, self.kind), self.before(block), time.process_time()
        run = cs.simulate(
            state, cm.calculator(model), kT=water.KT, dt=self.step * water.FEMTOSECOND, steps=round(1000 * self.picoseconds / self.step),
            thermostat=cs.Langevin(water.FRICTION), observe=water.observables(float(state.box[0, 0])), sample_every=SAMPLED,
            engine="ase", seed=self.seed, units=water.UNITS,
        )  # fmt: skip
        data = run.data.assign_attrs(seconds=time.process_time() - began)
        cs.Run(data, run.state).save(self.file(block))
        return True

    def complete(self, blocks: int) -> bool:
        """Make all blocks that are not there, one to begin with and those that count; return False where beads broke down."""
        try:
            for block in range(blocks + 1):
                if self.make(block):
                    print(f"{self.kind}, {self.beads} beads: block {block} of {blocks}", flush=True)
        except cs.BlowUp as error:
            print(f"{self.kind}, {self.beads} beads broke down: {error}", flush=True)
            return False
        return True

    def found(self) -> xr.Dataset:
        """Return means over blocks but the first, with errors."""
        files = sorted(self.work.glob(f"{self.kind}-{self.beads}-*.nc"))[1:]
        blocks = [cd.load(file) for file in files]
        kelvin = np.array([float(b.temperature) for b in blocks]) / water.ase_units.kB
        seconds = sum(float(b.attrs["seconds"]) for b in blocks)
        return water.averaged(blocks).assign(
            kelvin=kelvin.mean(), kelvin_stderr=float(water.stderr(kelvin)), seconds=seconds
        )


def collected(work: Path, results: Path, rows: Sequence[tuple[str, int]]) -> xr.Dataset:
    """Return the curves of models and sizes that have run, a row each; g ends where the smaller box does."""
    found = [Structure(work, results, kind, beads).found() for kind, beads in rows]
    whole = xr.concat(found, "row", join="outer", combine_attrs="drop_conflicts")
    return whole.assign_coords(kind=("row", [k for k, _ in rows]), beads=("row", [n for _, n in rows]))


def beside_atoms(found: xr.Dataset, results: Path) -> xr.Dataset:
    """Return the largest differences of every row from the atomistic run, with their standard errors."""
    atoms = xr.load_dataset(results / "trajectory.nc")
    made: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    for name, dims in water.CURVES.items():
        pairs = [
            water.largest_difference(found.isel(row=k).dropna("r"), atoms, name) for k in range(found.sizes["row"])
        ]
        for what, values in zip(
            (f"{name}_difference", f"{name}_difference_stderr"), zip(*pairs, strict=True), strict=True
        ):
            made[what] = (("row", *dims), np.array(values))
    return found.assign(made)


def in_words(found: xr.Dataset) -> str:
    """Return the differences, a line each."""
    return "\n".join(
        f"{int(found.beads[k])} beads, row {k}, {name}: {np.round(found[f'{name}_difference'].values[k], 4)}"
        for name in water.CURVES for k in range(found.sizes["row"])
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--kinds", nargs="+", choices=MODELS, default=list(MODELS))
    words.add_argument("--beads", nargs="+", type=int, default=[64, 512])
    words.add_argument(
        "--blocks",
        nargs="+",
        type=int,
        default=[10, 6],
        help="beside the first, which is left out, for each number of beads",
    )
    words.add_argument(
        "--picoseconds", nargs="+", type=float, default=[50.0, 20.0], help="of a block, for each number of beads"
    )
    words.add_argument("--step", type=float, default=4.0, help="fs")
    words.add_argument("--out", type=Path, default=water.RESULTS)
    options = words.parse_args(arguments)
    if not len(options.picoseconds) == len(options.blocks) == len(options.beads):
        words.error("--picoseconds and --blocks: one for each number of beads")
    plan = dict(zip(options.beads, zip(options.picoseconds, options.blocks, strict=True), strict=True))
    water.claimed(options.work, step_fs=options.step)
    whole = []
    for kind, beads in product(options.kinds, options.beads):
        picoseconds, blocks = plan[beads]
        if Structure(options.work, options.out, kind, beads, picoseconds, options.step).complete(blocks):
            whole.append((kind, beads))
    if not whole:
        raise SystemExit("no model has run to its end")
    found = beside_atoms(collected(options.work, options.out, whole), options.out)
    told = (" ".join(f"{x:g}" for x in row) for row in (options.picoseconds, options.blocks))
    command = "python notebooks/runs/water_structure.py WORK --picoseconds {} --blocks {}".format(*told)
    water.written(
        found,
        options.out / "structure.nc",
        picoseconds=options.picoseconds,
        step_fs=options.step,
        command=command,
        seed=7,
    )
    print(in_words(found))


if __name__ == "__main__":
    main()
