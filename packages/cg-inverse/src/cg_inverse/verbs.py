"""The verbs: one per method, from a target to a fit, preflight first.

Each takes the targets, the cutoff [length] and what is the method's own: `weights` of several states, the distance
`knots` [length] between spline knots, the `initial` potential (Boltzmann inversion without). `simulation` says how
liquids are simulated, `control` how the loop runs, `pressure` which pressure is met and how; `folder` keeps every
round, `progress` is called after it. `ensemble` repeats the fit so many times, to see what it leaves open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import xarray as xr

from cg_inverse.constraints.pressure import Correction
from cg_inverse.fits.control import Control
from cg_inverse.fits.fitting import Fit, OnRound, fit
from cg_inverse.methods.cibi import CIBI
from cg_inverse.methods.difftre import DiffTRe
from cg_inverse.methods.hnc import HNCGN, HNCN
from cg_inverse.methods.ibi import IBI
from cg_inverse.methods.imc import IMC
from cg_inverse.methods.protocol import Initial, Targets
from cg_inverse.methods.relative_entropy import RelativeEntropy
from cg_inverse.problems.preparing import checked
from cg_inverse.rounds.simulation_settings import Simulation

Folder = str | Path | None


def bi(
    target: Targets,
    cutoff: float | None = None,
    *,
    weights: Sequence[float] | None = None,
    knots: float | None = None,
    simulation: Simulation = Simulation(),
    control: Control = Control(),
    folder: Folder = None,
    progress: OnRound | None = None,
    ensemble: int = 0,
) -> Fit:
    """Return Boltzmann inversion, U = −kT ln g, and how far it is from the target in one full-length simulation."""
    method = IBI(checked(target, cutoff), cutoff, weights=weights, knots=knots)
    once = replace(control, rounds=1, first_steps=control.steps)
    return fit(method, simulation=simulation, control=once, folder=folder, progress=progress, ensemble=ensemble)


def ibi(
    target: Targets,
    cutoff: float | None = None,
    *,
    alpha: float = 1.0,
    weights: Sequence[float] | None = None,
    knots: float | None = None,
    initial: Initial = None,
    simulation: Simulation = Simulation(),
    control: Control = Control(),
    pressure: Correction | None = None,
    folder: Folder = None,
    progress: OnRound | None = None,
    ensemble: int = 0,
) -> Fit:
    """Fit by iterative Boltzmann inversion, U ← U + α kT ln(g/g*)."""
    method = IBI(checked(target, cutoff), cutoff, alpha=alpha, weights=weights, knots=knots, initial=initial)
    return fit(
        method,
        simulation=simulation,
        control=control,
        pressure=pressure,
        folder=folder,
        progress=progress,
        ensemble=ensemble,
    )


def msibi(
    targets: Sequence[xr.Dataset],
    cutoff: float | None = None,
    *,
    alpha: float = 1.0,
    weights: Sequence[float] | None = None,
    knots: float | None = None,
    initial: Initial = None,
    simulation: Simulation = Simulation(),
    control: Control = Control(),
    pressure: Correction | None = None,
    folder: Folder = None,
    progress: OnRound | None = None,
    ensemble: int = 0,
) -> Fit:
    """Fit one potential to several states by multi-state IBI: the weighted mean of what each state asks for."""
    if isinstance(targets, xr.Dataset) or len(targets) < 2:
        raise ValueError("multi-state IBI needs at least two targets; for one there is ibi")
    method = IBI(checked(targets, cutoff), cutoff, alpha=alpha, weights=weights, knots=knots, initial=initial)
    return fit(
        method,
        simulation=simulation,
        control=control,
        pressure=pressure,
        folder=folder,
        progress=progress,
        ensemble=ensemble,
    )


def cibi(
    target: Targets,
    cutoff: float | None = None,
    *,
    alpha: float = 1.0,
    weights: Sequence[float] | None = None,
    knots: float | None = None,
    initial: Initial = None,
    simulation: Simulation = Simulation(),
    control: Control = Control(),
    pressure: Correction | None = None,
    folder: Folder = None,
    progress: OnRound | None = None,
    ensemble: int = 0,
) -> Fit:
    """Fit by coordination-preserving IBI, U ← U + α kT ln(C/C*) with C(r) = 4π∫₀ʳ g r² dr."""
    method = CIBI(checked(target, cutoff), cutoff, alpha=alpha, weights=weights, knots=knots, initial=initial)
    return fit(
        method,
        simulation=simulation,
        control=control,
        pressure=pressure,
        folder=folder,
        progress=progress,
        ensemble=ensemble,
    )


def imc(
    target: Targets,
    cutoff: float | None = None,
    *,
    weights: Sequence[float] | None = None,
    knots: float | None = None,
    initial: Initial = None,
    simulation: Simulation = Simulation(),
    control: Control = Control(),
    pressure: Correction | None = None,
    folder: Folder = None,
    progress: OnRound | None = None,
    ensemble: int = 0,
) -> Fit:
    """Fit by inverse Monte Carlo: Newton steps with ∂g/∂U sampled as a covariance."""
    method = IMC(checked(target, cutoff), cutoff, weights=weights, knots=knots, initial=initial)
    return fit(
        method,
        simulation=simulation,
        control=control,
        pressure=pressure,
        folder=folder,
        progress=progress,
        ensemble=ensemble,
    )


def hncn(
    target: Targets,
    cutoff: float | None = None,
    *,
    weights: Sequence[float] | None = None,
    knots: float | None = None,
    initial: Initial = None,
    simulation: Simulation = Simulation(),
    control: Control = Control(),
    pressure: Correction | None = None,
    folder: Folder = None,
    progress: OnRound | None = None,
    ensemble: int = 0,
) -> Fit:
    """Fit by HNC-Newton: steps with the response of hypernetted-chain theory, cut at the cutoff."""
    method = HNCN(checked(target, cutoff), cutoff, weights=weights, knots=knots, initial=initial)
    return fit(
        method,
        simulation=simulation,
        control=control,
        pressure=pressure,
        folder=folder,
        progress=progress,
        ensemble=ensemble,
    )


def hncgn(
    target: Targets,
    cutoff: float | None = None,
    *,
    weights: Sequence[float] | None = None,
    knots: float | None = None,
    initial: Initial = None,
    simulation: Simulation = Simulation(),
    control: Control = Control(),
    pressure: Correction | None = None,
    folder: Folder = None,
    progress: OnRound | None = None,
    ensemble: int = 0,
) -> Fit:
    """Fit by Gauss–Newton steps with the response of hypernetted-chain theory: few rounds, any number of types."""
    method = HNCGN(checked(target, cutoff), cutoff, weights=weights, knots=knots, initial=initial)
    return fit(
        method,
        simulation=simulation,
        control=control,
        pressure=pressure,
        folder=folder,
        progress=progress,
        ensemble=ensemble,
    )


def re(
    target: Targets,
    cutoff: float | None = None,
    *,
    weights: Sequence[float] | None = None,
    knots: float | None = None,
    initial: Initial = None,
    simulation: Simulation = Simulation(),
    control: Control = Control(),
    pressure: Correction | None = None,
    folder: Folder = None,
    progress: OnRound | None = None,
    ensemble: int = 0,
) -> Fit:
    """Fit by minimising the relative entropy with Newton steps."""
    method = RelativeEntropy(checked(target, cutoff), cutoff, weights=weights, knots=knots, initial=initial)
    return fit(
        method,
        simulation=simulation,
        control=control,
        pressure=pressure,
        folder=folder,
        progress=progress,
        ensemble=ensemble,
    )


def difftre(
    target: Targets,
    cutoff: float | None = None,
    *,
    threshold: float = 0.2,
    weights: Sequence[float] | None = None,
    knots: float | None = None,
    initial: Initial = None,
    simulation: Simulation = Simulation(),
    control: Control = Control(),
    pressure: Correction | None = None,
    folder: Folder = None,
    progress: OnRound | None = None,
    ensemble: int = 0,
) -> Fit:
    """Fit by reweighting each run's frames, as long as `threshold` of them are still effective (DiffTRe)."""
    method = DiffTRe(checked(target, cutoff), cutoff, threshold, weights=weights, knots=knots, initial=initial)
    return fit(
        method,
        simulation=simulation,
        control=control,
        pressure=pressure,
        folder=folder,
        progress=progress,
        ensemble=ensemble,
    )
