"""Corrections of notebook 04: wIBI fits of u(r) to a measured g(r), on a potential of aluminium. Resumable, a folder a fit.

python notebooks/runs/aluminium_fits.py WORK --potential ani:FOLDER --target TABLES [--fits paper-1023 ibi-1023 …] [--out FILE]

TABLES is a folder of measured g(r) (see aluminium.EXPERIMENT), or results/04/targets.nc, the surrogate of aluminium_targets.py.

Zero pressure, 2 fs, 10 ps a generation. `paper-T` is eq. 1 with w = g*, `ibi-T` the same with w = 1; `newton-T` and `hnc-T` take Gauss–Newton
steps with the response as sampled and by HNC, `line-T` searches for the best α; `dense-T` is eq. 1 led to the measured density too, which the others are not told. `joint-943-1323` is one u for two
temperatures, `large-1023` one with 500 atoms and 10 Å.
Everything done so far in WORK, of any potential, goes into the file.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aluminium as al
import numpy as np
import xarray as xr
from scipy.signal import savgol_filter

import cg_data as cd
import cg_inverse as ci
from cg_inverse.methods.correction import Rule
from cg_inverse.problems.shell_basis import ShellBasis

ROUNDS = 15  # of the paper
ALPHA = 0.5  # of eq. 1
ENDS = (943, 1323)  # K: g of one experiment
JOINT = "joint-943-1323"
STEPS, SETTLE, MELTING = 5000, 500, 3000  # of a generation, counted and not, and of the first


@dataclass(frozen=True, slots=True)
class Plan:
    """A fit: at which temperatures, by which rule, w = 1 or g*, to the measured density or not, in which box."""

    temperatures: tuple[int, ...]
    rounds: int = 10
    rule: Rule = "paper"
    uniform: bool = False
    dense: bool = False
    atoms: int = 256
    reach: float = 8.0  # Å: of u, and of the g that is compared

    def control(self) -> ci.Control:
        return ci.Control(rounds=self.rounds, first_steps=STEPS, steps=STEPS, equilibration=SETTLE, melting=MELTING, stop_at_noise=False,
                          patience=self.rounds, seed=4)  # fmt: skip


def _plans() -> dict[str, Plan]:
    plans = {f"paper-{t}": Plan((t,), ROUNDS if t == 1023 else 10) for t in al.FITTED}
    plans |= {f"ibi-{t}": Plan((t,), ROUNDS, uniform=True) for t in al.FITTED}
    rules: dict[str, Rule] = {"newton": "imc", "hnc": "hnc", "line": "line"}
    plans |= {f"{name}-{t}": Plan((t,), 6, rule=rule) for name, rule in rules.items() for t in al.FITTED}
    plans |= {f"dense-{t}": Plan((t,), dense=True) for t in al.FITTED}
    plans[JOINT] = Plan(ENDS)
    plans["large-1023"] = Plan((1023,), 6, atoms=500, reach=10.0)
    return plans


PLANS = _plans()


def fitted(work: Path, potential: str, name: str, source: Path) -> ci.Fit:
    """Return a fit, gone on with if it was begun."""
    plan, folder = PLANS[name], work / al.kind(potential) / name
    if (folder / "progress.npz").exists():
        return ci.resume(folder, base=al.model(potential))
    return ci.wibi(
        [al.target(t, plan.reach, source) for t in plan.temperatures], plan.reach, base=al.model(potential), rule=plan.rule, alpha=ALPHA,
        weight="uniform" if plan.uniform else None, control=plan.control(), folder=folder,
        pressure=ci.FixedDensity() if plan.dense else None,
        simulation=ci.Simulation(particles=plan.atoms, runs=1, dt=al.DT, friction=al.FRICTION, sample_every=al.SAMPLED, barostat=al.BAROSTAT),
    )  # fmt: skip


def rounds_of(folder: Path, plan: Plan, grid: al.Array) -> xr.Dataset:
    """Return what a fit found, a row a round: u(r) on a grid and at the first of its temperatures g(r) and what it misses, `delta`."""
    h = xr.load_dataset(folder / "history.nc")
    first = h.isel(pair=0)
    shells_of_u = h.coefficients.values
    begins = round(float(h.r_u[0]) / al.WIDTH - 0.5)
    u = np.zeros((len(h.iteration), len(grid)))
    u[:, :begins], u[:, begins : begins + shells_of_u.shape[1]] = shells_of_u[:, :1], shells_of_u
    error = np.array([np.interp(grid, h.r_u.values, one, right=0.0) for one in first.u_stderr.values])
    shells = np.full((2, len(h.iteration), len(grid)), np.nan)
    count, delta = len(h.r), np.full((len(h.iteration), len(grid)), np.nan)
    delta[:, :count] = (first.g - first.g_target).isel(state=0).transpose("iteration", "r")
    shells[0, :, :count], shells[1, :, :count] = (np.asarray(first[name].isel(state=0).transpose("iteration", "r")) for name in ("g", "g_stderr"))  # fmt: skip
    return xr.Dataset(
        {
            "u": (("round", "r"), u), "delta": (("round", "r"), delta), "u_stderr": (("round", "r"), error), "g": (("round", "r"), shells[0]), "g_stderr": (("round", "r"), shells[1]),
            "residual": ("round", h.residual.values), "noise": ("round", h.noise.values), "chi2": ("round", h.chi2.values),
            "steps": ("round", h.steps.values.astype(float)), "seconds": ("round", h.seconds.values),
            "density": ("round", h.density_found.isel(state=0).values), "density_stderr": ("round", h.density_found_stderr.isel(state=0).values),
            "best": ((), int(h.attrs["best_iteration"])), "done": ((), len(h.iteration)), "reach": ((), plan.reach), "begins": ((), begins), "atoms": ((), plan.atoms),
        },
        {"round": np.arange(len(h.iteration))},
    )  # fmt: skip


def collected(work: Path) -> xr.Dataset:
    """Return all fits below a folder, by potential and name of the fit."""
    grid, found, labels = al.WIDTH * (np.arange(201) + 0.5), [], []
    for file in sorted(work.glob("*/*/history.nc")):
        kind, name = file.parts[-3:-1]
        found.append(rounds_of(file.parent, PLANS[name], grid))
        labels.append((kind, name))
    table = xr.concat(found, "fit", join="outer", coords="minimal", compat="override")
    kinds, names = zip(*labels, strict=True)
    return table.assign_coords(potential=("fit", list(kinds)), name=("fit", list(names)), r=("r", grid, {"units": "angstrom"})).assign_attrs(
        alpha=ALPHA, dt_fs=al.DT / al.FEMTOSECOND, settle_steps=SETTLE, seed=4, units_energy="eV", units_length="angstrom", target=al.EXPERIMENT,
        command="python notebooks/runs/aluminium_fits.py WORK --potential ani:FOLDER --target TABLES",
    )  # fmt: skip


def every(fits: xr.Dataset, kind: str, name: str) -> xr.Dataset:
    """Return all rounds of a fit."""
    row = fits.isel(fit=int(np.flatnonzero((fits.potential.values == kind) & (fits.name.values == name))[0]))
    return row.isel(round=slice(int(row.done)))


def best(fits: xr.Dataset, kind: str, name: str) -> xr.Dataset:
    """Return the round to believe of a fit."""
    row = every(fits, kind, name)
    return row.isel(round=int(row.best))


def goal(fits: xr.Dataset, kelvin: int) -> xr.DataArray:
    """Return the g(r) that potentials were corrected to at a temperature."""
    row = fits.isel(fit=int(np.flatnonzero(fits.name.values == f"paper-{kelvin}")[0]), round=0)
    return (row.g - row.delta).dropna("r")


def correction(row: xr.Dataset, smooth: int = 1) -> cd.PairTable:
    """Return u(r) of a round as simulations had it: Akima's spline through its shells, or through parabolas over `smooth` of them."""
    core, reach, begins = (float(row.r[int(row.begins)]), float(row.reach), int(row.begins))
    count = int((row.r.values[begins:] < reach).sum())
    u = row.u.values[begins : begins + count]
    return ShellBasis(core, reach, count, al.WIDTH).table(u if smooth < 5 else savgol_filter(u, smooth, 2))


def main(arguments: Sequence[str] | None = None) -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--potential", required=True)
    words.add_argument("--fits", nargs="*", default=[f"paper-{t}" for t in al.FITTED], choices=list(PLANS))
    words.add_argument("--target", type=Path, required=True, help="folder of tables, or targets.nc")
    words.add_argument("--out", type=Path, default=al.RESULTS / "fits.nc")
    options = words.parse_args(arguments)
    for name in options.fits:
        fit = fitted(options.work, options.potential, name, options.target)
        h = fit.history
        print(
            name,
            fit.reason,
            np.round(h.residual.values, 4),
            np.round(h.density_found.values.ravel() * al.GRAMS, 4),
            flush=True,
        )
        found = collected(options.work)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        found.to_netcdf(options.out, encoding={str(n): {"zlib": True} for n in found.data_vars if found[n].ndim > 1})


if __name__ == "__main__":
    main()
