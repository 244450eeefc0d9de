"""What limits the paper's CN/f: noise of g, or how many potentials it has seen. Resumable.

python notebooks/runs/boltzmann_limits.py WORK [--steps 30000] [--workers 2]

Liquids by theory at the campaign's densities, so that noise and number can be chosen: as many as the campaign
has, exact and as counted, then more of them; and the campaign itself by potentials and by rows. Errors of potentials that were not
learned from. A quarter of an hour of a core for the liquids, five minutes for each case. Writes notebooks/results/01/limits.nc.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import boltzmann_data as data
import boltzmann_figures as figures
import numpy as np
import torch
from boltzmann_theory import SEEDS, theory_table

import cg_data as cd
import cg_sim as cs
from cg_models.boltzmann.counting_noise import noisy
from cg_models.boltzmann.ensembles import Epochs
from cg_models.boltzmann.options import PotentialOptions
from cg_models.boltzmann.potential import curve_errors
from cg_models.boltzmann.table import LiquidTable
from cg_models.boltzmann.theory_liquids import CAMPAIGN
from cg_models.boltzmann.training import fitted, inputs

CN = PotentialOptions("CN", "f")
HELD = 500  # liquids by theory to be tested with
SOME = SEEDS[:5]  # of theory's liquids: enough at the campaign's densities
CASES = (("campaign, by potential", 0), ("campaign, by row", 0), ("theory, exact", 750), ("theory, as counted", 750),
         ("theory, exact", 2000))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """CN/f of one of the cases."""

    work: Path
    runs: Path
    steps: int

    def campaign(self, path: Path) -> cd.Campaign:
        columns = {"case": [c for c, _ in CASES], "liquids": [n for _, n in CASES], "steps": [self.steps] * len(CASES)}
        number = ((), (), "float64", "kT")
        parts = [f"{score}_{part}" for part in ("learned", "held") for score in ("median", "mean", "delta")]
        return cd.Campaign.create(path, columns, dict.fromkeys(parts, number))

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        torch.set_num_threads(1)
        table, learned = self._divided(str(row["case"]), int(row["liquids"]))
        model = fitted(CN, table, learned.float()[None], Epochs(steps=self.steps, batch=64, rate=1e-3))[0]
        with torch.no_grad():
            errors = curve_errors(model(*inputs(CN, table)), table.u)[0].double().numpy()
        found = {}
        for part, which in (("learned", learned.numpy()), ("held", ~learned.numpy())):
            each = errors[which]
            found |= {
                f"median_{part}": np.median(each),
                f"mean_{part}": each.mean(),
                f"delta_{part}": figures.decay(each)[0],
            }
        return found

    def _divided(self, case: str, liquids: int) -> tuple[LiquidTable, torch.Tensor]:
        """Return rows and which of them are learned from."""
        if case.startswith("campaign"):
            table = data.table(self.runs)
            return table, ~data.of_test(table.potential, by_row="row" in case)
        theory = theory_table(self.work, SOME)
        of_campaign = (theory.density[:, None] - torch.tensor(CAMPAIGN)).abs().amin(dim=1) < 1e-4
        rows = torch.where(of_campaign)[0]
        table = theory[torch.cat([rows[:liquids], rows[-HELD:]])]
        if liquids + HELD > len(rows):
            raise ValueError(
                f"theory has {len(rows)} liquids at the densities of the campaign, {liquids + HELD} are asked for"
            )
        return (noisy(table, seed=7) if "counted" in case else table), torch.arange(len(table)) < liquids


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--runs", type=Path, default=data.LIQUIDS)
    words.add_argument("--steps", type=int, default=30_000)
    words.add_argument("--workers", type=int, default=2)
    words.add_argument("--out", type=Path, default=data.RESULTS / "limits.nc")
    options = words.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    theory_table(options.work, SOME)
    limits = Limits(options.work, options.runs, options.steps)
    store = limits.campaign(options.work / f"limits-{options.steps}.zarr")
    tally = cs.campaign.run(
        store, limits, workers=options.workers, report=lambda t: print(t.there, "of", t.rows, flush=True)
    )
    if tally.failures:
        raise SystemExit(str(tally.failures))
    found = store.dataset().drop_vars("done")
    for k in range(found.sizes["row"]):
        row = found.isel(row=k)
        print(f"{row.case.values!s:24s} {int(row.liquids):6d}  " + ", ".join(f"{n} {float(row[n]):.4f}" for n in found.data_vars if "_" in str(n)))  # fmt: skip
    found.to_netcdf(options.out)


if __name__ == "__main__":
    main()
