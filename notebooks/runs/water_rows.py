"""The closing table of notebook 05: the quantities of paper 05 beside what the water_*.py runs have found.

What has not run, or has broken down, has a row as well, without a number. Errors of shares ½ ∫|Δ| are what noise alone makes of them: 0 is not reached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import water
import water_beads
import water_deviation
import water_figures as figures
import water_structure
import xarray as xr
from closing_table import Row

KINDS, SIZES = water_beads.KINDS, (64, 512)
MODELS = water_structure.MODELS  # with those that pairs correct
MILLI = 1000.0
CLOSE, SHARE, FASTER = 0.05, 0.993, 20.0  # what is aimed for: max |Δg|, deviations below 50 meV/Å, atoms over beads
VIBRATIONS = (
    2500,
    2500,
    1210,
    400,
    400,
    400,
)  # cm⁻¹: of liquid D₂O, by infrared spectra; three more ways to move are slow
LINEAR = 0.1  # of an exponent
ATOMS = {"atoms": "atoms", "large": "atoms with the network of deepmd-kit's example (25-50-100, 240-240-240)"}
_REFERENCE, _TRAJECTORY, _STRUCTURE = (f"notebooks/runs/water_{n}.py WORK" for n in ("reference", "trajectory", "structure"))  # fmt: skip
_COST, _IBI, _SCHNET = (f"notebooks/runs/water_{n}.py WORK" for n in ("cost", "ibi", "schnet"))


def row(quantity: str, paper: str, ours: float | None, beat: str, reached: bool, error: float | None = None, **more: Any) -> Row:  # fmt: skip
    """Return a row; what is no finite number is none, and is not reached."""
    number, off = (None if x is None or not np.isfinite(x) else float(x) for x in (ours, error))
    return Row(quantity, paper, number, beat, bool(reached) and number is not None, off, **more)


def told(table: xr.Dataset | None, command: str) -> dict[str, Any]:
    """Return how results were made, as far as they say."""
    if table is None:
        return {"command": f"python {command}"}
    minutes = float(table.attrs["seconds"]) / 60 if "seconds" in table.attrs else table.attrs.get("minutes")
    return {
        "command": str(table.attrs["command"]),
        "seed": str(table.attrs.get("seed", "0")),
        "minutes": None if minutes is None else float(minutes),
    }


def picked(structure: xr.Dataset | None, **known: object) -> xr.Dataset | None:
    """Return the row of which all this is known, if it has run."""
    try:
        return None if structure is None else figures.of(structure, **known)
    except KeyError:
        return None


def off(found: xr.Dataset | None, atoms: xr.Dataset, name: str, **at: object) -> tuple[float, float]:
    """Return max |Δ| of a curve from the atoms' and its standard error; nan of what has not run."""
    if found is None:
        return np.nan, np.nan
    one, other = (water.angular(table).sel(at) for table in (found, atoms))
    value, error = water.largest_difference(one, other, name)
    return float(value), float(error)


def misplaced(found: xr.Dataset | None, atoms: xr.Dataset, name: str, **at: object) -> tuple[float, float]:
    """Return ½ ∫|Δ| of a distribution, the share that is elsewhere than the atoms' is, and what noise alone makes of it; nan of what has not run."""
    if found is None:
        return np.nan, np.nan
    one, other = (water.angular(table).sel(at) for table in (found, atoms))
    (along,) = one[name].dims
    width = float(np.diff(one[along].values).mean())
    noise = np.hypot(one[f"{name}_stderr"].values, other[f"{name}_stderr"].values)
    apart = np.abs(one[name].values - other[name].values)
    return 0.5 * width * float(apart.sum()), 0.5 * width * float(np.sqrt(2 / np.pi) * noise.sum())


def of_momenta(step: float) -> float:
    """Return the temperature [K] of momenta that BAOAB leaves with steps of fs where positions have theirs: 1 − (ωΔt)²/4 of a vibration's.

    >>> round(of_momenta(0.5), 1), round(of_momenta(1.0), 1)
    (328.8, 325.3)
    """
    turns = 2 * np.pi * 2.99792458e-5 * step * np.array(VIBRATIONS)  # ωΔt
    return water.KELVIN * (1 - float(np.sum(turns**2 / 4)) / 9)


def of_reference(reference: xr.Dataset, atoms: xr.Dataset) -> list[Row]:
    """Return errors of the atomistic model, and how its oxygens differ from those of DFT."""
    how, moved, momenta = (
        told(reference, _REFERENCE),
        told(atoms, _TRAJECTORY),
        of_momenta(float(atoms.attrs.get("step_fs", 0.5))),
    )
    found = [
        row("atomistic model: force error on held-out DFT frames, meV/Å", "not printed", MILLI * reference.attrs["held_out_force_rmse"], "stated", True, unit="meV/angstrom", **how),
        row("atomistic model: energy error on held-out DFT frames, meV/atom", "not printed", MILLI * reference.attrs["held_out_energy_rmse"], "stated", True, unit="meV per atom", **how),
        row("atomistic model: temperature of momenta, K", "330", atoms.attrs["kelvin_measured"], f"{momenta:.0f}: BAOAB's, whose positions are at 330", abs(atoms.attrs["kelvin_measured"] - momenta) < max(1.0, 4 * atoms.attrs["kelvin_stderr"]), atoms.attrs["kelvin_stderr"], unit="K", **moved),
    ]  # fmt: skip
    known = water.dft_of(atoms)
    value, error = off(known, atoms, "g")
    return [*found, row("atomistic model: max |Δg| from DFT", "almost perfect (fig. 3)", value, f"≤ {CLOSE} or its noise", value <= max(CLOSE, 3 * error), error, **moved)]  # fmt: skip


def of_pairs(atoms: xr.Dataset, structure: xr.Dataset | None, sizes: Sequence[int] = SIZES) -> list[Row]:
    """Return how g(r) of beads differs from that of the atoms."""
    rows = []
    for kind in MODELS:
        for n in sizes:
            value, error = off(picked(structure, kind=kind, beads=n), atoms, "g")
            rows.append(row(f"{figures.NAMES[kind]}, {n} beads: max |Δg| from the atoms", "0.05–0.1 (fig. 3)", value, f"≤ {CLOSE}", value <= CLOSE, error, **told(structure, _STRUCTURE)))  # fmt: skip
    return rows


def of_more(atoms: xr.Dataset, structure: xr.Dataset | None, ibi: xr.Dataset | None, sizes: Sequence[int] = SIZES) -> list[Row]:  # fmt: skip
    """Return how angles at every cutoff and q̄4, q̄6 of beads differ from those of the atoms, beside what pairs alone make of them."""
    rows = []
    curves = [("p", "adf_cutoff", c, f"O–O–O angles within {c:g} Å: ½ ∫|ΔP|dθ", "fig. 4") for c in atoms.adf_cutoff.values]  # fmt: skip
    curves += [("steinhardt", "l", l, f"q̄{l}: ½ ∫|Δ| of its density", "fig. 5") for l in atoms.l.values]
    for name, dim, at, label, paper in curves:
        for kind in MODELS:
            for n in sizes:
                value, error = misplaced(picked(structure, kind=kind, beads=n), atoms, name, **{dim: at})
                alone, _ = misplaced(picked(ibi, beads=n), atoms, name, **{dim: at})
                beat = "stated" if np.isnan(alone) else f"below {alone:.3g} of pairs alone"
                rows.append(row(f"{figures.NAMES[kind]}, {n} beads, {label}", f"agree by eye ({paper})", value, beat, np.isnan(alone) or value < alone, error, **told(structure, _STRUCTURE)))  # fmt: skip
    return rows


def of_deviations(deviation: xr.Dataset | None) -> list[Row]:
    """Return how much models differ, over how much they learned from, and whether they do where forces are large."""
    how = told(deviation, "notebooks/runs/water_deviation.py WORK --trajectory …")
    rows = []
    for kind in KINDS:
        mine = None if deviation is None else deviation.isel(row=deviation.kind.values == kind).sortby("frames")
        name, limit = figures.NAMES[kind], f"{MILLI * water_deviation.LIMIT:.0f} meV/Å"
        if mine is None or not mine.sizes["row"]:
            rows.append(row(f"{name}: share of Σ below {limit}", "0.993 (15 ns)", None, f"≥ {SHARE}", False, **how))
            continue
        for k in range(mine.sizes["row"]):
            one, last = mine.isel(row=k), k == mine.sizes["row"] - 1
            paper, beat = ("0.993 (15 ns)", f"≥ {SHARE}") if last else ("less (fig. 6)", "stated")
            rows.append(row(f"{name}, {int(one.models)} models of {int(one.frames)} frames, {int(one.steps)} steps: share of Σ below {limit}", paper, float(one.below), beat, not last or float(one.below) >= SHARE, float(one.below_stderr), **how))  # fmt: skip
        longest, shortest = mine.isel(row=-1), mine.isel(row=0)
        if mine.sizes["row"] > 1:
            ratio = float(shortest["mean"] / longest["mean"])
            rows.append(row(f"{name}: mean Σ of the shortest data over that of the longest", "> 1 (fig. 6)", ratio, "> 1", ratio > 1, **how))  # fmt: skip
        rows.append(row(f"{name}: correlation of Σ with |F|", "does not grow with |F| (fig. 6, inset)", float(longest.correlation), "< 0.5", abs(float(longest.correlation)) < 0.5, **how))  # fmt: skip
    return rows


def speed(cost: xr.Dataset, kind: str, whose: str = "atoms") -> tuple[float, float]:
    """Return how many steps of beads cost as much as one of atoms, in the box of DFT, and half its spread; nan of what has not run."""
    atoms = picked_cost(cost, whose)
    beads = picked_cost(cost, kind)
    if not (atoms.sizes["row"] and beads.sizes["row"]):
        return np.nan, np.nan
    one, other = atoms.isel(row=0), beads.isel(row=0)
    ratio = float(one.seconds_per_step / other.seconds_per_step)
    return ratio, 0.5 * ratio * float(np.hypot(*(t.spread / t.seconds_per_step for t in (one, other))))


def picked_cost(cost: xr.Dataset, kind: str) -> xr.Dataset:
    """Return costs of a kind, from few molecules to many, of those that have been measured."""
    mine = (cost.what.values == "cost") & (cost.kind.values == kind) & np.isfinite(cost.seconds_per_step.values)
    return cost.isel(row=mine).sortby("molecules")


def exponent(cost: xr.Dataset, kind: str) -> float:
    """Return the slope of ln(time of a step) over ln(molecules); nan of one size."""
    rows = picked_cost(cost, kind)
    if rows.sizes["row"] < 2:
        return np.nan
    line = np.polynomial.Polynomial.fit(np.log(rows.molecules), np.log(rows.seconds_per_step), 1).convert()
    return float(line.coef[1])


def of_cost(cost: xr.Dataset | None) -> list[Row]:
    """Return how much faster beads are than atoms, and how their cost grows."""
    rows, how = [], told(cost, _COST)
    for kind in KINDS:
        name = figures.NAMES[kind]
        for whose, label in ATOMS.items():
            faster, error = (np.nan, np.nan) if cost is None else speed(cost, kind, whose)
            rows.append(row(f"{name}: cost of a step of {label} over that of beads, one engine", "7.5", faster, f"≥ {FASTER:g}", faster >= FASTER, error, **how))  # fmt: skip
        power = np.nan if cost is None else exponent(cost, kind)
        most = 0 if cost is None else int(picked_cost(cost, kind).molecules.max(initial=0))
        rows.append(row(f"{name}: exponent of cost over size, to {most} beads", "1 (text)", power, f"1 ± {LINEAR}", abs(power - 1) <= LINEAR, **how))  # fmt: skip
    return rows


def of_drift(cost: xr.Dataset | None) -> list[Row]:
    """Return drifts of the energy in NVE: of the smooth model less than of local frames with the same step."""
    how, rows = told(cost, _COST), []
    found = {} if cost is None else {
        (str(k), float(s)): (MILLI * float(d), MILLI * float(e))
        for what, k, s, d, e in zip(cost.what.values, cost.kind.values, cost.step.values, cost.drift.values, cost.drift_stderr.values, strict=True)
        if what == "drift"
    }  # fmt: skip
    for kind, step in (("atoms", 0.5), *((kind, step) for kind in KINDS for step in (1.0, 4.0))):
        value, error = found.get((kind, step), (np.nan, np.nan))
        other, _ = found.get(("frame", step), (np.nan, np.nan))
        beat, reached = ("below local frames", abs(value) < abs(other)) if kind == "smooth" else ("stated", True)
        rows.append(row(f"{figures.NAMES[kind]}, {step:g} fs: drift of the energy in NVE, meV/ps per molecule", "not continuous, future work" if kind == "frame" else "cited", value, beat, reached, error, unit="meV/ps", **how))  # fmt: skip
    return rows


def of_others(atoms: xr.Dataset, others: Mapping[str, xr.Dataset | None], beads: int = SIZES[0]) -> list[Row]:
    """Return what IBI and a SchNet of the same forces make of g, of angles and of q̄6."""
    rows, scripts = [], {"IBI": _IBI, "SchNet": _SCHNET}
    near = float(atoms.adf_cutoff.values[1])
    for name, table in others.items():
        found, how = picked(table, beads=beads), told(table, scripts.get(name, ""))
        value, error = off(found, atoms, "g")
        rows.append(row(f"{name}, {beads} beads: max |Δg| from the atoms", "accurate by construction" if name == "IBI" else "not done", value, f"≤ {CLOSE}", value <= CLOSE, error, **how))  # fmt: skip
        for curve, at, label in (
            ("p", {"adf_cutoff": near}, f"O–O–O angles within {near:g} Å: ½ ∫|ΔP|dθ"),
            ("steinhardt", {"l": 6}, "q̄6: ½ ∫|Δ| of its density"),
        ):
            value, error = misplaced(found, atoms, curve, **at)
            rows.append(row(f"{name}, {beads} beads, {label}", "not done", value, "stated", True, error, **how))  # fmt: skip
    return rows


def every(results: Mapping[str, xr.Dataset | None], sizes: Sequence[int] = SIZES) -> list[Row]:
    """Return all rows of what reference, trajectory, structure, deviation, cost, ibi and schnet have found; only the first two must be there."""
    reference, atoms = results["reference"], results["trajectory"]
    if reference is None or atoms is None:
        raise ValueError("there is nothing to compare with: run water_reference.py and water_trajectory.py first")
    structure, ibi = results.get("structure"), results.get("ibi")
    rows = of_reference(reference, atoms) + of_pairs(atoms, structure, sizes) + of_more(atoms, structure, ibi, sizes)
    rows += of_deviations(results.get("deviation")) + of_cost(results.get("cost")) + of_drift(results.get("cost"))
    return rows + of_others(atoms, {"IBI": ibi, "SchNet": results.get("schnet")}, min(sizes))


def loaded(folder: Any, names: Sequence[str] = ("reference", "trajectory", "beads", "structure", "corrected", "deviation", "cost", "ibi", "schnet")) -> dict[str, xr.Dataset | None]:  # fmt: skip
    """Return the results that are there; none of a run that has not been."""
    files = {name: folder / f"{name}.nc" for name in names}
    return {name: xr.load_dataset(file) if file.exists() else None for name, file in files.items()}
