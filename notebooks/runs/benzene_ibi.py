"""The baseline of structure in notebook 02: pair potentials by iterative inversion of benzene's g(r) of centers of mass, resumable.

python notebooks/runs/benzene_ibi.py WORK [--frames 2000] [--rounds 24] [--steps 64000] [--check 100000] [--folder notebooks/results/02] [--out …/ibi.nc]

After benzene_beads.py. IBI and Gauss–Newton with the response of the hypernetted chain, each free and held at 1 atm, in the atomistic box;
then ten blocks from other random numbers under each potential: g, virial pressure, D. What is compared with the atoms comes from these.
Errors are of blocks. WORK keeps every round; of other settings it wants to be another folder. Writes notebooks/results/02/ibi.nc.
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

import benzene_beads as beads
import numpy as np
import numpy.typing as npt

import cg_data as cd
import cg_inverse as ci
import cg_sim as cs

Array = npt.NDArray[np.float64]
METHODS = {"ibi": ci.ibi, "hncgn": ci.hncgn}
CONDITIONS = ("free", "1 atm")
KT = cd.thermal_energy(300.0, "kcal/mol")
PICOSECOND = 1e-12 / beads.UNITS.seconds()
ATMOSPHERE = 101325e-30 * 6.02214076e23 / 4184  # kcal/mol/Å³
CUTOFF, WIDTH = 12.0, 0.05  # Å: of U and of what is compared; of shells
U_R = np.arange(3.0, CUTOFF + 0.01, 0.025)  # Å
BLOCKS, SAMPLED, SEED = 10, 40, 11  # of frames and of the check; steps between its samples
DT, TAU = 0.005 * PICOSECOND, 1.0 * PICOSECOND  # of the check, whose velocities are rescaled so weakly that D is free
SETTLING = 4000  # steps before each block
HALF_WINDOW = 0.75  # Å around the maximum: where a polynomial is put through the first peak, which is flat

MEASURED = {"peak_position": "angstrom", "peak_height": "1", "pressure": "atm", "diffusion": "angstrom^2/ps", "largest_difference": "1"}  # fmt: skip
SINGLE = MEASURED | {f"{name}_stderr": unit for name, unit in MEASURED.items()} | {
    "largest_difference_at": "angstrom", "largest_noise": "1", "mean_squared_difference": "1", "mean_squared_noise": "1", "core": "angstrom",
    "evaluations": "1", "fit_seconds": "s", "check_seconds": "s",
}  # fmt: skip
CURVES = {"g": ("r", "1"), "g_stderr": ("r", "1"), "u": ("r_u", "kcal/mol"), "u_stderr": ("r_u", "kcal/mol"), "residual": ("round", "1"),
          "chi2": ("round", "1"), "round_steps": ("round", "1"), "round_pressure": ("round", "atm"), "round_pressure_stderr": ("round", "atm")}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Atoms:
    """What the atomistic run says: g (block, r), and a state of beads to start from."""

    r: Array
    g: Array
    state: cs.State

    @property
    def target(self) -> Any:
        return cd.make_target(self.r, self.g.mean(axis=0), density=self.state.density, kT=KT, g_stderr=stderr(self.g),
                              particles=self.state.n, normalization="N(N-1)", units=beads.UNITS, source="atoms")  # fmt: skip


@cache
def known(folder: Path, frames: int) -> Atoms:
    """Return what the beads of a folder give, up to half the box."""
    stored = beads.read("beads-1", folder).isel(frame=slice(frames))
    if stored.sizes["frame"] < frames:
        raise ValueError(f"{folder} holds {stored.sizes['frame']} frames of beads, not {frames}: say --frames")
    edge = float(stored.box.values.flat[0])
    bins = int(0.5 * edge / WIDTH)
    blocks = np.array_split(np.arange(stored.sizes["frame"]), BLOCKS)
    found = [cs.measure(stored.isel(frame=b), [cs.RDF(bins * WIDTH, bins)]) for b in blocks]
    state = cs.State(stored.position.values[-1], edge, masses=stored.mass.values)
    return Atoms(found[0].r.values, np.array([f.g.values[0] for f in found]), state)


def stderr(blocks: npt.ArrayLike) -> Array:
    """Return the standard error of a mean over blocks."""
    values = np.asarray(blocks)
    return np.asarray(values.std(axis=0, ddof=1) / np.sqrt(len(values)))


def first_peak(r: Array, g: Array) -> Array:
    """Return position [length] and height of the maximum of g, of a polynomial of 4th degree around it.

    >>> r = np.arange(0.05, 10, 0.1)
    >>> first_peak(r, 1 + np.exp(-((r - 5.72) ** 2))).round(2)
    array([5.72, 2.  ])
    """
    smooth = np.convolve(g, np.ones(7) / 7, "same")
    middle = r[np.argmax(smooth * (r < r[-4]))]
    near = np.abs(r - middle) < HALF_WINDOW
    curve = np.polynomial.Polynomial.fit(r[near], g[near], 4)
    fine = np.linspace(middle - 0.5 * HALF_WINDOW, middle + 0.5 * HALF_WINDOW, 2001)
    at = fine[np.argmax(curve(fine))]
    return np.array([at, curve(at)])


def peak(r: Array, g: Array) -> dict[str, float]:
    """Return the first peak of g (block, r), with errors by leaving out each block in turn."""
    n = len(g)
    place, height = first_peak(r, g.mean(axis=0))
    without = np.array([first_peak(r, np.delete(g, k, axis=0).mean(axis=0)) for k in range(n)])
    errors = np.sqrt((n - 1) * without.var(axis=0))
    return {"peak_position": place, "peak_position_stderr": errors[0], "peak_height": height, "peak_height_stderr": errors[1]}  # fmt: skip


def compared(atoms: Atoms, g: Array) -> dict[str, float]:
    """Return how far g (block, r) is from that of the atoms up to the cutoff, and how far by noise alone, of shells one by one."""
    inside = atoms.r < CUTOFF
    difference = (g.mean(axis=0) - atoms.g.mean(axis=0))[inside]
    sigma = np.hypot(stderr(g), stderr(atoms.g))[inside]
    worst = int(np.argmax(np.abs(difference)))
    drawn = np.abs(np.random.default_rng(SEED).normal(size=(2000, len(sigma))) * sigma)
    return {"largest_difference": abs(difference[worst]), "largest_difference_stderr": sigma[worst],
            "largest_difference_at": atoms.r[inside][worst], "largest_noise": drawn.max(axis=1).mean(),
            "mean_squared_difference": np.mean(difference**2), "mean_squared_noise": np.mean(sigma**2)}  # fmt: skip


def checked(potential: cd.Interactions, atoms: Atoms, steps: int, seed: int) -> dict[str, Any]:
    """Return g (block, r), pressures [atm] and D [Å²/ps] of blocks of an independent run."""
    state, found, bins = atoms.state, [], len(atoms.r)
    for k in range(BLOCKS):
        run = cs.simulate(
            state, potential, kT=KT, dt=DT, steps=steps, equilibration=SETTLING, thermostat=cs.Bussi(TAU), sample_every=SAMPLED,
            observe=[cs.RDF(bins * WIDTH, bins), cs.Pressure(), cs.MSD(lags=100, remove_drift=True)],
            seed=seed + k, precision="single", units=beads.UNITS,
        )  # fmt: skip
        state = run.state
        found.append(run.data)
    return {"g": np.array([f.g.values[0] for f in found]), "pressure": np.array([float(f.pressure) for f in found]) / ATMOSPHERE,
            "diffusion": np.array([float(f.diffusion) for f in found]) * PICOSECOND}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fits:
    """Fits of one target, a row each."""

    work: Path
    folder: Path
    frames: int = 2000
    rounds: int = 24
    steps: int = 64_000
    check: int = 100_000

    def campaign(self) -> cd.Campaign:
        rows = list(product(METHODS, CONDITIONS))
        columns = {"inversion": [m for m, _ in rows], "condition": [c for _, c in rows]}
        columns |= {name: [getattr(self, name)] * len(rows) for name in ("frames", "rounds", "steps", "check")}
        sizes = {"r": len(known(self.folder, self.frames).r), "r_u": len(U_R), "round": self.rounds}
        results: dict[str, Any] = {name: ((), (), "float64", unit) for name, unit in SINGLE.items()}
        results |= {name: ((dim,), (sizes[dim],), "float64", unit) for name, (dim, unit) in CURVES.items()}
        results |= {"rounds_done": ((), (), "int64", "1"), "best_round": ((), (), "int64", "1"), "at_noise": ((), (), "bool", "")}  # fmt: skip
        return cd.Campaign.create(self.work / "fits.zarr", columns, results)

    def fitted(self, method: str, condition: str) -> ci.Fit:
        """Return a fit, gone on with if it was begun."""
        atoms, kept = known(self.folder, self.frames), self.work / f"{method}-{condition.replace(' ', '-')}"
        if (kept / "progress.npz").exists():
            return ci.resume(kept)
        return METHODS[method](
            atoms.target, cutoff=CUTOFF, folder=kept, pressure=None if condition == "free" else ci.FixedPressure(ATMOSPHERE),
            control=ci.Control(rounds=self.rounds, steps=self.steps, seed=SEED),
            simulation=ci.Simulation(particles=atoms.state.n, mass=float(atoms.state.masses[0]), runs=1, threads=1),
        )  # fmt: skip

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        method, condition = str(row["inversion"]), str(row["condition"])
        atoms, began = known(self.folder, self.frames), time.process_time()
        fit = self.fitted(method, condition)
        history, kept = fit.history.isel(state=0, pair=0), chosen(fit, condition)
        potential = fit.problem.basis.potential(history.coefficients.values[kept])
        middle = time.process_time()
        found = checked(potential, atoms, self.check, SEED + 1000)
        means = {name: values.mean(axis=0) for name, values in found.items()}
        errors = {f"{name}_stderr": stderr(values) for name, values in found.items()}
        done = history.sizes["iteration"]

        def padded(values: Any) -> Array:
            return np.pad(np.asarray(values, dtype=float), (0, self.rounds - done), constant_values=np.nan)

        return means | errors | peak(atoms.r, found["g"]) | compared(atoms, found["g"]) | {
            "u": potential["A", "A"].energy(U_R), "u_stderr": np.interp(U_R, history.r_u, history.u_stderr[kept], left=np.nan),
            "core": fit.problem.basis.splines[0].core, "residual": padded(history.residual), "chi2": padded(history.chi2),
            "round_steps": padded(history.steps), "round_pressure": padded(history.pressure / ATMOSPHERE),
            "round_pressure_stderr": padded(history.pressure_stderr / ATMOSPHERE), "rounds_done": done, "best_round": kept,
            "at_noise": "noise" in fit.reason, "evaluations": float(history.force_evaluations.sum()),
            "fit_seconds": middle - began, "check_seconds": time.process_time() - middle,
        }  # fmt: skip


def chosen(fit: ci.Fit, condition: str) -> int:
    """Return the round to believe: of the longest ones, at the pressure if it is held, that of the lowest excess residual."""
    h = fit.history.isel(state=0, pair=0)
    excess = (h.residual - h.noise).where(h.steps == h.steps.max(), np.inf).values
    if condition != "free":
        off = np.abs(h.pressure.values - ATMOSPHERE) > 3 * h.pressure_stderr.values
        excess = np.where(off & ~off.all(), np.inf, excess)
    return int(np.argmin(excess))


def collected(fits: Fits, store: cd.Campaign) -> Any:
    """Return all fits by inversion and condition, beside the atoms."""
    atoms = known(fits.folder, fits.frames)
    found = store.dataset().reset_coords(drop=True).drop_vars(["frames", "rounds", "steps", "check", "done"], errors="ignore")  # fmt: skip
    found = found.set_index(row=["inversion", "condition"]).unstack("row")
    own = {name: ((), value, {"units": "angstrom" if "position" in name else "1"})
           for name, value in peak(atoms.r, atoms.g).items()}  # fmt: skip
    own |= {"g": ("r", atoms.g.mean(axis=0), {"units": "1"}), "g_stderr": ("r", stderr(atoms.g), {"units": "1"})}
    return (
        found.assign({f"atoms_{name}": value for name, value in own.items()})
        .assign_coords(r=("r", atoms.r, {"units": "angstrom"}), r_u=("r_u", U_R, {"units": "angstrom"}))
        .assign_attrs(
            molecules=atoms.state.n, edge=atoms.state.volume ** (1 / 3), kT=KT, cutoff=CUTOFF, width=WIDTH, compared_below=CUTOFF, seed=SEED,
            blocks=BLOCKS, frames=fits.frames, rounds=fits.rounds, steps=fits.steps, check=fits.check, dt_fs=DT / PICOSECOND * 1000,
            diffusion_thermostat="velocity rescaling, 1 ps: free motion, of this box", normalization="N(N-1)",
            packages=f"cg-sim {cs.__version__}, cg-inverse {ci.__version__}",
            command="python notebooks/runs/benzene_ibi.py WORK",
        )
    )  # fmt: skip


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--frames", type=int, default=2000)
    words.add_argument("--rounds", type=int, default=24, help="of a fit, at most")
    words.add_argument("--steps", type=int, default=64_000, help="of a round, at most")
    words.add_argument("--check", type=int, default=100_000, help="steps of each of the ten blocks that are compared")
    words.add_argument("--folder", type=Path, default=beads.RESULTS, help="where the beads are")
    words.add_argument("--out", type=Path, default=beads.RESULTS / "ibi.nc")
    options = words.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    fits = Fits(options.work, options.folder, options.frames, options.rounds, options.steps, options.check)
    store = fits.campaign()
    tally = cs.campaign.run(store, fits, report=lambda t: print(t.there, "of", t.rows, flush=True))
    if tally.failures:
        raise SystemExit(str(tally.failures))
    found = collected(fits, store)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    found.to_netcdf(options.out, encoding={str(n): {"zlib": True} for n in found.data_vars if found[n].ndim > 1})
    shown = ["largest_difference", "largest_noise", "mean_squared_difference", "mean_squared_noise", "peak_position", "peak_height", "pressure", "pressure_stderr", "diffusion",
             "rounds_done", "fit_seconds", "check_seconds"]  # fmt: skip
    print(found[shown].to_dataframe().T.to_string())


if __name__ == "__main__":
    main()
