"""Settings of a correction to a base: the method, the base by its name, and baths of pressure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from cg_inverse.corrections.named_bases import absolute
from cg_inverse.methods.correction import PairCorrection
from cg_inverse.methods.ibi import Weight
from cg_inverse.methods.protocol import Initial
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.problems.state_point import StatePoint
from cg_inverse.rounds.simulation import Liquids
from cg_inverse.rounds.simulation_settings import Simulation
from cg_sim import CellRescaling

_TAU, _COMPRESSIBILITY = 2.0, 0.1  # in ρ^(−1/3) √(m/kT) and 1/(ρ kT): a liquid's volume follows in some hundred steps


def correction(settings: Mapping[str, Any], what: Problem, alpha: float, initial: Initial) -> PairCorrection | None:
    """Return the method of a fit with a base; None without one."""
    if settings["base"] is None:
        if settings["rule"] != "paper":
            raise ValueError("--rule is for corrections to a --base; without one there are hncgn and imc")
        if settings["to_density"]:
            raise ValueError("--to-density is for corrections to a --base, with a --pressure-bath")
        return None
    if settings["knots"] is not None or settings["ensemble"]:
        raise ValueError(
            "a correction has its knots in the target's shells, and no ensemble: leave out --knots and --ensemble"
        )
    if settings["pressure"] is not None and settings["pressure_bath"] is not None:
        raise ValueError("with --pressure-bath the volume follows: leave out --pressure, or the bath")
    if settings["to_density"] and settings["pressure_bath"] is None:
        raise ValueError("--to-density needs a volume that follows: give --pressure-bath")
    return PairCorrection(
        what, rule=settings["rule"], alpha=alpha, weight=weight(settings), initial=initial, damping=settings["damping"]
    )


def weight(settings: Mapping[str, Any]) -> Weight | None:
    return "uniform" if settings["shell_weight"] == "uniform" else None


def simulated(settings: Mapping[str, Any], what: Problem) -> Simulation:
    """Return how settings simulate a problem."""
    found = Simulation(**{f.name: settings[f.name] for f in fields(Simulation) if f.name in settings})
    if found.base is not None:
        found = replace(found, base=absolute(found.base))
    given = settings["pressure_bath"]
    if given is None:
        return found
    if len(given) not in (1, len(what.states)):
        raise ValueError(f"--pressure-bath gives {len(given)} values for {len(what.states)} target(s)")
    liquids = found.liquids(what, 0)
    each = given * len(what.states) if len(given) == 1 else given
    baths = [_bath(liquids, s, g, settings["bath_tau"]) for s, g in zip(what.states, each, strict=True)]
    return replace(found, barostat=baths[0] if len(set(baths)) == 1 else baths)


def _bath(liquids: Liquids, state: StatePoint, given: Mapping[str, Any], tau: float | None) -> CellRescaling:
    usual = {
        "tau": _TAU * liquids.crossing_time(state),
        "compressibility": _COMPRESSIBILITY / (state.density * state.kT),
    }
    return CellRescaling(**usual | dict(given) | ({} if tau is None else {"tau": tau}))
