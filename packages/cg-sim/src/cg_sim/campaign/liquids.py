"""Campaigns of liquids: every potential at every density, temperature and seed."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

import cg_data as cd
from cg_data.safe_files import sized_file
from cg_sim.campaign.liquid import KINDS, Liquid, measured
from cg_sim.campaign.sources import Source, fingerprint, potentials_of, source_of


@dataclass(frozen=True, slots=True)
class Liquids:
    """A grid of rows and how each is run: what `cg-sim campaign` reads from a file."""

    source: Source
    densities: tuple[float, ...]
    kTs: tuple[float, ...] = (1.0,)
    seeds: tuple[int, ...] = (0,)
    liquid: Liquid = field(default_factory=Liquid)

    def __post_init__(self) -> None:
        if not (
            self.densities and self.kTs and self.seeds and min(*self.densities, *self.kTs) > 0 and min(self.seeds) >= 0
        ):
            raise ValueError(
                f"rows need positive densities and kT and seeds ≥ 0, got {self.densities}, {self.kTs}, {self.seeds}"
            )

    def campaign(self, path: str | Path) -> cd.Campaign:
        """Return the store, made if it is not there; ValueError if it holds another campaign.

        A row's name is made of its potential's values, its state point, its seed and the settings of the run.
        """
        prints = {name: fingerprint(p) for name, p in potentials_of(self.source).items()}
        units = self.source.units
        grid = list(product(prints, self.densities, self.kTs, self.seeds))
        columns = [np.array(column) for column in zip(*grid, strict=True)]
        rows = {
            "potential": columns[0], "fingerprint": np.array([prints[name] for name, *_ in grid]),
            "density": (columns[1], f"{units.length}^-3"), "kT": (columns[2], units.energy), "seed": columns[3],
            "settings": np.full(len(grid), self.digest),
        }  # fmt: skip
        described = {"settings": asdict(self.liquid), "source": repr(self.source), "kinds": list(KINDS)}
        return cd.Campaign.create(path, rows, self.liquid.results(units), attrs=described)

    @property
    def digest(self) -> str:
        """12 digits of the settings that a result depends on."""
        return hashlib.sha256(json.dumps(asdict(self.liquid), sort_keys=True).encode()).hexdigest()[:12]

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Do one row: the work that `campaign.run` hands to workers."""
        potential = potentials_of(self.source)[str(row["potential"])]
        if fingerprint(potential) != str(row["fingerprint"]) or str(row["settings"]) != self.digest:
            raise ValueError(f"{row['potential']} or the settings are not those that the campaign was made with")
        return measured(potential, density=float(row["density"]), kT=float(row["kT"]), seed=int(row["seed"]),
                        liquid=self.liquid)  # fmt: skip


def read_liquids(path: str | Path) -> Liquids:
    """Return the campaign that a TOML file specifies; files it names are looked for beside it.

    [potentials]
    splines = 657                              # or files = ["*.table"], formulas = ["lj:cutoff=2.5"]
    seed = 0
    numbers = [0, 7, 41]                       # some of the splines; may be left out
    [rows]
    density = [0.125, 0.244, 0.512, 1.0]
    kT = [1.0]                                 # this and the seeds may be left out
    seed = [0]
    [run]                                      # fields of `Liquid`, those that differ
    most = 100_000
    """
    file = sized_file(path, max_bytes=2**20, what="specification of a campaign")
    try:
        return _liquids(tomllib.loads(file.read_text(encoding="utf-8")), file.parent)
    except (OSError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise cd.FileError(file, f"specifies no campaign: {error}", remedy="see `cg-sim campaign --help`") from error


def _liquids(given: Mapping[str, Any], folder: Path) -> Liquids:
    _only(given, ("potentials", "rows", "run"), "the file")
    rows, settings = given.get("rows", {}), given.get("run", {})
    _only(rows, ("density", "kT", "seed"), "[rows]")
    _only(settings, [f.name for f in fields(Liquid)], "[run]")
    if "density" not in rows:
        raise ValueError("[rows] must give density = […]")
    source = source_of(given.get("potentials", {}), folder)
    lists = {name: tuple(values if isinstance(values, list) else [values]) for name, values in rows.items()}
    for name, values in lists.items():
        if not all(isinstance(x, int if name == "seed" else int | float) for x in values):
            raise ValueError(f"[rows]: {name} must be numbers, got {list(values)}")
    return Liquids(source, tuple(float(x) for x in lists["density"]), tuple(float(x) for x in lists.get("kT", (1.0,))),
                   tuple(int(x) for x in lists.get("seed", (0,))), Liquid(**settings))  # fmt: skip


def _only(given: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    if not isinstance(given, Mapping):
        raise ValueError(f"{where} must be a table, got {given!r}")
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ValueError(f"{where}: unknown {', '.join(unknown)}; known are {', '.join(known)}")
