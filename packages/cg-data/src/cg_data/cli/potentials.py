"""Potentials as the user names them: a table file, a formula such as lj:epsilon=1,cutoff=2.5, or PAIR=either."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from cg_data.cli.values import real
from cg_data.errors import FileError
from cg_data.formats.tables import read_interactions, read_potential, read_sections
from cg_data.interactions import Interactions, pair_of
from cg_data.potentials.formulas import (
    WCA,
    GaussianCore,
    Harmonic,
    LennardJones,
    ModifiedMorse,
    PowerLaw,
    Yukawa,
)
from cg_data.potentials.pair_potential import PairPotential
from cg_data.trajectory_dataset import units_of
from cg_data.units import Units

FORMULAS: dict[str, type[Any]] = {
    "lj": LennardJones, "wca": WCA, "morse": ModifiedMorse, "power": PowerLaw, "yukawa": Yukawa,
    "gaussian": GaussianCore, "harmonic": Harmonic,
}  # fmt: skip
CUTS = ("plain", "shifted", "force-shifted")


def formulas_help() -> str:
    """Return the formulas with their parameters, one a line."""
    return "\n".join(f"  {name}:{','.join(_signature(kind))}" for name, kind in FORMULAS.items())


def named_potential(texts: Sequence[str] | None) -> Interactions | PairPotential:
    """Return the potential that the texts of --potential name; several must each name their pair."""
    if not texts:
        raise ValueError("which potential? give --potential lj.table, or a formula: --potential lj:cutoff=2.5")
    if len(texts) == 1 and not names_pair(texts[0]):
        return read_interactions(texts[0]) if Path(texts[0]).exists() else formula(texts[0])
    unnamed = [text for text in texts if not names_pair(text)]
    if unnamed:
        raise ValueError(f"of several potentials each needs its pair, A-B=…: {unnamed[0]!r} has none")
    named = [(pair_of(pair), source) for pair, _, source in (text.partition("=") for text in texts)]
    if len(dict(named)) < len(named):
        raise ValueError(f"a pair is given two potentials: {', '.join(texts)}")
    return Interactions({pair: _one(source, pair) for pair, source in named})


def units_of_sources(texts: Sequence[str]) -> Units:
    """Return the units of the table files named: what all numbers of the run are in; reduced if there are none."""
    sources = [text.partition("=")[2] if names_pair(text) else text for text in texts]
    found = {source: units_of(read_sections(source)[0]) for source in sources if Path(source).exists()}
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{source} in {units.length} and {units.energy}" for source, units in found.items())
        raise ValueError(f"the tables are in different units, {listed}: cg-data convert --to-units makes them one")
    return next(iter(found.values()), Units())


def names_pair(text: str) -> bool:
    """Return whether a text is PAIR=SOURCE, rather than a file or a formula.

    >>> names_pair("A-B=lj:epsilon=2"), names_pair("lj:epsilon=2")
    (True, False)
    """
    return "=" in text and ":" not in text.partition("=")[0] and not Path(text).is_file()


def _one(source: str, pair: tuple[str, str]) -> Any:
    if not Path(source).exists():
        return formula(source)
    several = len(read_interactions(source)) > 1
    return read_potential(source, pair="-".join(pair) if several else None)


def formula(text: str) -> PairPotential:
    """Return the potential of a formula's text.

    >>> formula("lj:epsilon=2,cutoff=3").epsilon
    2.0
    """
    name, _, parameters = text.partition(":")
    if name not in FORMULAS:
        near = get_close_matches(name, FORMULAS, 1)
        formulas = f"did you mean {near[0]}?" if near else f"formulas are {', '.join(FORMULAS)}"
        raise FileError(text, "is neither a file nor a formula", remedy=formulas)
    given = _parameters(text, parameters)
    cut = given.pop("cut", "plain")
    if cut not in CUTS:
        raise ValueError(f"{text}: cut must be one of {', '.join(CUTS)}, got {cut!r}")
    found = _made(text, FORMULAS[name], given)
    match cut:
        case "shifted":
            return found.shifted()
        case "force-shifted":
            return found.force_shifted()
        case _:
            return found


def _parameters(text: str, parameters: str) -> dict[str, str]:
    items = [item.partition("=") for item in parameters.split(",")] if parameters else []
    names = [name.strip() for name, _, _ in items]
    if not all(equals for _, equals, _ in items) or len(set(names)) < len(names):
        raise ValueError(f"{text}: after the colon write NAME=NUMBER,… each name once")
    return {name: value.strip() for name, (_, _, value) in zip(names, items, strict=True)}


def _made(text: str, kind: type[Any], given: dict[str, str]) -> Any:
    rows = {field.name: field for field in fields(kind)}
    unknown = [name for name in given if name not in rows]
    if unknown:
        near = get_close_matches(unknown[0], [*rows, "cut"], 1)
        remedy = f"did you mean {near[0]}?" if near else f"it has {', '.join([*rows, 'cut'])}"
        raise ValueError(f"{text}: the formula has no {unknown[0]!r}; {remedy}")
    missing = [name for name, field in rows.items() if field.default is MISSING and name not in given]
    if missing or ("cutoff" in rows and "cutoff" not in given and rows["cutoff"].default == float("inf")):
        raise ValueError(
            f"{text}: {', '.join(missing) or 'cutoff'} is missing; the formula is {','.join(_signature(kind))}"
        )
    values = {}
    for name, value in given.items():
        try:
            values[name] = real(value)
        except ValueError as error:
            raise ValueError(f"{text}: {name} {error}") from None
    return kind(**values)


def _signature(kind: type[Any]) -> list[str]:
    known = [(f.name, f.default) for f in fields(kind)]
    named = [
        f"{name}={default:g}" if default not in (MISSING, float("inf")) else f"{name}=…" for name, default in known
    ]
    return [*named, "cut=plain"]
