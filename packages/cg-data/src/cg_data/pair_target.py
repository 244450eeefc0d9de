"""The target of an inversion: g(r) per pair with its error, density, kT and how pairs were counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from cg_data.interactions import Pair, pair_name, pair_of
from cg_data.schemas import SCHEMAS, VERSION, check, labeled
from cg_data.units import Units

Normalization = Literal["N(N-1)", "N^2"]
PairValues = npt.ArrayLike | Mapping[Pair, npt.ArrayLike]


def target(data: xr.Dataset) -> xr.Dataset:
    """Return the `pair-target` part of a dataset that holds one, such as a run's result.

    The dataset must have g(pair, r), density(type), kT and attrs['normalization']; what else it has is dropped.
    """
    names = [name for name in SCHEMAS["pair-target"].variables if name in data.variables]
    kept = data[names]
    kept = kept.drop_vars([c for c in kept.coords if c not in names])
    attrs = {**data.attrs, "schema": "pair-target", "schema_version": VERSION}
    return check(kept.assign_attrs(attrs), "pair-target")


def make_target(
    r: npt.ArrayLike,
    g: PairValues,
    *,
    density: float | Mapping[str, float],
    kT: float,
    g_stderr: PairValues | None = None,
    particles: int | Mapping[str, int] | None = None,
    normalization: Normalization = "N^2",
    units: Units | None = None,
    source: str | None = None,
) -> xr.Dataset:
    """Return a checked `pair-target` dataset.

    `g` is one array, or one per pair of types {("A", "B"): …}; `density` [length⁻³] and `particles` are one number,
    or one per type. `normalization` says whether like pairs were counted against N(N−1) (tail → 1) or N² (→ 1 − 1/N).

    >>> ds = make_target([0.5, 1.0, 1.5], [0.0, 2.0, 1.0], density=0.7, kT=1.0)
    >>> ds.pair.values.tolist(), float(ds.density.sel(type="A"))
    (['A-A'], 0.7)
    """
    curves = _by_pair(g)
    errors = None if g_stderr is None else _by_pair(g_stderr)
    if errors is not None and set(errors) != set(curves):
        raise ValueError(f"g has the pairs {sorted(curves)}, g_stderr has {sorted(errors)}")
    densities = _by_type(density, curves)
    counts = None if particles is None else _by_type(particles, curves)
    names, u = list(curves), units or Units()
    return labeled(
        "pair-target",
        {
            "pair": np.array(names),
            "type": np.array(sorted(densities)),
            "r": (np.asarray(r, dtype=np.float64), u.length),
            "g": np.stack([curves[n] for n in names]),
            "g_stderr": None if errors is None else np.stack([errors[n] for n in names]),
            "density": (np.array([densities[t] for t in sorted(densities)]), f"{u.length}^-3"),
            "kT": (float(kT), u.energy),
            "particles": None if counts is None else np.array([int(counts[t]) for t in sorted(counts)]),
        },
        normalization=normalization,
        units_length=u.length,
        units_energy=u.energy,
        units_mass=u.mass,
        source=source,
    )


def normalized(data: xr.Dataset, normalization: Normalization) -> xr.Dataset:
    """Return the target with like pairs counted the other way: g·N/(N−1) or g·(N−1)/N; unlike pairs as they are."""
    check(data, "pair-target")
    if normalization not in ("N(N-1)", "N^2"):
        raise ValueError(f"normalization must be 'N(N-1)' or 'N^2', got {normalization!r}")
    if data.attrs["normalization"] == normalization:
        return data
    if "particles" not in data:
        raise ValueError("the target does not say how many particles were counted: give particles= when making it")
    scale = np.ones(data.sizes["pair"])
    for i, name in enumerate(data["pair"].values):
        a, b = pair_of(str(name))
        if a == b:
            n = int(data["particles"].sel(type=a))
            if n < 2:
                raise ValueError(f"one particle of type {a} makes no pair: its g cannot be renormalized")
            scale[i] = n / (n - 1) if normalization == "N(N-1)" else (n - 1) / n
    out = data.copy()
    for field in ("g", "g_stderr"):
        if field in out:
            out[field] = (out[field].dims, out[field].values * scale[:, None], out[field].attrs)
    return out.assign_attrs(normalization=normalization)


def _by_pair(values: PairValues) -> dict[str, np.ndarray]:
    pairs = values if isinstance(values, Mapping) else {("A", "A"): values}
    return {pair_name(pair): np.asarray(v, dtype=np.float64) for pair, v in pairs.items()}


def _by_type(values: float | Mapping[str, float], curves: Mapping[str, object]) -> dict[str, float]:
    types = sorted({t for name in curves for t in pair_of(name)})
    if isinstance(values, Mapping):
        if set(values) != set(types):
            raise ValueError(f"give one value per type {types}, got {sorted(values)}")
        return {t: float(values[t]) for t in types}
    if len(types) > 1:
        raise ValueError(f"the types {types} need one value each: give a mapping {{type: value}}")
    return {types[0]: float(values)}
