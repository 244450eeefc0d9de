"""More of what the campaign of notebook 01 has little of, liquids of high pressure: to learn from, never to be tested on; resumable.

python notebooks/runs/boltzmann_dense.py WORK [--workers 2]

Random splines of another seed at ρ = 1 for which the hypernetted chain has a solution with P > 40 kT/σ³. A quarter of an hour
of a core. Writes notebooks/results/01/dense.nc.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import boltzmann_data as data
import numpy as np

import cg_data as cd
import cg_sim as cs
from cg_sim.campaign.liquids import Liquids
from cg_sim.campaign.sources import Chosen, Splines

SOURCE = Splines(**data.DENSE)
DENSITY, LEAST = 1.0, 40.0
_NEAR = 0.5 * LEAST  # of the pressure without correlations: below, the chain is not asked


def chosen(work: Path) -> tuple[int, ...]:
    """Return the numbers of the potentials, looked for once."""
    file = work / "dense.npy"
    if not file.exists():
        np.save(file, [k for k, u in enumerate(SOURCE.potentials().values()) if _presses(u)])
    return tuple(int(k) for k in np.load(file))


def _presses(potential: cd.Potential) -> bool:
    r = np.linspace(0.8, max(potential.cutoff, 0.81), 300)
    if DENSITY + 2 * np.pi * DENSITY**2 * np.trapezoid(np.clip(potential.energy(r), -20, 20) * r**2, r) < _NEAR:
        return False
    found = cd.liquid_theory(potential, DENSITY, iterations=600)
    return found.solved and found.pressure > LEAST


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--workers", type=int, default=2)
    words.add_argument("--out", type=Path, default=data.RESULTS / "dense.nc")
    options = words.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    liquids = Liquids(Chosen(SOURCE, chosen(options.work)), (DENSITY,))
    store = liquids.campaign(options.work / "dense.zarr")
    tally = cs.campaign.run(
        store, liquids, workers=options.workers, report=lambda t: print(t.there, "of", t.rows, flush=True)
    )
    if tally.failures:
        raise SystemExit(str(tally.failures))
    cs.campaign.write_collected(options.work / "dense.zarr", options.out)


if __name__ == "__main__":
    main()
