"""`cg-models pressure`: P of a potential at one density or several, without a simulation."""

from __future__ import annotations

import argparse
import sys

from cg_data import FileError, Interactions, Potential, Units, pair_name
from cg_data.cli.potentials import named_potential, units_of_sources
from cg_models.boltzmann import prediction
from cg_models.boltzmann.domain import OutsideDomain
from cg_models.cli.invert import score_in_words


def pressure(options: argparse.Namespace) -> int:
    """Print P, the networks' spread and the score per density; 1 if any is refused."""
    potential, units = _potential(options)
    kT, sigma = (_or_one(options, name, units) for name in ("kT", "sigma"))
    unit = f"{units.energy}/{units.length}^3"
    several, refused = len(options.density) > 1, False
    if several:
        print(f"{f'density [{units.length}^-3]':>22} {f'P [{unit}]':>28} {'±':>10} {'score':>6}")
    for density in options.density:
        try:
            found = prediction.pressure(potential, density, kT, sigma=sigma, network=options.network)
        except OutsideDomain as refusal:
            refused = True
            if several:
                print(f"{density:22.6g} {'refused':>28}")
            print(f"cg-models: {f'density {density:g}: ' if several else ''}{refusal}", file=sys.stderr)
            continue
        if several:
            print(f"{density:22.6g} {found.value:28.5g} {found.stderr:10.2g} {found.score:6.2f}")
        else:
            print(f"P = {found.value:.5g} ± {found.stderr:.2g} {unit}\n{score_in_words(found.score)}")
    return int(refused)


def _potential(options: argparse.Namespace) -> tuple[Potential, Units]:
    """Return the one potential named and the units of its numbers."""
    named = named_potential([options.potential])
    if not isinstance(named, Interactions):
        return named, options.units or Units()
    if len(named) > 1:
        listed = ", ".join(map(pair_name, named))
        raise FileError(options.potential, f"holds {listed}: networks know liquids of one kind of particle",
                        remedy="simulate the mixture: cg-sim run")  # fmt: skip
    return next(iter(named.values())), options.units or units_of_sources([options.potential])


def _or_one(options: argparse.Namespace, name: str, units: Units) -> float:
    """Return an option, or 1 in reduced units; in others nothing can be taken for granted."""
    given: float | None = getattr(options, name)
    if given is not None:
        return given
    unit = units.energy if name == "kT" else units.length
    if unit not in ("epsilon", "sigma"):
        what = "the thermal energy" if name == "kT" else "the size of a particle; U must end within 5 of it"
        raise ValueError(f"{options.potential} is in {unit}: give --{name} [{unit}], {what}")
    return 1.0
