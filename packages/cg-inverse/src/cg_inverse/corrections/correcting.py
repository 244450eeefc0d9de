"""Weighted IBI as a verb: of a pair potential, or of a correction to a potential of many bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cg_inverse.constraints.density import FixedDensity
from cg_inverse.constraints.pressure import Correction
from cg_inverse.corrections.named_bases import absolute
from cg_inverse.fits.control import Control
from cg_inverse.fits.fitting import Fit, OnRound, fit
from cg_inverse.methods.correction import PairCorrection, Rule
from cg_inverse.methods.ibi import WIBI, Weight
from cg_inverse.methods.protocol import Initial, Method, Targets
from cg_inverse.problems.preparing import checked
from cg_inverse.rounds.simulation_settings import Simulation


def wibi(
    target: Targets,
    cutoff: float | None = None,
    *,
    base: Any = None,
    rule: Rule = "paper",
    alpha: float = 0.5,
    damping: float = 0.1,
    weight: Weight | None = None,
    weights: Sequence[float] | None = None,
    knots: float | None = None,
    initial: Initial = None,
    simulation: Simulation = Simulation(),
    control: Control = Control(),
    pressure: Correction | None = None,
    folder: str | Path | None = None,
    progress: OnRound | None = None,
    ensemble: int = 0,
) -> Fit:
    """Fit by weighted IBI, U ← U + α kT w(r) ln(g/g*), w = g* unless `weight` is another function of (r, g*).

    With a `base`, u is a correction that is added to it and begins as zero; `rule` says how steps are taken (see
    `PairCorrection`), those of Gauss–Newton with `damping`. A base is any ASE calculator, a function that makes one for each
    run, pair potentials, or a name: "emt", "eam:FILE", "ani:FOLDER", "beads:FILE", "deep:FILE", "hipnn:FILE",
    a table file, "MODULE:FUNCTION". With calculators targets are in Å and eV, their types elements. `simulation` says with its `barostat`
    whether the volume follows; with pressure=FixedDensity() steps then also lead to the target's density.
    """
    targets = checked(target, cutoff)
    method: Method
    if base is None:
        if rule != "paper":
            raise ValueError(f"rule={rule!r} is for corrections to a base; without one there are hncgn and imc")
        method = WIBI(targets, cutoff, alpha=alpha, weight=weight, weights=weights, knots=knots, initial=initial)
    else:
        if knots is not None or ensemble:
            raise ValueError(
                "a correction has its knots in the target's shells, and no ensemble: leave out knots, ensemble"
            )
        method = PairCorrection(targets, cutoff, rule, alpha, weight, weights, initial, damping)
    if simulation.barostat is not None and not isinstance(pressure, FixedDensity | None):
        raise ValueError("with a barostat the volume follows: leave out pressure, or the barostat")
    return fit(
        method,
        simulation=replace(simulation, base=absolute(base) if isinstance(base, str) else base),
        control=control,
        pressure=pressure,
        folder=folder,
        progress=progress,
        ensemble=ensemble,
    )
