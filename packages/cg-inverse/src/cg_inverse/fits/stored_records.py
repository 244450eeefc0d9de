"""Frozen records as plain arrays and JSON, and back, exactly: what a run continues from, without pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cg_data import FileError, Units
from cg_data.safe_arrays import npz_arrays
from cg_data.safe_files import atomic_path
from cg_inverse.constraints.density import FixedDensity
from cg_inverse.constraints.pressure import FixedPressure, RampCorrection
from cg_inverse.corrections.fingerprints import Fingerprint
from cg_inverse.fits.control import Control
from cg_inverse.fits.history import Rounds
from cg_inverse.fits.loop import Progress
from cg_inverse.learning.method import DiffSim, Network, Refinement
from cg_inverse.learning.progress import Training
from cg_inverse.learning.recipe import Recipe
from cg_inverse.methods.cibi import CIBI
from cg_inverse.methods.correction import PairCorrection
from cg_inverse.methods.difftre import DiffTRe
from cg_inverse.methods.hnc import HNCGN, HNCN
from cg_inverse.methods.ibi import IBI, WIBI
from cg_inverse.methods.imc import IMC
from cg_inverse.methods.relative_entropy import RelativeEntropy
from cg_inverse.problems.basis import PairBasis, SplineBasis
from cg_inverse.problems.bins import Bins
from cg_inverse.problems.shell_basis import ShellBasis
from cg_inverse.problems.spline_problem import Problem
from cg_inverse.problems.state_point import StatePoint
from cg_inverse.rounds.simulation_settings import Simulation, kept
from cg_sim import CellRescaling, State

_FORMAT = 1
_MOST_BYTES = 16 * 2**30
_REMEDY = "start the fit again"
_RECORDS: tuple[type[Any], ...] = (
    Bins, StatePoint, Units, SplineBasis, PairBasis, Problem, State, Progress, Rounds, Control, Simulation,
    IBI, WIBI, CIBI, IMC, HNCN, HNCGN, RelativeEntropy, DiffTRe, DiffSim, PairCorrection, Network, Refinement, Recipe,
    Training, FixedDensity, FixedPressure, RampCorrection, ShellBasis, CellRescaling, Fingerprint,
)  # fmt: skip
_BY_NAME = {record.__name__: record for record in _RECORDS}
_OF_THE_PROBLEM = ("cutoff", "weights", "knots", "initial")  # given to a method beside its targets
Arrays = dict[str, npt.NDArray[Any]]


def store(record: Mapping[str, Any], path: str | Path) -> None:
    """Write values by name as one .npz file; the old one stays until the new one is complete."""
    arrays: Arrays = {}
    facts = json.dumps({"format": _FORMAT, "record": {name: _flat(v, name, arrays) for name, v in record.items()}})
    with atomic_path(path) as draft, draft.open("wb") as stream:
        np.savez(stream, facts=np.array(facts), **arrays)  # type: ignore[arg-type]


def restore(path: str | Path) -> dict[str, Any]:
    """Return the values that a file holds; FileError if it holds none."""
    arrays = npz_arrays(path, max_bytes=_MOST_BYTES, what="progress", remedy=_REMEDY)
    try:
        facts = json.loads(str(arrays.pop("facts")))
        if facts["format"] != _FORMAT:
            raise ValueError(f"format {facts['format']}, this version reads {_FORMAT}")
        return {name: _made(value, arrays) for name, value in facts["record"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise FileError(path, f"holds no progress of a fit ({error})", remedy=_REMEDY) from error


def _flat(value: Any, path: str, arrays: Arrays) -> Any:
    """Return a value as JSON, its arrays put aside under their path."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case np.ndarray() if not value.dtype.hasobject:
            arrays[path] = value
            return {"array": path}
        case np.generic():
            return value.item()
        case tuple() | list():
            return [_flat(v, f"{path}.{k}", arrays) for k, v in enumerate(value)]
        case dict():
            return {"dict": {name: _flat(v, f"{path}.{name}", arrays) for name, v in value.items()}}
        case _ if is_dataclass(value) and type(value).__name__ in _BY_NAME:
            parts = {name: _flat(v, f"{path}.{name}", arrays) for name, v in _parts(value).items()}
            return {"record": type(value).__name__, "fields": parts}
        case _:
            raise TypeError(f"{path} is {type(value).__name__}, which a folder cannot keep: only plain settings can")


def _parts(record: Any) -> dict[str, Any]:
    """Return a record's own fields; those of a method with its problem in place of the targets."""
    given = kept(record)
    if hasattr(record, "problem") and "target" in given:
        given |= {"target": record.problem, **{name: None for name in _OF_THE_PROBLEM if name in given}}
    return given


def _made(value: Any, arrays: Arrays) -> Any:
    match value:
        case {"array": path}:
            return arrays[path]
        case {"dict": content}:
            return {name: _made(v, arrays) for name, v in content.items()}
        case {"record": name, "fields": parts}:
            return _BY_NAME[name](**{key: _made(v, arrays) for key, v in parts.items()})
        case list():
            return tuple(_made(v, arrays) for v in value)
        case _:
            return value
