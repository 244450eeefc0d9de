"""What is kept of a VOTCA run: targets, g(r) and potentials of every iteration, residuals, pressures, seconds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from results import cpu

import cg_data as cd


@dataclass(frozen=True, slots=True)
class Case:
    """A state point; VOTCA's nm times `per_nm` and LAMMPS's pressure times `pressure` are in `units`."""

    pair: str
    density: float
    kT: float
    particles: int
    r_max: float
    cutoff: float
    per_nm: float
    pressure: float
    pressure_unit: str
    units: cd.Units
    source: str


LJ = Case(
    "LJ-LJ", 0.7, 1.0, 1000, 0.5, 2.5, 10.0, 1.0, "epsilon/sigma^3", cd.Units(),
    "LAMMPS 29 Sep 2021 (Debian 12), Lennard-Jones truncated and shifted at 2.5, N = 1000, kT = 1, "
    "10^6 steps of 0.005, Langevin damping time 1; g by csg_stat of VOTCA 2022.1, errors from 20 blocks",
)  # fmt: skip
SPCE = Case(
    "CG-CG", 2180 / 4.031**3, 2.49435, 2180, 1.0, 0.9, 1.0, 1.01325, "bar", cd.Units("nm", "kJ/mol", "g/mol"),
    "csg-tutorials/spce/ibi/CG-CG.dist.tgt of VOTCA 2022.1 (Debian package votca-tutorials, Apache-2.0): "
    "oxygen-oxygen or center-of-mass g of SPC/E water at 300 K as VOTCA ships it",
)  # fmt: skip


def iterations(folder: Path) -> list[Path]:
    """Return the folders of the finished iterations; step_000 only prepares."""
    return [step for step in sorted(folder.glob("step_[0-9]*"))[1:] if (step / "done").exists()]


def keep_lj_target(folder: Path, path: Path) -> None:
    """Write g and its standard error from csg_stat's blocks; csg_stat counts like pairs against N²."""
    blocks = np.array([_columns(f)[1] for f in sorted(folder.glob("LJ-LJ_*.dist.block"))])
    r = _columns(next(folder.glob("LJ-LJ_*.dist.block")))[0] * LJ.per_nm
    error = blocks.std(axis=0, ddof=1) / np.sqrt(len(blocks))
    _write_target(r, blocks.mean(axis=0), LJ, path, error)
    pressure, pressure_error = _pressure(folder / "log.lammps")
    note = {"pressure": pressure, "pressure_stderr": pressure_error, "script": (folder / "lj_target.in").read_text()}
    path.with_suffix(".json").write_text(json.dumps({"source": LJ.source, **note}, indent=1) + "\n")


def votca_target(target: Path, path: Path) -> None:
    """Write a target of ours as VOTCA's .dist.tgt, in its nm."""
    found = cd.read_target(target)
    rows = zip(found["r"].values / LJ.per_nm, found["g"].values[0], strict=True)
    path.write_text("".join(f"{r:.6f} {g:.8g} i\n" for r, g in rows))


def keep_inversion(name: str, folder: Path, case: Case, kept: Path, versions: Mapping[str, str]) -> None:
    """Write NAME_history.csv, NAME_rdfs.csv, NAME_potentials.csv, NAME_potential.csv and NAME.json."""
    steps = iterations(folder)
    r, target = _columns(folder / f"{case.pair}.dist.tgt")
    if case is SPCE:
        _write_target(r, target, case, kept / "spce_300K.csv")
    measured = [_columns(step / f"{case.pair}.dist.wide") for step in steps]
    grid = measured[0][0]
    goal = np.where(grid < r[0] - 1e-9, 0.0, np.interp(grid, r, target))
    history = [_row(k, step, g, grid, goal, case) for k, (step, (_, g)) in enumerate(zip(steps, measured, strict=True))]
    _table(kept / f"{name}_history.csv", list(history[0]), [list(row.values()) for row in history])
    curves = [g for _, g in measured]
    _curves(
        kept / f"{name}_rdfs.csv", case, grid, ["g_target", *(f"g_{k}" for k in range(len(steps)))], [goal, *curves]
    )
    u = [_columns(step / f"{case.pair}.pot.cur") for step in steps] + [_columns(steps[-1] / f"{case.pair}.pot.new")]
    _curves(kept / f"{name}_potentials.csv", case, u[0][0], [f"u_{k}" for k in range(len(u))], [v for _, v in u])
    held = u[0][0] > 0
    unit = f" [{case.units.energy}]"
    rows = np.column_stack([u[-1][0][held] * case.per_nm, u[-1][1][held]]).tolist()
    _table(kept / f"{name}_potential.csv", [f"r [{case.units.length}]", f"u(A-A){unit}"], rows)
    note = {
        "command": f"python benchmarks/inversion/votca_run.py {name}",
        "versions": dict(versions),
        "cpu": cpu(),
        "settings": (folder / "settings.xml").read_text(),
        "lammps_script": next(folder.glob("*.in")).read_text(),
        "particles": case.particles,
        "density": case.density,
        "kT": case.kT,
        "iterations": len(steps),
        **_totals(history),
        "source_of_target": case.source,
    }
    (kept / f"{name}.json").write_text(json.dumps(note, indent=1, ensure_ascii=False) + "\n")


def _row(k: int, step: Path, g: np.ndarray, r: np.ndarray, goal: np.ndarray, case: Case) -> dict[str, float]:
    pressure, error = _pressure(step / "log.lammps")
    within = r * case.per_nm <= case.cutoff + 1e-9
    dg = np.abs(g - goal)
    squares = 4 * np.pi * case.density * (r * case.per_nm) ** 2 * dg**2 * (r[1] - r[0]) * case.per_nm
    return {
        "updates": k,
        "sum_abs_dg_to_cutoff": dg[within].sum(),
        "sum_abs_dg": dg.sum(),
        "deviation_to_cutoff": squares[within].sum(),
        "deviation": squares.sum(),
        f"pressure [{case.pressure_unit}]": pressure * case.pressure,
        f"pressure_stderr [{case.pressure_unit}]": error * case.pressure,
        **_seconds(step),
    }


def _seconds(step: Path) -> dict[str, float]:
    """Return the seconds of one iteration: LAMMPS, csg's analysis, the rest (shell and perl scripts)."""
    spent = {"md": 0.0, "analysis": 0.0}
    begin, end = [], []
    for line in (step.parent / "times.txt").read_text().splitlines():
        where, program, start, stop = line.split()
        if where == step.name:
            spent["md" if program == "lmp" else "analysis"] += float(stop) - float(start)
            begin.append(float(start))
            end.append(float(stop))
    before = (step.parent / f"step_{int(step.name[5:]) - 1:03d}" / "done").stat().st_mtime
    whole = (step / "done").stat().st_mtime - before
    return {
        "md [s]": spent["md"],
        "md CPU [s]": _cpu_seconds(step / "log.lammps"),
        "analysis [s]": spent["analysis"],
        "scripts [s]": whole - spent["md"] - spent["analysis"],
        "whole [s]": whole,
    }


def _cpu_seconds(log: Path) -> float:
    """Return the processor time of LAMMPS's runs, which other work on the machine does not lengthen."""
    loops = re.findall(r"Loop time of (\S+) .*?([\d.]+)% CPU use", log.read_text(), re.DOTALL)
    return sum(float(seconds) * float(percent) / 100 for seconds, percent in loops)


def _totals(history: list[dict[str, float]]) -> dict[str, float]:
    return {
        f"{k} [s]": round(sum(row[f"{k} [s]"] for row in history), 1)
        for k in ("md", "md CPU", "analysis", "scripts", "whole")
    }


def _pressure(log: Path) -> tuple[float, float]:
    """Return the mean pressure of the last run in a LAMMPS log, and its error from ten blocks."""
    text = log.read_text().split("Step Temp")[-1]
    rows = [line.split() for line in text.splitlines() if re.fullmatch(r"\s*\d+(\s+[-+.\deE]+){5}\s*", line)]
    values = np.array([float(row[-1]) for row in rows])[1:]
    blocks = values[: len(values) // 10 * 10].reshape(10, -1).mean(axis=1)
    return float(values.mean()), float(blocks.std(ddof=1) / np.sqrt(10))


def _columns(path: Path) -> tuple[np.ndarray, np.ndarray]:
    rows = [line.split()[:2] for line in path.read_text().splitlines() if line.strip() and line[0] not in "#@"]
    values = np.array(rows, dtype=float)
    return values[:, 0], values[:, 1]


def _write_target(r: np.ndarray, g: np.ndarray, case: Case, path: Path, error: np.ndarray | None = None) -> None:
    target = cd.make_target(
        r[r > 0],
        np.maximum(g[r > 0], 0.0),
        density=case.density,
        kT=case.kT,
        g_stderr=None if error is None else error[r > 0],
        particles=case.particles,
        normalization="N^2",
        units=case.units,
    )
    cd.write_target(target, path)
    path.write_text(f"# {case.source}\n" + path.read_text())


def _curves(path: Path, case: Case, r: np.ndarray, names: list[str], curves: list[np.ndarray]) -> None:
    _table(path, [f"r [{case.units.length}]", *names], np.column_stack([r * case.per_nm, *curves]).tolist())


def _table(path: Path, titles: list[str], rows: list[list[float]]) -> None:
    lines = (",".join(f"{value:.7g}" for value in row) for row in rows)
    path.write_text("\n".join([",".join(titles), *lines]) + "\n")
