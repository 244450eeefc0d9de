"""`cg-models invert`: U(r) of a measured g(r), as a table for an engine."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

import xarray as xr

from cg_data import FileError, normalized, read_target, units_of, write_table
from cg_data.formats.registry import TABLE_FORMATS, find_format
from cg_data.units import factor
from cg_models.boltzmann import prediction
from cg_models.boltzmann.domain import REFUSED
from cg_models.boltzmann.options import CAP
from cg_models.cli.pictures import picture_possible, save_picture

_CLOSE = 2e-3  # relative: a density printed with three digits is the same


def invert(options: argparse.Namespace) -> int:
    """Write the table, and the picture if one is wanted; say how sure it is."""
    find_format(options.output, options.format, TABLE_FORMATS)
    picture_possible(options.picture)
    data = one_liquid(options)
    if options.to_units is not None:
        factor(units_of(data).length, options.to_units.length), factor(units_of(data).energy, options.to_units.energy)
    units, kT, density = units_of(data), float(data["kT"]), float(data["density"][0])
    found = prediction.invert(*known(data), density, kT, sigma=options.sigma, particles=particles_of(data),
                              network=options.network)  # fmt: skip
    write_table(found.potential, options.output, format=options.format, n=options.rows, units=units,
                pair=str(data["pair"].values[0]), convert_to=options.to_units)  # fmt: skip
    sure = float(found.stderr[found.told & (found.u < CAP * kT)].mean())
    print(f"{options.source} → {options.output}: U(r) up to {found.potential.cutoff:.4g} {units.length}")
    print(f"mean error {sure:.3g} {units.energy} ({sure / kT:.2g} kT) where U is below {CAP:g} kT")
    print(score_in_words(found.score))
    if options.picture is not None:
        from cg_models.plots import plot_inverted

        print(f"picture: {save_picture(plot_inverted(found, data), Path(options.picture))}")
    if options.to_units is None:
        reach = float(data["r"][-1])
        print(f"next: {shlex.join(['cg-sim', 'run', '--potential', options.output, '--density', f'{density:g}', '--kT', f'{kT:g}', '--rdf', f'{reach:g}'])}")  # fmt: skip
    return 0


def one_liquid(options: argparse.Namespace) -> xr.Dataset:
    """Return the target of one kind of particle, as the file and the options say."""
    data = read_target(
        options.source, density=options.density, kT=options.kT, particles=options.particles, units=options.units,
        normalization=options.normalization, pair=options.pair, format=options.source_format,
    )  # fmt: skip
    if data.sizes["pair"] > 1 or data.sizes["type"] > 1:
        pairs = ", ".join(map(str, data["pair"].values))
        raise FileError(options.source, f"holds {pairs}: networks know liquids of one kind of particle",
                        remedy="cg-inverse fits mixtures; of one pair alone, --pair A-A")  # fmt: skip
    _agree(options)
    if options.particles is not None and "particles" not in data:
        data["particles"] = ("type", [options.particles])
    return normalized(data, "N(N-1)") if "particles" in data else data


def _agree(options: argparse.Namespace) -> None:
    """Raise FileError if an option is not what the file says itself."""
    try:
        own = read_target(options.source, units=options.units, pair=options.pair, format=options.source_format)
    except ValueError:
        return
    for name in ("density", "kT", "particles"):
        given = getattr(options, name)
        if given is not None and name in own and abs((said := float(own[name].max())) - given) > _CLOSE * given:
            raise FileError(options.source, f"says that its {name} is {said:.6g}, --{name} says {given:g}",
                            remedy=f"leave out --{name}, or correct the file")  # fmt: skip


def known(data: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """Return r and g without a point at r = 0, which holds no pair."""
    start = int(float(data["r"][0]) == 0.0)
    return data["r"][start:], data["g"][0, start:]


def particles_of(data: xr.Dataset) -> int | None:
    return int(data["particles"][0]) if "particles" in data else None


def score_in_words(score: float) -> str:
    """Return how like the training data an input is.

    >>> score_in_words(0.4)
    'score 0.40: like the training data (1 is further out than 99 in 100 of them, beyond 2 is refused)'
    """
    like = "like the training data" if score <= 1 else "at the edge of the training data"
    return f"score {score:.2f}: {like} (1 is further out than 99 in 100 of them, beyond {REFUSED:g} is refused)"
