"""Where the potentials of a campaign come from: they are named in a few words and made anew by every worker."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import cg_data as cd

_POINTS = 257  # of U, that tell two potentials apart


@dataclass(frozen=True, slots=True)
class Splines:
    """The random spline potentials of `cg_data.random_splines`."""

    splines: int = 657
    seed: int = 0
    hard_cores: int | None = None
    max_cutoff: float = 5.0
    max_height: float = 15.0

    @property
    def units(self) -> cd.Units:
        return cd.Units()

    def potentials(self) -> dict[str, cd.Potential]:
        made = cd.random_splines(self.splines, hard_cores=self.hard_cores, seed=self.seed, max_cutoff=self.max_cutoff,
                                 max_height=self.max_height)  # fmt: skip
        return {f"spline-{self.seed}-{k:04d}": potential for k, potential in enumerate(made)}


@dataclass(frozen=True, slots=True)
class Named:
    """Table files and formulas such as lj:epsilon=1,cutoff=2.5."""

    names: tuple[str, ...]

    @property
    def units(self) -> cd.Units:
        """What the table files are in; ValueError if they differ."""
        from cg_data.cli.potentials import units_of_sources

        return units_of_sources(self.names)

    def potentials(self) -> dict[str, cd.Potential]:
        from cg_data.cli.potentials import named_potential

        found: dict[str, cd.Potential] = {}
        for name in self.names:
            tables = cd.as_interactions(named_potential([name]))
            if len(tables) != 1:
                raise ValueError(f"a row of a campaign has one kind of particle: {name} holds {len(tables)} potentials")
            found[name] = next(iter(tables.values()))
        return found


@dataclass(frozen=True, slots=True)
class Chosen:
    """Some of the random splines, by number: those that a theory or an earlier campaign has found worth a run."""

    splines: Splines
    numbers: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.numbers or min(self.numbers) < 0 or max(self.numbers) >= self.splines.splines:
            raise ValueError(f"[potentials]: numbers must be from 0 to {self.splines.splines - 1}")

    @property
    def units(self) -> cd.Units:
        return self.splines.units

    def potentials(self) -> dict[str, cd.Potential]:
        every = list(potentials_of(self.splines).items())
        return dict(every[k] for k in self.numbers)


Source = Splines | Chosen | Named


@cache
def potentials_of(source: Source) -> dict[str, cd.Potential]:
    """Return the potentials by name; made once in each process."""
    return source.potentials()


def source_of(table: Mapping[str, Any], folder: Path) -> Source:
    """Return what the table [potentials] of a specification names."""
    if "splines" in table:
        settings = dict(table)
        numbers = settings.pop("numbers", None)
        try:
            splines = Splines(**settings)
        except TypeError as error:
            raise ValueError(f"[potentials]: {error}") from None
        return splines if numbers is None else Chosen(splines, tuple(numbers))
    unknown = sorted(set(table) - {"files", "formulas"})
    if unknown or not table:
        raise ValueError(
            f"[potentials] has splines = N (and seed, hard_cores, numbers, …), or files and formulas, not {unknown}"
        )
    files = [path for pattern in table.get("files", ()) for path in _matching(folder, pattern)]
    return Named(tuple(str(path) for path in files) + tuple(table.get("formulas", ())))


def _matching(folder: Path, pattern: str) -> list[Path]:
    found = sorted(folder.glob(pattern)) if not Path(pattern).is_absolute() else [Path(pattern)]
    if not found:
        raise ValueError(f"[potentials]: no file matches {pattern!r} in {folder.resolve()}")
    return found


def fingerprint(potential: cd.Potential) -> str:
    """Return 12 digits that tell a potential from others."""
    r = np.linspace(potential.cutoff / _POINTS, potential.cutoff, _POINTS)
    values = np.concatenate([[potential.cutoff], potential.energy(r)])
    return hashlib.sha256(np.round(values, 9).astype("<f8").tobytes()).hexdigest()[:12]
