"""The datasets that the packages exchange, each with a schema, and one `check(ds)` for all.

A dataset names its schema in `attrs["schema"]`. `check` verifies variables, dimensions, units and the
physics that a schema promises (g ≥ 0, r increasing, boxes with volume), and returns the dataset unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr

VERSION = 1
NORMALIZATIONS = ("N(N-1)", "N^2")
Rule = Literal["any", "finite", "nonnegative", "positive", "increasing"]


@dataclass(frozen=True, slots=True)
class Variable:
    """What a schema says of one variable."""

    dims: tuple[str, ...]
    rule: Rule = "finite"
    units: bool = True
    required: bool = True
    kind: str = "fiu"  # numpy dtype kinds allowed


@dataclass(frozen=True, slots=True)
class Schema:
    """Variables by name, and what must hold between them."""

    variables: dict[str, Variable]
    physics: Callable[[xr.Dataset], str | None] = lambda ds: None


_NAME = "UOT"


def _target_physics(ds: xr.Dataset) -> str | None:
    if ds.attrs.get("normalization") not in NORMALIZATIONS:
        got = ds.attrs.get("normalization")
        return f"attrs['normalization'] must say how pairs were counted, one of {NORMALIZATIONS}, got {got!r}"
    types = {t for pair in ds["pair"].values for t in str(pair).split("-", 1)}
    unknown = types - {str(t) for t in ds["type"].values}
    return f"pairs name types without a density: {sorted(unknown)}" if unknown else None


def _trajectory_physics(ds: xr.Dataset) -> str | None:
    with np.errstate(over="ignore", invalid="ignore"):
        volume = np.abs(np.linalg.det(ds["box"].values))
    if not np.all((volume > 0) & np.isfinite(volume)):
        return "box: a frame has no volume; rows of box are the three lattice vectors"
    return None


def _history_physics(ds: xr.Dataset) -> str | None:
    """g is missing where a state, or its target's reach, has no such pair or shell."""
    for name in ("g", "g_stderr", "g_target", "g_target_stderr"):
        values = ds[name].values
        if np.any(np.isinf(values)) or np.any(values < 0):
            return f"{name} is negative or infinite somewhere"
    if np.any(np.isnan(ds["g"].values) & ~np.isnan(ds["g_target"].values)):
        return "g is missing where there is a target"
    return None


SCHEMAS: dict[str, Schema] = {
    "pair-target": Schema(
        {
            "pair": Variable(("pair",), "any", units=False, kind=_NAME),
            "type": Variable(("type",), "any", units=False, kind=_NAME),
            "r": Variable(("r",), "increasing"),
            "g": Variable(("pair", "r"), "nonnegative", units=False),
            "g_stderr": Variable(("pair", "r"), "nonnegative", units=False, required=False),
            "density": Variable(("type",), "positive"),
            "kT": Variable((), "positive"),
            "particles": Variable(("type",), "positive", units=False, required=False),
        },
        _target_physics,
    ),
    "pair-table": Schema(
        {
            "pair": Variable(("pair",), "any", units=False, kind=_NAME),
            "r": Variable(("r",), "increasing"),
            "u": Variable(("pair", "r"), "finite"),
            "f": Variable(("pair", "r"), "finite", required=False),
            "trusted": Variable(("pair", "r"), "any", units=False, required=False, kind="b"),
        }
    ),
    "potentials": Schema(
        {
            "r": Variable(("r",), "increasing"),
            "u": Variable(("potential", "r"), "any"),
            "cutoff": Variable(("potential",), "positive"),
            "hard_core": Variable(("potential",), "any", units=False, kind="b"),
            "density": Variable(("density",), "positive", required=False),
            "kT": Variable((), "positive"),
            "pressure": Variable(("potential", "density"), "any", required=False),
            "pressure_stderr": Variable(("potential", "density"), "any", required=False),
            "r_g": Variable(("r_g",), "increasing", required=False),
            "g": Variable(("potential", "density", "r_g"), "any", units=False, required=False),
            "kept": Variable(("potential", "density"), "any", units=False, required=False, kind="b"),
        }
    ),
    "history": Schema(
        {
            "iteration": Variable(("iteration",), "increasing", units=False),
            "state": Variable(("state",), "any", units=False, kind=_NAME),
            "pair": Variable(("pair",), "any", units=False, kind=_NAME),
            "kT": Variable(("state",), "positive"),
            "density": Variable(("state",), "positive"),
            "coefficients": Variable(("iteration", "coefficient")),
            "r_u": Variable(("r_u",), "increasing"),
            "u": Variable(("iteration", "pair", "r_u")),
            "u_stderr": Variable(("iteration", "pair", "r_u"), "nonnegative", required=False),
            "r": Variable(("r",), "increasing"),
            "g": Variable(("iteration", "state", "pair", "r"), "any", units=False),
            "g_stderr": Variable(("iteration", "state", "pair", "r"), "any", units=False),
            "g_target": Variable(("state", "pair", "r"), "any", units=False),
            "g_target_stderr": Variable(("state", "pair", "r"), "any", units=False),
            "residual": Variable(("iteration",), "nonnegative", units=False),
            "noise": Variable(("iteration",), "nonnegative", units=False),
            "chi2": Variable(("iteration",), "nonnegative", units=False),
            "pressure": Variable(("iteration", "state"), "any"),
            "pressure_stderr": Variable(("iteration", "state"), "any"),
            "density_found": Variable(("iteration", "state"), "positive", required=False),
            "density_found_stderr": Variable(("iteration", "state"), "nonnegative", required=False),
            "steps": Variable(("iteration",), "positive", units=False),
            "equilibration": Variable(("iteration",), "nonnegative", units=False),
            "force_evaluations": Variable(("iteration",), "nonnegative", units=False),
            "seed": Variable(("iteration",), "nonnegative", units=False),
            "gain": Variable(("iteration",), "positive", units=False),
            "seconds": Variable(("iteration",), "nonnegative"),
            "simulated_seconds": Variable(("iteration",), "nonnegative"),
            "note": Variable(("iteration",), "any", units=False, kind=_NAME),
        },
        _history_physics,
    ),
    "ensemble": Schema(
        {
            "pair": Variable(("pair",), "any", units=False, kind=_NAME),
            "r": Variable(("r",), "increasing"),
            "u": Variable(("member", "pair", "r"), "finite"),
            "u_spread": Variable(("pair", "r"), "nonnegative"),
            "pressure": Variable(("member", "state")),
            "diffusion": Variable(("member", "state")),
        }
    ),
    "trajectory": Schema(
        {
            "position": Variable(("frame", "particle", "axis")),
            "force": Variable(("frame", "particle", "axis"), required=False),
            "velocity": Variable(("frame", "particle", "axis"), required=False),
            "energy": Variable(("frame",), required=False),
            "virial": Variable(("frame", "axis", "axis2"), required=False),
            "box": Variable(("frame", "vector", "axis")),
            "time": Variable(("frame",), required=False),
            "step": Variable(("frame",), units=False, required=False),
            "type": Variable(("particle",), "any", units=False, kind=_NAME),
            "mass": Variable(("particle",), "positive", required=False),
            "molecule": Variable(("particle",), "any", units=False, required=False),
        },
        _trajectory_physics,
    ),
    "run": Schema(
        {
            "kT": Variable((), "positive"),
            "final_position": Variable(("particle", "axis")),
            "final_velocity": Variable(("particle", "axis")),
            "final_box": Variable(("vector", "axis")),
            "mass": Variable(("particle",), "positive"),
            "particle_type": Variable(("particle",), "any", units=False, kind=_NAME),
            "g": Variable(("pair", "r"), "nonnegative", units=False, required=False),
            "pressure": Variable((), "any", required=False),
            "energy": Variable((), "any", required=False),
        }
    ),
}


def check(ds: xr.Dataset, schema: str | None = None) -> xr.Dataset:
    """Return `ds` if it satisfies the schema it names (and `schema`, if given); else raise ValueError."""
    name = ds.attrs.get("schema")
    if name not in SCHEMAS or (schema is not None and name != schema):
        wanted = schema or f"one of {', '.join(SCHEMAS)}"
        raise ValueError(f"attrs['schema'] is {name!r}, expected {wanted}")
    version = ds.attrs.get("schema_version")
    if version != VERSION:
        raise ValueError(f"{name}: schema_version is {version!r}, this cg-data reads version {VERSION}")
    found = SCHEMAS[name]
    for field, rule in found.variables.items():
        if field in ds.variables:
            problem = _problem(ds[field], rule)
            if problem:
                raise ValueError(f"{name}: {field} {problem}")
        elif rule.required:
            raise ValueError(f"{name}: the variable {field}{rule.dims} is missing")
    if problem := found.physics(ds):
        raise ValueError(f"{name}: {problem}")
    return ds


def _problem(array: xr.DataArray, rule: Variable) -> str | None:
    if array.dims != rule.dims:
        return f"has dimensions {array.dims}, expected {rule.dims}"
    if array.dtype.kind not in rule.kind:
        return f"has dtype {array.dtype}, expected one of kind {rule.kind!r}"
    if rule.units and not str(array.attrs.get("units", "")).strip():
        return "carries no attrs['units']"
    if rule.rule == "any":
        return None
    values = np.asarray(array.values)
    if not np.all(np.isfinite(values)):
        return f"holds {int(np.sum(~np.isfinite(values)))} values that are not finite"
    match rule.rule:
        case "nonnegative" if np.any(values < 0):
            return f"is negative ({values.min():.4g})"
        case "positive" if np.any(values <= 0):
            return f"must be positive, found {values.min():.4g}"
        case "increasing" if np.any(np.diff(values) <= 0):
            return f"must increase, but index {int(np.argmax(np.diff(values) <= 0)) + 1} does not"
    return None


def _check_sizes(shapes: Mapping[str, tuple[tuple[str, ...], tuple[int, ...]]]) -> None:
    """Raise ValueError where two variables have other numbers of the same thing."""
    first: dict[str, tuple[str, int]] = {}
    for name, (dims, shape) in shapes.items():
        if len(dims) != len(shape):
            raise ValueError(f"{name} must have the dimensions {dims}, got an array of shape {shape}")
        for dim, size in zip(dims, shape, strict=True):
            other, known = first.setdefault(dim, (name, size))
            if size != known:
                raise ValueError(f"{name} has {size} values along {dim}, {other} has {known}: they must be as many")


def labeled(schema: str, variables: dict[str, object], **attrs: object) -> xr.Dataset:
    """Return a dataset of `schema` from (values, units) pairs, dimensions taken from the schema, checked."""
    rules = SCHEMAS[schema].variables
    data = {}
    for name, given in variables.items():
        if given is None:
            continue
        values, units = given if isinstance(given, tuple) else (given, None)
        data[name] = (rules[name].dims, values, {"units": units} if units else {})
    coordinates = {k: data.pop(k) for k in list(data) if rules[k].dims == (k,)}
    _check_sizes({name: (dims, np.shape(values)) for name, (dims, values, _) in {**coordinates, **data}.items()})
    clean = {k: v for k, v in attrs.items() if v is not None}
    return check(xr.Dataset(data, coordinates, {"schema": schema, "schema_version": VERSION, **clean}))
