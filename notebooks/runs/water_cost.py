"""What a step of water costs with atoms and with beads on the same engine, how it grows up to 32 768 beads, and how energies drift; notebook 05.

python notebooks/runs/water_cost.py WORK [--molecules 64 512 4096 32768] [--picoseconds 10] [--out …/05]

After water_beads.py. A campaign of rows, each kept when it is done. Cost is processor time of one thread per step of ASE's Langevin, by the difference
of a long and a short run: what is done once does not count. `large` are atoms whose network has the sizes of deepmd-kit's example, with
weights at random and steps so short that nothing moves, which cost does not depend on. Drift is the slope of U + K in NVE after 1 ps of thermostat, with steps of
0.5 fs of atoms, 1 and 4 fs of beads. Writes cost.nc.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import water
import water_reference as reference
import water_structure as structure
import water_trajectory as trajectory
import xarray as xr

import cg_data as cd
import cg_models as cm
import cg_sim as cs

STEPS = {"atoms": 0.5, "large": 1e-4, "frame": 4.0, "smooth": 4.0}  # fs, where cost is measured
DRIFTING = [("atoms", 0.5), ("frame", 1.0), ("smooth", 1.0), ("frame", 4.0), ("smooth", 4.0)]
SAMPLES = 100
RESULTS: dict[str, Any] = {
    "seconds_per_step": ((), (), "float64", "s"), "spread": ((), (), "float64", "s"), "drift": ((), (), "float64", "eV/ps per molecule"),
    "drift_stderr": ((), (), "float64", "eV/ps per molecule"), "fluctuation": ((), (), "float64", "eV per molecule"),
    "energy": (("sample",), (SAMPLES,), "float64", "eV per molecule"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cost:
    """Measures one row: the cost of a step, or the drift of the energy over some ps."""

    results: Path
    picoseconds: float = 10.0
    seconds: float = 2.0  # of the shorter run of a pair, about
    seed: int = 3

    def system(self, kind: str, molecules: int) -> tuple[cs.State, Any]:
        """Return a state with velocities, and its calculator."""
        one, atoms = structure.start_of(self.results), kind in ("atoms", "large")
        if atoms and molecules != one.n:
            raise ValueError("the cost of atoms is measured in the box of DFT")
        model = cm.load_deep(self.results / ("reference.safetensors" if atoms else f"beads-{kind}.safetensors"))
        copies = 1 if atoms else structure.copies_of(molecules, one.n)
        state = trajectory.start_of(self.results) if atoms else structure.start_of(self.results, copies)
        return state.with_velocities(water.KT, self.seed), cm.calculator(larger(model) if kind == "large" else model)

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        kind, molecules, step = str(row["kind"]), int(row["molecules"]), float(row["step"])
        nothing: dict[str, Any] = dict.fromkeys(RESULTS, np.nan) | {"energy": np.full(SAMPLES, np.nan)}
        state, calc = self.system(kind, molecules)
        match str(row["what"]):
            case "cost":
                return nothing | self.cost(state, calc, step)
            case "drift":
                return nothing | self.drift(state, calc, step, molecules)
            case what:
                raise ValueError(f"a row is cost or drift, got {what!r}")

    def cost(self, state: cs.State, calc: Any, step: float) -> dict[str, Any]:
        """Return the median and the spread of three measurements."""

        def spent(steps: int) -> float:
            began = time.process_time()
            self.run(state, calc, step, steps, cs.Langevin(water.FRICTION), sample_every=steps)
            return time.process_time() - began

        spent(1)
        few = max(2, round(2 * self.seconds / max(spent(2), 1e-6)))
        found = [(spent(2 * few) - spent(few)) / few for _ in range(3)]
        return {"seconds_per_step": float(np.median(found)), "spread": float(np.ptp(found))}

    def drift(self, state: cs.State, calc: Any, step: float, molecules: int) -> dict[str, Any]:
        """Return the slope of U + K with its error by blocks, and what is left beside it."""
        settled = self.run(state, calc, step, round(1000 / step), cs.Langevin(water.FRICTION), sample_every=100).state
        every = every_of(self.picoseconds, step)
        run = self.run(settled, calc, step, every * SAMPLES, cs.NVE(), sample_every=every, frames_every=every)
        frames = run.trajectory
        assert frames is not None
        kinetic = 0.5 * (frames.mass * frames.velocity**2).sum(["particle", "axis"]).values
        total = (frames.energy.values + kinetic) / molecules
        ps = every * step / 1000 * np.arange(len(total))
        line = np.polynomial.Polynomial.fit(ps, total, 1).convert()
        parts = [
            np.polynomial.Polynomial.fit(t, e, 1).convert().coef[1]
            for t, e in zip(np.array_split(ps, 5), np.array_split(total, 5), strict=True)
        ]
        return {"drift": float(line.coef[1]), "drift_stderr": float(water.stderr(parts)), "fluctuation": float(np.std(total - line(ps))),
                "energy": total - total[0]}  # fmt: skip

    def run(self, state: cs.State, calc: Any, step: float, steps: int, thermostat: Any, **more: Any) -> cs.Run:
        return cs.simulate(state, calc, kT=water.KT, dt=step * water.FEMTOSECOND, steps=steps, thermostat=thermostat, engine="ase",
                           seed=self.seed, units=water.UNITS, **more)  # fmt: skip


def larger(model: cm.StoredDeep) -> cm.StoredDeep:
    """Return a model of the same atoms with the sizes of deepmd-kit's example and weights at random."""
    untaught, known = reference.model("deepmd", seed=0), model.potential.environments
    for name in ("mean", "radial", "angular"):
        getattr(untaught.environments, name).copy_(getattr(known, name))
    return replace(model, potential=untaught)


def every_of(picoseconds: float, step: float) -> int:
    """Return after how many steps of fs the energy of a run of so many ps is kept."""
    return max(1, round(1000 * picoseconds / step / SAMPLES))


def plan(results: Path, molecules: Sequence[int]) -> dict[str, list[Any]]:
    """Return the rows: costs of atoms and of beads, then drifts in the box of DFT."""
    one = structure.start_of(results).n
    rows = [("cost", kind, one, STEPS[kind]) for kind in ("atoms", "large")]
    rows += [("cost", kind, n, STEPS[kind]) for kind in ("frame", "smooth") for n in molecules]
    rows += [("drift", kind, one, step) for kind, step in DRIFTING]
    return dict(zip(("what", "kind", "molecules", "step"), map(list, zip(*rows, strict=True)), strict=True))


def main(arguments: Sequence[str] | None = None) -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--molecules", nargs="+", type=int, default=[64, 512, 4096, 32768])
    words.add_argument("--picoseconds", type=float, default=10.0, help="of NVE")
    words.add_argument("--seconds", type=float, default=2.0, help="of a measurement of cost, about")
    words.add_argument("--out", type=Path, default=water.RESULTS)
    options = words.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    store = cd.Campaign.create(options.work / "cost.zarr", plan(options.out, options.molecules), RESULTS)
    measure = Cost(options.out, options.picoseconds, options.seconds)
    tally = cs.campaign.run(store, measure, report=lambda t: print(t.there, "of", t.rows, flush=True))
    if tally.failures:
        raise SystemExit(str(tally.failures))
    found: xr.Dataset = store.dataset().reset_coords()
    command = f"python notebooks/runs/water_cost.py WORK --picoseconds {options.picoseconds:g}"
    water.written(found, options.out / "cost.nc", command=command, seed=measure.seed, nve_ps=options.picoseconds)
    print(found.drop_vars("energy").drop_dims("sample", errors="ignore").to_dataframe().to_string())


if __name__ == "__main__":
    main()
