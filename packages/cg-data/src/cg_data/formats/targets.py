"""Reading and writing targets g(r), whatever their format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import xarray as xr

from cg_data.errors import FileError
from cg_data.formats.columns import CurveFile, as_number, is_number
from cg_data.formats.registry import TARGET_FORMATS, find_format
from cg_data.formats.xvg import UNNAMED
from cg_data.interactions import pair_name, pair_of
from cg_data.pair_target import Normalization, make_target, target
from cg_data.schemas import check
from cg_data.units import Units


def read_target(
    path: str | Path,
    *,
    density: float | Mapping[str, float] | None = None,
    kT: float | None = None,
    normalization: Normalization | None = None,
    particles: int | Mapping[str, int] | None = None,
    units: Units | None = None,
    pairs: Sequence[str] | None = None,
    pair: str | None = None,
    format: str | None = None,
) -> xr.Dataset:
    """Return the `pair-target` dataset of a file with g(r).

    What the file's header says (density, kT, normalization, units) is used where the argument is not given; density
    and kT must come from one of the two. `pairs` renames the file's columns in order; `pair` keeps one of several.
    """
    if str(path).endswith(".nc"):
        from cg_data.stores.netcdf import load

        data = load(path)
        return target_of_run(data, path) if data.attrs["schema"] == "run" else check(data, "pair-target")
    found = find_format(path, format, TARGET_FORMATS)
    curves = found.read(path)
    said = curves.metadata
    if pairs is not None:
        curves = _renamed(curves, pairs)
    if pair is not None:
        curves = _selected(path, curves, pair_name(pair_of(pair)))
    if any(name.startswith(UNNAMED) for name in curves.g):
        raise FileError(path, f"does not say which pairs its {len(curves.g)} columns are",
                        remedy="name them in order: pairs=['A-A', 'A-B', …] (--pairs A-A,A-B)")  # fmt: skip
    types = sorted({t for name in curves.g for t in pair_of(name)})
    rho = density if density is not None else _said_per_type(said, "density", types)
    energy = kT if kT is not None else _said_number(said.get("kT"))
    for name, value in (("density", rho), ("kT", energy)):
        if value is None:
            raise ValueError(
                f"{path}: the file does not say its {name}: give {name}= (--{name}), one per type of {', '.join(types)}"
            )
    counted = normalization or said.get("normalization") or "N^2"
    counts = particles if particles is not None else _said_per_type(said, "particles", types)
    try:
        return make_target(
            curves.r,
            {pair_of(k): v for k, v in curves.g.items()},
            density=rho,  # type: ignore[arg-type]
            kT=energy,  # type: ignore[arg-type]
            g_stderr=None if curves.g_stderr is None else {pair_of(k): v for k, v in curves.g_stderr.items()},
            particles=counts,  # type: ignore[arg-type]
            normalization=counted,  # type: ignore[arg-type]
            units=units or curves.units or found.native,
            source=Path(path).name,
        )
    except ValueError as error:
        raise FileError(path, str(error)) from None


def target_of_run(data: xr.Dataset, path: str | Path = "the run") -> xr.Dataset:
    """Return `target(data)`, named after its file; FileError where the run has measured no g(r)."""
    if "g" not in data or "density" not in data:
        raise FileError(path, "is a run that has measured no g(r)", remedy="run it again with cs.RDF(…), or --rdf")
    return target(data).assign_attrs(source=Path(path).name)


def write_target(data: xr.Dataset, path: str | Path, *, format: str | None = None) -> Path:
    """Write a `pair-target` dataset as text, its facts in the header; `.nc` keeps everything."""
    check(data, "pair-target")
    if str(path).endswith(".nc"):
        from cg_data.stores.netcdf import save

        return save(data, path)
    found = find_format(path, format, TARGET_FORMATS)
    names = [str(p) for p in data["pair"].values]
    facts = {f"density_{t}": repr(float(data["density"].sel(type=t))) for t in data["type"].values}
    if "particles" in data:
        facts |= {f"particles_{t}": str(int(data["particles"].sel(type=t))) for t in data["type"].values}
    facts |= {"kT": repr(float(data["kT"])), "normalization": str(data.attrs["normalization"])}
    errors = None
    if "g_stderr" in data:
        errors = {n: data["g_stderr"].sel(pair=n).values for n in names}
    curves = CurveFile(data["r"].values, {n: data["g"].sel(pair=n).values for n in names}, errors, None, facts)
    found.write(curves, Path(path), Units(*(str(data.attrs[f"units_{k}"]) for k in ("length", "energy", "mass"))))
    return Path(path)


def _renamed(curves: CurveFile, pairs: Sequence[str]) -> CurveFile:
    if len(pairs) != len(curves.g):
        raise ValueError(f"the file holds {len(curves.g)} curves ({', '.join(curves.g)}), pairs names {len(pairs)}")
    names = {old: pair_name(pair_of(new)) for old, new in zip(curves.g, pairs, strict=True)}
    errors = None if curves.g_stderr is None else {names[k]: v for k, v in curves.g_stderr.items()}
    return replace(curves, g={names[k]: v for k, v in curves.g.items()}, g_stderr=errors)


def _selected(path: str | Path, curves: CurveFile, pair: str) -> CurveFile:
    if len(curves.g) == 1:
        return _renamed(curves, [pair])
    if pair not in curves.g:
        raise FileError(path, f"holds no pair {pair}", remedy=f"it holds {', '.join(curves.g)}")
    errors = None if curves.g_stderr is None else {pair: curves.g_stderr[pair]}
    return replace(curves, g={pair: curves.g[pair]}, g_stderr=errors)


def _said_number(text: str | None) -> float | None:
    return as_number(text) if text is not None and is_number(text) else None


def _said_per_type(said: Mapping[str, str], key: str, types: Sequence[str]) -> float | dict[str, float] | None:
    """Return what metadata say per type (`density_A`), or for the one type (`density`)."""
    each = {t: _said_number(said.get(f"{key}_{t}")) for t in types}
    if all(v is not None for v in each.values()):
        return {t: v for t, v in each.items() if v is not None}
    return _said_number(said.get(key))
