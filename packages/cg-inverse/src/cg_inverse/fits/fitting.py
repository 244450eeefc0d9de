"""A fit: the loop run to its end, kept in a folder if one is named, and what came out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from cg_data import Interactions, load, save
from cg_inverse.constraints.pressure import Correction
from cg_inverse.fits import run_folder
from cg_inverse.fits.control import Control
from cg_inverse.fits.ledger import Ledger, begun, continued, corrected
from cg_inverse.fits.loop import Step
from cg_inverse.methods.protocol import Method
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.rounds.simulation_settings import Simulation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENSEMBLE = "ensemble.nc"
OnRound = Callable[[Step, Ledger], None]


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What a fit found. `step` is the last round, None if it was done in another process; `ensemble` is what
    repetitions found: u, pressure and diffusion by member, and the spread of u.
    """

    ledger: Ledger
    step: Step | None = None
    ensemble: xr.Dataset | None = None

    @property
    def potential(self) -> Interactions:
        """The potential of the best round: of those with the most steps, that with the lowest excess residual.

        The last change is not in it, as it has never been simulated. A pair's own is `fit.potential["A", "A"]`.
        """
        return self.ledger.potential

    @property
    def history(self) -> xr.Dataset:
        """Every round, as a dataset of schema `history`; attrs["best_iteration"] is the round of `potential`."""
        return self.ledger.history

    @property
    def method(self) -> Method:
        return self.ledger.method

    @property
    def problem(self) -> Problem:
        return self.ledger.problem

    @property
    def reason(self) -> str:
        """Why it ended."""
        return self.ledger.reason

    def plot(self) -> Figure:
        """Draw g and U beside their targets and how the residual sank."""
        from cg_inverse.pictures.plots import plot_fit

        return plot_fit(self.history)

    def save(self, folder: str | Path) -> Path:
        """Write the folder of the fit, tables included, that `resume` goes on from; return its path."""
        kept = run_folder.create(folder, self.ledger)
        kept.show(self.ledger)
        if self.ensemble is not None:
            save(self.ensemble, kept.path / ENSEMBLE)
        return kept.path


def fit(
    method: Method,
    *,
    simulation: Simulation = Simulation(),
    control: Control = Control(),
    pressure: Correction | None = None,
    folder: str | Path | None = None,
    progress: OnRound | None = None,
    ensemble: int = 0,
) -> Fit:
    """Return the fit of a method's problem, as it is: without the preflight of the verbs.

    A `folder` keeps every round, so that `resume` goes on with it whatever happens. `progress` is called after each
    round, with the step and all until then. `ensemble` is how many times the fit is repeated after it.
    """
    ledger = begun(method, simulation, control, pressure)
    kept = None if folder is None else run_folder.create(folder, ledger)
    found = run_on(ledger, kept, progress)
    return repeated(found, ensemble, kept) if ensemble else found


def repeated(found: Fit, members: int, kept: run_folder.RunFolder | None) -> Fit:
    """Return the fit with an ensemble of it, saved in its folder as ensemble.nc."""
    from cg_inverse.fits.ensemble import ensemble

    ledger = found.ledger
    spread = ensemble(ledger.method, ledger.liquids, members, control=ledger.control, pressure=ledger.pressure)
    if kept is not None:
        save(spread, kept.path / ENSEMBLE)
    return replace(found, ensemble=spread)


def resume(
    folder: str | Path,
    *,
    rounds: int | None = None,
    steps: int | None = None,
    base: Any = None,
    progress: OnRound | None = None,
    ensemble: int = 0,
) -> Fit:
    """Return the fit in a folder, gone on with if it has not ended; its potential is that of an uninterrupted fit.

    `rounds` and `steps` (at most so many, and of such length) go on with one that has ended. `base` is what the fit
    corrects, if it is a correction and has no name that the folder keeps; another one is known by its energy and forces. `ensemble` is how many times the fit is
    repeated after it; without, the spread is that in the folder, if this is the fit that it is of.
    """
    ledger = corrected(gone_on(run_folder.ledger_of(folder), rounds=rounds, steps=steps), base)
    kept = run_folder.opened(Path(folder), ledger)
    found = run_on(ledger, kept, progress)
    if ensemble:
        return repeated(found, ensemble, kept)
    known = kept.path / ENSEMBLE
    return replace(found, ensemble=load(known, "ensemble")) if found.step is None and known.exists() else found


def gone_on(ledger: Ledger, *, rounds: int | None, steps: int | None) -> Ledger:
    """Return a fit that may do more rounds, or longer ones."""
    before = ledger.control
    control = replace(before, rounds=rounds or before.rounds, steps=steps or before.steps)
    further = control != before and control.rounds > ledger.progress.number
    return replace(ledger, control=control, reason="" if further else ledger.reason)


def run_on(ledger: Ledger, kept: run_folder.RunFolder | None, progress: OnRound | None) -> Fit:
    """Return a fit at its end, kept in a folder on the way."""
    step, now = None, ledger
    for step, now in () if ledger.reason else continued(ledger):
        if kept is not None:
            kept.keep(now)
        if progress is not None:
            progress(step, now)
    if kept is not None:
        kept.show(now)
    return Fit(now, step)
