"""The folder of a fit. `progress.npz` is all of it, whole or not there; every other file is made from that one.

So a fit that is killed at any moment goes on from its last whole round, and ends as if nothing had happened.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from cg_data import FileError, Interactions, Units, factor, make_target, pair_name, pair_of, save, write_table
from cg_data.safe_files import atomic_path
from cg_data.units import GROMACS
from cg_inverse.corrections.named_bases import runs_code
from cg_inverse.fits.configuration import NAMES, configuration, target_files
from cg_inverse.fits.ledger import Ledger
from cg_inverse.fits.stored_records import restore, store
from cg_inverse.problems.shell_basis import corrects
from cg_inverse.problems.state_point import StatePoint
from cg_sim.cli.leftovers import sweep

PROGRESS = "progress.npz"
_SHARE = 0.02  # of the time since the beginning may go into files that show how it is getting on
_FIRST = 1.0  # s: what they are expected to cost before they have been written
_ROWS = 2000
_TABLES = {"lammps": "table", "gromacs": "xvg", "hoomd": "npz", "csv": "csv"}
_HEADER = "# What this fit was made with: `cg-inverse {name} config.toml -o OTHER` repeats it.\n# An initial potential, and options that Python alone has, are not in it.\n\n"
_CORRECTS = (
    "# What this fit was made with, beside the base that it corrects{base}: wibi(…, base=…) in Python repeats it.\n\n"
)


@dataclass(slots=True)
class RunFolder:
    """Keeps a fit in a folder: its progress after every round, the rest when it is due."""

    path: Path
    began: float = field(default_factory=time.perf_counter)
    spent: float = 0.0
    cost: float = _FIRST

    def keep(self, ledger: Ledger) -> None:
        """Write the progress, and files for people if they have cost little until now."""
        with _explained(self.path, ledger):
            store({f.name: getattr(ledger, f.name) for f in fields(ledger)}, self.path / PROGRESS)
        if self.spent + self.cost <= _SHARE * (time.perf_counter() - self.began):
            self.show(ledger)

    def show(self, ledger: Ledger) -> None:
        """Write everything but the progress."""
        began = time.perf_counter()
        with _explained(self.path, ledger):
            save(ledger.history, self.path / "history.nc")
            write_tables(ledger.potential, self.path, ledger.problem.states[0].units)
            write_picture(ledger, self.path / "fit.png")
            write_networks(ledger, self.path)
        self.cost = time.perf_counter() - began
        self.spent += self.cost


def create(path: str | Path, ledger: Ledger) -> RunFolder:
    """Return a new folder that holds a fit; FileExistsError if there is one in it already."""
    folder = Path(path)
    if (folder / PROGRESS).exists():
        raise FileExistsError(
            f"{folder} holds a fit already: go on with it by `cg-inverse resume {folder}`, or name another folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with _explained(folder, ledger):
        store({f.name: getattr(ledger, f.name) for f in fields(ledger)}, folder / PROGRESS)
    return opened(folder, ledger)


def opened(folder: Path, ledger: Ledger) -> RunFolder:
    """Return the folder of a fit, the drafts of a killed one swept out, its settings and targets written."""
    states = ledger.problem.states
    shown = ("config.toml", "history.nc", "fit.png", *target_files(len(states)))
    sweep(folder / name for name in (PROGRESS, *shown, *_table_names(ledger.problem.pairs)))
    with _explained(folder, ledger):
        for name, state in zip(target_files(len(states)), states, strict=True):
            save(target_of(state), folder / name)
        text = configuration(ledger.method, ledger.simulation, ledger.control, ledger.pressure, len(states))
        with atomic_path(folder / "config.toml") as draft:
            draft.write_text(_header(ledger) + text, encoding="utf-8")
    return RunFolder(folder)


def _header(ledger: Ledger) -> str:
    if not corrects(ledger.problem) or isinstance(ledger.simulation.base, str):
        return _HEADER.format(name=NAMES.get(type(ledger.method), "METHOD"))
    return _CORRECTS.format(base=f", {ledger.base.name}" if ledger.base else "")


def ledger_of(folder: str | Path) -> Ledger:
    """Return where the fit in a folder stands."""
    path = Path(folder)
    if not (path / PROGRESS).exists():
        what = f"has no {PROGRESS}" if path.is_dir() else "is no folder"
        raise FileError(path, what, remedy="give the folder of a fit, as `cg-inverse ibi …` makes it")
    try:
        return _harmless(Ledger(**restore(path / PROGRESS)))
    except TypeError as error:
        raise FileError(path / PROGRESS, f"holds no fit ({error})", remedy="start the fit again") from error


def _harmless(ledger: Ledger) -> Ledger:
    """Return a fit that runs no functions by what a file says: the user must name them again."""
    base = ledger.simulation.base
    return (
        ledger
        if base is None or not runs_code(base)
        else replace(ledger, simulation=replace(ledger.simulation, base=None))
    )


def target_of(state: StatePoint) -> xr.Dataset:
    """Return a state point as the target it was made from, on its shells and counted against N(N−1)."""
    curves = {pair_of(p): np.asarray(c) for p, c in zip(state.pairs, state.g, strict=True)}
    errors = {pair_of(p): np.asarray(c) for p, c in zip(state.pairs, state.g_stderr, strict=True)}
    return make_target(
        state.bins.r, curves, density=state.densities, kT=state.kT, g_stderr=errors, particles=state.particles,
        normalization="N(N-1)", units=state.units, source=state.name,
    )  # fmt: skip


def write_tables(potential: Interactions, folder: Path, units: Units) -> list[Path]:
    """Write every pair's table for LAMMPS, GROMACS, HOOMD and as CSV; for GROMACS in its units, if they are known."""
    written = []
    for pair, curve in potential.items():
        for kind, suffix in _TABLES.items():
            goal = GROMACS if kind == "gromacs" and _physical(units) else None
            path = folder / f"{pair_name(pair)}.{suffix}"
            written.append(
                write_table(curve, path, format=kind, n=_ROWS, pair=pair_name(pair), units=units, convert_to=goal)
            )
    return written


def write_networks(ledger: Ledger, folder: Path) -> None:
    """Write the networks of a training, one per pair, as `cg_models.load` reads them."""
    if ledger.progress.training is None:
        return
    from cg_inverse.learning.training import set_weights
    from cg_models import save as save_model

    models = ledger.method.models()  # type: ignore[attr-defined]
    set_weights(models, ledger.progress.training.weights)
    for pair, model in models.items():
        save_model(model, folder / f"{pair}.network")


def _table_names(pairs: Iterable[str]) -> list[str]:
    return [f"{pair}.{suffix}" for pair in pairs for suffix in _TABLES.values()]


def _physical(units: Units) -> bool:
    try:
        return factor(units.length, GROMACS.length) > 0 and factor(units.energy, GROMACS.energy) > 0
    except ValueError:
        return False


def write_picture(ledger: Ledger, path: Path) -> Path | None:
    """Draw the fit; without matplotlib or before the first round nothing is drawn."""
    try:
        from cg_inverse.pictures.plots import plot_fit
    except ImportError:
        return None
    if not len(ledger.rounds):
        return None
    try:
        figure: Any = plot_fit(ledger.history)
    except ImportError:
        return None
    with atomic_path(path) as draft:
        figure.savefig(draft, format="png")
    return path


@contextmanager
def _explained(folder: Path, ledger: Ledger) -> Iterator[None]:
    """Say of a file that cannot be written what is kept and how to go on."""
    try:
        yield
    except (OSError, FileError) as error:
        kept = ""
        if (folder / PROGRESS).exists():
            kept = f"; rounds that were kept go on with `cg-inverse resume {folder}` when there is room"
        cause = getattr(error, "strerror", None) or error
        raise OSError(f"{folder} cannot be written: {cause}{kept}") from error
