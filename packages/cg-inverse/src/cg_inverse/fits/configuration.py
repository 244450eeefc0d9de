"""The settings of a fit as TOML that people read and `cg-inverse --config` takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cg_inverse.constraints.density import FixedDensity
from cg_inverse.constraints.pressure import Correction, FixedPressure, RampCorrection
from cg_inverse.fits.control import Control
from cg_inverse.learning.method import DiffSim, Refinement
from cg_inverse.methods.cibi import CIBI
from cg_inverse.methods.correction import PairCorrection
from cg_inverse.methods.difftre import DiffTRe
from cg_inverse.methods.hnc import HNCGN, HNCN
from cg_inverse.methods.ibi import IBI, WIBI
from cg_inverse.methods.imc import IMC
from cg_inverse.methods.protocol import Method
from cg_inverse.methods.relative_entropy import RelativeEntropy
from cg_inverse.problems.shell_basis import corrects
from cg_inverse.rounds.simulation_settings import Simulation, kept
from cg_sim import CellRescaling

NAMES: dict[type[Any], str] = {
    IBI: "ibi", WIBI: "wibi", CIBI: "cibi", IMC: "imc", HNCN: "hncn", HNCGN: "hncgn", RelativeEntropy: "re",
    DiffTRe: "difftre", DiffSim: "diffsim", PairCorrection: "wibi",
}  # fmt: skip


def configuration(
    method: Method, simulation: Simulation, control: Control, pressure: Correction | None, targets: int | None = None
) -> str:
    """Return the settings as TOML; the targets, if there are `targets` of them, as files beside it."""
    states, given = method.problem.states, target_files(targets or len(method.problem.states))
    weights = [state.weight for state in states]
    spline = None if corrects(method.problem) else method.problem.basis.splines[0]
    sections: dict[str, Mapping[str, Any]] = {
        "target": {"files": given if targets else None, "weights": weights if len(set(weights)) > 1 else None},
        "potential": {"cutoff": method.problem.basis.cutoff, "knots": spline.spacing if spline else None},
        "method": {
            "name": NAMES.get(type(method), type(method).__name__),
            "alpha": getattr(method, "alpha", None),
            "rule": getattr(method, "rule", None),
            "damping": getattr(method, "damping", None),
            "shell_weight": weight if isinstance(weight := getattr(method, "weight", None), str) else None,
            "threshold": getattr(method, "threshold", None),
        }
        | _pressure(pressure),
        "training": _training(method),
        "simulation": kept(simulation),
        "control": asdict(control),
    }
    return as_toml(sections)


def _training(method: Method) -> dict[str, Any]:
    if not isinstance(method, DiffSim):
        return {}
    r = method.recipe
    return {"epochs": r.epochs, "window": r.steps, "rate": r.rate, "halve_after": r.patience, "replicas": r.replicas, "boxes": r.particles,
            "loss": r.loss, "per_round": method.per_round,
            "refine": method.network.intervals if isinstance(method.network, Refinement) else None}  # fmt: skip


def target_files(count: int) -> list[str]:
    """Return the names of the targets' files in a run's folder."""
    return ["target.nc"] if count == 1 else [f"target-{k + 1}.nc" for k in range(count)]


def _pressure(correction: Correction | None) -> dict[str, Any]:
    match correction:
        case FixedPressure():
            several = list(correction.target) if isinstance(correction.target, tuple) else [correction.target]
            return {"pressure": several, "pressure_rule": "fixed"}
        case FixedDensity():
            return {"to_density": True}
        case RampCorrection():
            return {"pressure": [correction.target], "pressure_rule": correction.rule}
        case _:
            return {}


def as_toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Return sections of settings as TOML; what is None is left out."""
    lines = []
    for name, section in sections.items():
        rows = [f"{key} = {_value(value)}" for key, value in section.items() if value is not None]
        lines += [f"[{name}]", *rows, ""] if rows else []
    return "\n".join(lines)


def _value(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False)  # a JSON string is a TOML string
        case list() | tuple():
            return f"[{', '.join(_value(v) for v in value)}]"
        case dict():
            return f"{{{', '.join(f'{json.dumps(k)} = {_value(v)}' for k, v in value.items())}}}"
        case CellRescaling():
            return _value(asdict(value))
        case _:
            return repr(value)
