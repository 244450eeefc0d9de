"""All of a fit in one record: its settings, what every round found, and what the next one starts from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from typing import Any

import xarray as xr

from cg_data import Interactions
from cg_inverse.constraints.pressure import Correction
from cg_inverse.corrections.fingerprints import Fingerprint, fingerprint, require_same
from cg_inverse.corrections.named_bases import absolute
from cg_inverse.fits.configuration import configuration
from cg_inverse.fits.control import Control
from cg_inverse.fits.history import Rounds, best_round, history
from cg_inverse.fits.loop import Progress, Step, rounds
from cg_inverse.methods.protocol import Method
from cg_inverse.problems.bins import Array
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.rounds.simulation import Liquids
from cg_inverse.rounds.simulation_settings import Simulation

PACKAGES = ("cg-data", "cg-sim", "cg-inverse", "numpy", "scipy", "numba")


@dataclass(frozen=True, eq=False)
class Ledger:
    """Where a fit stands; `reason` says why it ended, if it has; `base` tells what it corrects, if it does."""

    method: Method
    simulation: Simulation
    control: Control
    pressure: Correction | None
    progress: Progress
    rounds: Rounds = field(default_factory=Rounds)
    reason: str = ""
    base: Fingerprint | None = None

    @property
    def problem(self) -> Problem:
        return self.method.problem

    @property
    def liquids(self) -> Liquids:
        """The simulations of the fit."""
        return self.simulation.liquids(self.problem, self.control.seed)

    @property
    def best(self) -> Array:
        """The coefficients of the best round, or those to start from."""
        return self.rounds["coefficients"][best_round(self.rounds)] if len(self.rounds) else self.progress.coefficients

    @property
    def potential(self) -> Interactions:
        return self.problem.basis.potential(self.best)

    @cached_property
    def history(self) -> xr.Dataset:
        """Every round, as a dataset of schema `history`."""
        attrs: dict[str, Any] = {
            "method": type(self.method).__name__,
            "config": configuration(self.method, self.simulation, self.control, self.pressure),
            "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
            "reason": self.reason,
        }
        if self.base is not None:
            attrs["base"] = self.base.name
        if len(self.rounds):
            attrs["best_iteration"] = int(self.rounds["number"][best_round(self.rounds)])
        return history(self.problem, self.rounds, attrs)


def begun(method: Method, simulation: Simulation, control: Control, pressure: Correction | None) -> Ledger:
    """Return a fit before its first round."""
    liquids = simulation.liquids(method.problem, control.seed)
    states = liquids.start()
    base = None if liquids.base is None else fingerprint(liquids.base, states[0][0], name=_name(simulation))
    progress = Progress(method.init(), states, steps=control.shortest)
    return Ledger(method, simulation, control, pressure, progress, base=base)


def _name(simulation: Simulation) -> str | None:
    return simulation.base if isinstance(simulation.base, str) else None


def corrected(ledger: Ledger, base: Any) -> Ledger:
    """Return a fit with its base, named again or by the folder; ValueError if it was begun with another one."""
    given = ledger.simulation.base if base is None else absolute(base) if isinstance(base, str) else base
    found = replace(ledger, simulation=replace(ledger.simulation, base=given))
    if given is not None and ledger.base is not None:
        require_same(found.liquids.base, ledger.base, ledger.problem.kT, name=_name(found.simulation))
    return found


def continued(ledger: Ledger) -> Iterator[tuple[Step, Ledger]]:
    """Yield each further round and where the fit stands after it, until it ends."""
    going = rounds(
        ledger.method, ledger.liquids, control=ledger.control, pressure=ledger.pressure, progress=ledger.progress
    )
    for step, progress in going:
        ledger = replace(ledger, progress=progress, rounds=ledger.rounds.with_step(step), reason=step.finished)
        yield step, ledger
