"""A pair correction over another potential in LAMMPS: its table, and the commands of `pair_style hybrid/overlay`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement
from pathlib import Path

import cg_data
from cg_data import Units
from cg_data.interactions import Pair, pair_of
from cg_data.potentials.pair_potential import Potential
from cg_data.units import METAL, factor


def lammps_overlay(
    pair: Potential | Mapping[Pair, Potential], path: str | Path, *, base: str, coefficients: str,
    types: Sequence[str], units: Units = METAL, lammps: Units = METAL, n: int = 4000,
) -> str:  # fmt: skip
    """Write the table of a correction and return the commands that add it to a base potential in LAMMPS.

    `base` is the base's pair style with its arguments, `coefficients` what follows it in its pair_coeff, `types` the names of
    LAMMPS's atom types in their order. Numbers of `pair` are in `units`, those of the simulation in `lammps`.
    """
    wanted = {pair_of(p) for p in combinations_with_replacement(types, 2)}
    given = {pair_of(key): p for key, p in (pair if isinstance(pair, Mapping) else dict.fromkeys(wanted, pair)).items()}
    if unknown := sorted("-".join(p) for p in set(given) - wanted):
        raise ValueError(f"the correction of {', '.join(unknown)} is of no two of the types {', '.join(types)}")
    cg_data.write_table(given, path, format="lammps", n=n, units=units, convert_to=lammps)
    style, length, lines = base.split()[0], factor(units.length, lammps.length), []
    for (i, a), (j, b) in combinations_with_replacement(enumerate(types, 1), 2):
        if (key := pair_of((a, b))) in given:
            lines.append(
                f"pair_coeff {i} {j} table {Path(path).name} {'-'.join(key)} {given[key].cutoff * length:.15g}"
            )
    return "\n".join(
        [f"pair_style hybrid/overlay {base} table spline {n}", f"pair_coeff * * {style} {coefficients}", *lines]
    )
