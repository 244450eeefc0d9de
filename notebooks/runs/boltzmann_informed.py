"""The final networks of notebook 01, what they predict for every row, and the weights that cg-models ships.

python notebooks/runs/boltzmann_informed.py WORK [--runs liquids.nc] [--ship]

After `boltzmann_theory.py WORK` and `boltzmann_dense.py WORK`. Trains the informed networks and the paper's own final ones (UN/c→Bn, CN/f): on everything
but the test, a split by potentials; on four folds of that; and with the paper's split by rows. About half an hour of a core;
what is in WORK already is not done again. Writes notebooks/results/01/predictions.nc, with --ship also the weights.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import boltzmann_data as data
import numpy as np
import torch
import xarray as xr
from boltzmann_theory import counted_table, pretrained, theory_table
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import cg_data as cd
import cg_models
from cg_models.boltzmann.domain import Domain, of_distributions, of_potentials
from cg_models.boltzmann.ensembles import Epochs
from cg_models.boltzmann.informed_potential import InformedPotential
from cg_models.boltzmann.informed_pressure import InformedPressure, estimates
from cg_models.boltzmann.informed_training import learn_potential, learn_pressure
from cg_models.boltzmann.options import PotentialOptions, PressureOptions
from cg_models.boltzmann.potential import boltzmann_inverted
from cg_models.boltzmann.prediction import through
from cg_models.boltzmann.shipped import Ensemble, save_ensemble
from cg_models.boltzmann.table import LiquidTable, R
from cg_models.boltzmann.training import exhaust, fitted, inputs

MEMBERS, PRETRAINING, TUNING = 4, 16_000, 1200
PAPER = Epochs(steps=12_000, batch=64, rate=2e-3)
UN, CN, PLAIN = PressureOptions("UN", "c", "Bn"), PotentialOptions("CN", "f"), PotentialOptions("CN", "")
WEIGHTS = Path(cg_models.__file__).parent / "boltzmann" / "weights"


def kept(file: Path, models: list[nn.Module], train: Callable[[], list[nn.Module]]) -> list[nn.Module]:
    """Return models with the weights in a file; if it is not there, what `train` returns, and write it."""
    if file.exists():
        stored = load_file(file)
        for k, model in enumerate(models):
            model.load_state_dict({n.removeprefix(f"{k}."): x for n, x in stored.items() if n.startswith(f"{k}.")})
        return models
    found = train()
    draft = file.with_suffix(".draft")
    save_file(
        {f"{k}.{n}": x.detach().contiguous() for k, m in enumerate(found) for n, x in m.state_dict().items()}, draft
    )
    draft.replace(file)
    print(f"{file.stem} trained", flush=True)
    return found


def tuned(work: Path, name: str, runs: LiquidTable, members: range) -> list[nn.Module]:
    """Return informed networks g → U that learned of theory's liquids and then of the `runs`."""

    def train() -> list[nn.Module]:
        theory, models = counted_table(work), [pretrained(work, k, PRETRAINING) for k in members]
        for k, model in zip(members, models, strict=True):
            exhaust(learn_potential(model, theory, runs, steps=TUNING, rate=7e-4, decay=1e-2, seed=100 + k))
        return list(models)

    return kept(work / f"potential-{name}.safetensors", [InformedPotential(seed=k) for k in members], train)


def pressed(work: Path, name: str, runs: LiquidTable, told: Tensor, members: range) -> list[nn.Module]:
    """Return informed networks U → P."""

    def train() -> list[nn.Module]:
        models = [InformedPressure(seed=k) for k in members]
        for k, model in zip(members, models, strict=True):
            exhaust(learn_pressure(model, runs, told, seed=k))
        return list(models)

    return kept(work / f"pressure-{name}.safetensors", [InformedPressure(seed=k) for k in members], train)


def papers(
    work: Path, name: str, options: PressureOptions | PotentialOptions, table: LiquidTable, rows: Tensor
) -> list[nn.Module]:
    """Return the paper's final networks, trained on some rows."""
    weights = rows.float().repeat(MEMBERS, 1)
    file = work / f"{options.name.replace('/', '-').replace('→', '-')}-{name}.safetensors"
    return kept(file, fitted(options, table, weights, Epochs(steps=0)), lambda: fitted(options, table, weights, PAPER))


def told(work: Path, runs: Path, potentials: Mapping[str, cd.Potential]) -> Tensor:
    """Return what theories say of the pressure of every liquid of a campaign."""
    file = work / f"estimates-{runs.stem}.npz"
    known = dict(np.load(file)) if file.exists() else {}
    with xr.open_dataset(runs) as opened:
        chosen = opened.isel(row=opened["kind"].values == 0)
        rows = [(str(n), float(x)) for n, x in zip(chosen["potential"].values, chosen["density"].values, strict=True)]
    for name, density in rows:
        if f"{name}@{density}" not in known:
            known[f"{name}@{density}"] = estimates(potentials[name], density)
    np.savez(file, **known)
    return torch.tensor(np.array([known[f"{n}@{x}"] for n, x in rows]), dtype=torch.float32)


def chained(work: Path, name: str, u: Tensor, g: Tensor, density: Tensor) -> Tensor:
    """Return what theories say of the pressure of predicted potentials."""
    file = work / f"chained-{name}.npy"
    if not file.exists():
        rows = zip(u.double().numpy(), g.double().numpy(), density.tolist(), strict=True)
        found = [estimates(through(x, y), rho) for x, y, rho in rows]
        np.save(file, np.array(found))
    return torch.tensor(np.load(file), dtype=torch.float32)


def mean(models: list[nn.Module], *given: Tensor) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        found = torch.stack([m(*given) for m in models])
    return found.mean(dim=0), found.std(dim=0, correction=1) if len(models) > 1 else torch.zeros_like(found[0])


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--runs", type=Path, default=data.LIQUIDS)
    words.add_argument("--out", type=Path, default=data.RESULTS / "predictions.nc")
    words.add_argument("--ship", action="store_true")
    options = words.parse_args()
    torch.set_num_threads(1)
    work, table = options.work, data.table(options.runs)
    given, more = told(work, options.runs, data.potentials()), data.dense()
    given_more = told(work, data.RESULTS / "dense.nc", data.potentials(**data.DENSE))
    test, by_row = data.of_test(table.potential, by_row=False), data.of_test(table.potential, by_row=True)
    out = data.left_out(table.potential, test, by_row=False)
    everyone = range(MEMBERS)

    def solvers_of(name: str, rows: Tensor) -> list[nn.Module]:
        return pressed(work, name, table[rows].with_rows(more), torch.cat([given[rows], given_more]), everyone)

    def inverters_of(name: str, rows: Tensor, members: range) -> list[nn.Module]:
        return tuned(work, name, table[rows].with_rows(more), members)

    predicted: dict[str, Tensor] = {"pressure": table.pressure, "pressure_stderr": table.pressure_stderr,
                                    "density": table.density, "potential": table.potential, "p0": table.estimate,
                                    "best_theory": given[:, 0], "test": test, "test_by_row": by_row}  # fmt: skip
    curves = {"u": table.u, "g": table.g, "g_stderr": table.g_stderr, "u0": boltzmann_inverted(table.g)}
    final = inverters_of("final", ~test, everyone)
    curves["u_informed"], curves["u_informed_stderr"] = mean(final, table.g, table.gamma, table.density)
    solvers = solvers_of("final", ~test)
    predicted["p_informed"], predicted["p_informed_stderr"] = mean(solvers, table.u, table.density, given)
    again = chained(work, "final", curves["u_informed"], table.g, table.density)
    predicted["p_chained"], _ = mean(solvers, curves["u_informed"], table.density, again)

    paper_cn = papers(work, "final", CN, table, ~test)
    curves["u_paper"], curves["u_paper_stderr"] = mean(paper_cn, *inputs(CN, table))
    curves["u_plain"], _ = mean(papers(work, "final", PLAIN, table, ~test), *inputs(PLAIN, table))
    paper_un = papers(work, "final", UN, table, ~test)
    predicted["p_paper"], predicted["p_paper_stderr"] = mean(paper_un, *inputs(UN, table))
    predicted["p_paper_chained"], _ = mean(
        paper_un, (curves["u_paper"].clamp(max=20) / 20)[:, None], table.density, table.estimate
    )

    of_folds = {"u_informed": torch.zeros_like(table.u), "p_informed": torch.zeros_like(table.pressure)}
    for k, fold in enumerate(out):
        rows = ~fold & ~test
        of_folds["u_informed"][fold] = mean(
            inverters_of(f"fold-{k}", rows, range(1)), table.g[fold], table.gamma[fold], table.density[fold]
        )[0]
        found = solvers_of(f"fold-{k}", rows)
        of_folds["p_informed"][fold] = mean(found, table.u[fold], table.density[fold], given[fold])[0]
    curves["u_informed_folds"], predicted["p_informed_folds"] = of_folds["u_informed"], of_folds["p_informed"]

    curves["u_informed_by_row"] = mean(inverters_of("by-row", ~by_row, range(1)), table.g, table.gamma, table.density)[
        0
    ]
    found = solvers_of("by-row", ~by_row)
    predicted["p_informed_by_row"] = mean(found, table.u, table.density, given)[0]
    curves["u_paper_by_row"] = mean(papers(work, "by-row", CN, table, ~by_row), *inputs(CN, table))[0]
    predicted["p_paper_by_row"] = mean(papers(work, "by-row", UN, table, ~by_row), *inputs(UN, table))[0]

    rows = {name: ("row", x.numpy()) for name, x in predicted.items()}
    rows |= {name: (("row", "r"), x.numpy().astype(np.float32)) for name, x in curves.items()}
    results = xr.Dataset(rows, {"r": ("r", R, {"units": "sigma"})}, {"members": MEMBERS, "tuning": TUNING})
    results.to_netcdf(options.out, encoding={name: {"zlib": True, "complevel": 9} for name in rows})
    if options.ship:
        ship(
            final, solvers, paper_cn, paper_un, table[~test].with_rows(more).with_rows(theory_table(work)), table[~test]
        )


def ship(
    final: list[nn.Module],
    solvers: list[nn.Module],
    cn: list[nn.Module],
    un: list[nn.Module],
    everything: LiquidTable,
    runs: LiquidTable,
) -> None:
    """Write the weights into the package."""
    about = {
        "made_by": "notebooks/runs/boltzmann_informed.py",
        "liquids": f"{len(runs)} of molecular dynamics, {len(everything) - len(runs)} by theory",
    }
    alone = about | {"liquids": f"{len(runs)} of molecular dynamics"}
    WEIGHTS.mkdir(exist_ok=True)
    for name, models, domain, words in (
        ("informed-potential", final, Domain.of(of_distributions(everything.g), everything.density), about),
        ("informed-pressure", solvers, Domain.of(of_potentials(everything.u), everything.density), about),
        ("CN-f", cn, Domain.of(of_distributions(runs.g), runs.density), alone),
        ("UN-c-Bn", un, Domain.of(of_potentials(runs.u), runs.density), alone),
    ):  # fmt: skip
        save_ensemble(Ensemble(models, domain, words), WEIGHTS / f"{name}.safetensors")  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
