"""From settings to a fit that can begin: method, simulation, control and pressure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import xarray as xr

from cg_data import Interactions, PairTable, pair_of
from cg_data.cli.potentials import named_potential
from cg_inverse.cli.corrections import correction, simulated, weight
from cg_inverse.cli.settings import ALPHA
from cg_inverse.constraints.density import FixedDensity
from cg_inverse.constraints.pressure import Correction, FixedPressure, RampCorrection
from cg_inverse.fits.control import Control
from cg_inverse.fits.ledger import Ledger, begun
from cg_inverse.learning.method import DiffSim, Network, Refinement, require_models
from cg_inverse.learning.recipe import Recipe
from cg_inverse.methods.cibi import CIBI
from cg_inverse.methods.difftre import DiffTRe
from cg_inverse.methods.hnc import HNCGN, HNCN
from cg_inverse.methods.ibi import IBI, WIBI
from cg_inverse.methods.imc import IMC
from cg_inverse.methods.protocol import Initial, Method
from cg_inverse.methods.relative_entropy import RelativeEntropy
from cg_inverse.problems.spline_problem import Problem, problem
from cg_inverse.rounds.simulation_settings import Simulation

Record = TypeVar("Record", Simulation, Control)


def planned(settings: Mapping[str, Any], targets: list[xr.Dataset]) -> Ledger:
    """Return the fit that settings describe, before its first round."""
    what = problem(targets, cutoff=settings["cutoff"], weights=settings["weights"], knots=settings["knots"])
    method = _method(settings, what, _initial(settings["initial"], what))
    control = _record(Control, settings)
    if settings["method"] == "bi":
        control = _record(Control, {**settings, "rounds": 1, "first_steps": settings["steps"]})
    return begun(method, simulated(settings, method.problem), control, _pressure(settings, len(targets)))


def _method(settings: Mapping[str, Any], what: Problem, initial: Initial) -> Method:
    name = settings["method"]
    alpha = settings["alpha"] if settings["alpha"] is not None else ALPHA.get(name, 1.0)
    match name:
        case "bi":
            if initial is not None:
                raise ValueError("bi is the potential of mean force itself: it takes no --initial")
            return IBI(what)
        case "msibi" if len(what.states) < 2:
            raise ValueError("msibi needs at least two targets; for one there is ibi")
        case "ibi" | "msibi":
            return IBI(what, alpha=alpha, initial=initial)
        case "wibi":
            return correction(settings, what, alpha, initial) or WIBI(
                what, alpha=alpha, weight=weight(settings), initial=initial
            )
        case "cibi":
            return CIBI(what, alpha=alpha, initial=initial)
        case "imc":
            return IMC(what, initial=initial)
        case "hncn":
            return HNCN(what, initial=initial)
        case "hncgn":
            return HNCGN(what, initial=initial)
        case "re":
            return RelativeEntropy(what, initial=initial)
        case "difftre":
            return DiffTRe(what, threshold=settings["threshold"], initial=initial)
        case "diffsim":
            require_models()
            if settings["pressure"] is not None:
                raise ValueError("--pressure is not for diffsim: it learns from g alone")
            learning = Network() if settings["refine"] is None else Refinement(settings["refine"])
            return DiffSim(
                what, network=learning, recipe=_recipe(settings), per_round=settings["per_round"], initial=initial
            )
        case _:
            raise ValueError(f"unknown method {name!r}")


def _recipe(settings: Mapping[str, Any]) -> Recipe:
    given = {name: settings[name] for name in ("epochs", "rate", "replicas", "loss", "dt", "mass", "threads", "seed")}
    windows: Literal["cpu", "cuda"] = "cuda" if settings["engine"] == "cuda" else "cpu"
    return Recipe(
        steps=settings["window"], particles=settings["boxes"], patience=settings["halve_after"], engine=windows, **given
    )


def _initial(given: tuple[str, ...] | None, what: Problem) -> Initial:
    if given is None:
        return None
    if given in (("network",), ("theory",)):
        return given[0]
    if given == ("zero",):
        return Interactions({pair_of(p): _flat(what.basis.spline(p).cutoff) for p in what.pairs})
    potential = named_potential(given)
    if isinstance(potential, Interactions):
        missing = [p for p in what.pairs if pair_of(p) not in potential]
        if missing and len(potential) == 1 and len(what.pairs) == 1:  # one curve for the one pair, whatever its name
            return Interactions({pair_of(what.pairs[0]): next(iter(potential.values()))})
        if missing:
            raise ValueError(f"--initial has no potential of {', '.join(missing)}")
    elif len(what.pairs) > 1:
        raise ValueError(f"--initial needs a potential of each pair: {','.join(f'{p}=…' for p in what.pairs)}")
    return potential


def _flat(cutoff: float) -> PairTable:
    return PairTable.from_knots(0.0, cutoff, np.zeros(8), slopes=(0.0, 0.0))


def _pressure(settings: Mapping[str, Any], states: int) -> Correction | None:
    given = settings["pressure"]
    if settings["to_density"]:
        return FixedDensity()
    if given is None:
        return None
    if len(given) not in (1, states):
        raise ValueError(f"--pressure gives {len(given)} values for {states} target(s)")
    if settings["pressure_rule"] == "fixed":
        return FixedPressure(given[0] if len(given) == 1 else given)
    if len(given) > 1:
        raise ValueError(f"--pressure-rule {settings['pressure_rule']} takes one pressure; several need fixed")
    return RampCorrection(given[0], rule=settings["pressure_rule"])


def _record(kind: type[Record], settings: Mapping[str, Any]) -> Record:
    return kind(**{f.name: settings[f.name] for f in fields(kind) if f.name in settings})


def folder_of(settings: Mapping[str, Any]) -> Path:
    """Return the folder of the run: as named, or after the first target and the method."""
    if settings["output"] is not None:
        return Path(settings["output"])
    first = Path(settings["files"][0])
    return Path(f"{first.stem.removesuffix('.dist')}-{settings['method']}")
