"""What a network's U saves an iterative method: fits of potentials that no network saw, from three starts, resumable.

python notebooks/runs/boltzmann_starts.py WORK [--potentials 66] [--workers 2]

Random splines of other seeds, at the four densities in turn, those of which the hypernetted chain has a solution; targets of
N = 1000 and 20 000 steps. Each is fitted by IBI and by HNCN from Boltzmann inversion, from theory and from the network, until
the residual is noise, 12 rounds at most. Writes notebooks/results/01/starts.nc.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import boltzmann_data as data
import numpy as np

import cg_data as cd
import cg_inverse as ci
import cg_models as cm
import cg_sim as cs

DENSITIES = (0.125, 0.244, 0.512, 1.0)
SEEDS, LOOKED_AT = (77, 78), 600
LEAST = 2.0  # σ: of cutoffs; below, a hard core leaves too little to fit
STARTS = ("boltzmann", "theory", "network")
METHODS = {"ibi": ci.ibi, "hncn": ci.hncn}
TARGET = cs.campaign.Liquid(least=20_000, most=20_000)
CONTROL = ci.Control(rounds=12, steps=4000, first_steps=4000, seed=5)


@cache
def splines() -> list[cd.Potential]:
    """Return potentials that no network saw."""
    return [potential for seed in SEEDS for potential in data.potentials(LOOKED_AT, None, seed).values()]


@dataclass(frozen=True, slots=True)
class Starts:
    """Fits of some held-out liquids."""

    potentials: int
    work: Path

    def chosen(self) -> list[tuple[int, float]]:
        """Return potentials and densities that theory holds for liquids."""
        found = list[tuple[int, float]]()
        for number, potential in enumerate(splines()):
            density = DENSITIES[len(found) % len(DENSITIES)]
            if potential.cutoff > LEAST and cd.liquid_theory(potential, density, iterations=300).solved:
                found.append((number, density))
            if len(found) == self.potentials:
                return found
        raise ValueError(f"only {len(found)} of {len(splines())} potentials are liquids")

    def campaign(self) -> cd.Campaign:
        rows = list(product(self.chosen(), METHODS, STARTS))
        columns = {"spline": [r[0][0] for r in rows], "density": ([r[0][1] for r in rows], "sigma^-3"),
                   "method": [r[1] for r in rows], "start": [r[2] for r in rows]}  # fmt: skip
        number, rounds = ((), (), "float64", ""), (("round",), (CONTROL.rounds,), "float64", "")
        results = {"liquid": ((), (), "bool", ""), "refused": ((), (), "bool", ""), "at_noise": ((), (), "bool", ""),
                   "rounds": ((), (), "int64", ""), "evaluations": number, "seconds": number, "error": number,
                   "start_error": number, "residual": rounds, "chi2": rounds}  # fmt: skip
        return cd.Campaign.create(self.work / "starts.zarr", columns, results)

    def target(self, spline: int, density: float) -> Mapping[str, Any]:
        """Return what a simulation of the potential gave, made once."""
        file = self.work / f"target-{spline}-{density}.npz"
        if not file.exists():
            found = cs.campaign.measured(splines()[spline], density=density, kT=1.0, seed=spline, liquid=TARGET)
            draft = file.with_suffix(f".{os.getpid()}.npz")
            np.savez(draft, **found)
            draft.replace(file)
        return dict(np.load(file))

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        spline, density, start = int(row["spline"]), float(row["density"]), str(row["start"])
        potential, known = splines()[spline], self.target(spline, density)
        nothing = np.full(CONTROL.rounds, np.nan)
        empty = {"liquid": False, "refused": False, "at_noise": False, "rounds": 0, "evaluations": np.nan, "seconds": np.nan,
                 "error": np.nan, "start_error": np.nan, "residual": nothing, "chi2": nothing}  # fmt: skip
        if int(known["kind"]) != 0:
            return empty
        target = cd.make_target(TARGET.r, known["g"], density=density, kT=1.0, g_stderr=known["g_stderr"],
                                particles=int(known["particles"]), normalization="N(N-1)")  # fmt: skip
        if any(finding.level == "error" for finding in cd.preflight(target, cutoff=potential.cutoff)):
            return empty  # as a peak inside a barrier, which looks like a bond
        began = time.process_time()
        try:
            found = METHODS[str(row["method"])](
                target, cutoff=potential.cutoff, initial=None if start == "boltzmann" else start, control=CONTROL,  # type: ignore[arg-type]
                simulation=ci.Simulation(threads=1, runs=1, precision="double"),
            )  # fmt: skip
        except cm.OutsideDomain:
            return {**empty, "liquid": True, "refused": True}
        history = found.history
        done = history.sizes["iteration"]
        padded = {
            n: np.pad(history[n].values, (0, CONTROL.rounds - done), constant_values=np.nan)
            for n in ("residual", "chi2")
        }
        r = TARGET.r[(known["g"] > 0.05) & (TARGET.r < potential.cutoff)]
        first = history["u"].isel(iteration=0, pair=0)
        off = [float(np.mean(np.abs(u - potential.energy(r)))) for u in
               (np.interp(r, history["r_u"], first), found.potential["A", "A"].energy(r))]  # fmt: skip
        return {**padded, "liquid": True, "refused": False, "at_noise": "noise" in found.reason, "rounds": done,
                "evaluations": float(history["force_evaluations"].sum()), "seconds": time.process_time() - began,
                "error": off[1], "start_error": off[0]}  # fmt: skip


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--potentials", type=int, default=66)
    words.add_argument("--workers", type=int, default=2)
    words.add_argument("--out", type=Path, default=data.RESULTS / "starts.nc")
    options = words.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    work = Starts(options.potentials, options.work)
    store = work.campaign()
    tally = cs.campaign.run(
        store, work, workers=options.workers, report=lambda t: print(t.there, "of", t.rows, flush=True)
    )
    if tally.failures:
        raise SystemExit(str(tally.failures))
    found = store.dataset()
    found.to_netcdf(options.out, encoding={str(n): {"zlib": True} for n in found.data_vars if found[n].ndim})


if __name__ == "__main__":
    main()
