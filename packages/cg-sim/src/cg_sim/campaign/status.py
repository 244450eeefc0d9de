"""What a store holds so far, in words and as a page."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
import xarray as xr

import cg_data as cd
from cg_sim.campaign.liquid import KINDS

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="10">
<title>{title}</title><style>body{{font:15px system-ui;max-width:46rem;margin:2rem auto;color:#222}}
table{{border-collapse:collapse;width:100%}}td,th{{padding:.3rem .6rem;text-align:right;border-bottom:1px solid #ddd}}
td:first-child,th:first-child{{text-align:left}}.bar{{background:#e8e8e8;height:1.1rem;border-radius:.3rem}}
.bar div{{background:#1f6fb4;height:100%;border-radius:.3rem}}</style>
<h1>{title}</h1><p>{words}</p><div class="bar"><div style="width:{percent:.1f}%"></div></div>{table}</html>
"""


@dataclass(frozen=True, slots=True)
class Status:
    """Rows in all and done, and of a campaign of liquids how many of each kind at each density."""

    path: Path
    rows: int
    done: int
    kinds: dict[float, Counter[str]]
    reached: int

    def words(self) -> str:
        said = f"{self.done} of {self.rows} rows done ({self.done / self.rows:.0%})"
        return f"{said}, {self.reached} with the errors asked for" if self.kinds else said

    def lines(self) -> list[str]:
        """Return the words and a table."""
        if not self.kinds:
            return [self.words()]
        head = f"{'density':>9} " + " ".join(f"{kind:>10}" for kind in KINDS)
        body = [
            f"{density:9.4g} " + " ".join(f"{found[kind]:10d}" for kind in KINDS)
            for density, found in self.kinds.items()
        ]
        return [self.words(), head, *body]

    def page(self) -> str:
        """Return a page that reloads itself."""
        cells = "".join(
            f"<tr><td>{density:g}</td>" + "".join(f"<td>{found[k]}</td>" for k in KINDS) + "</tr>"
            for density, found in self.kinds.items()
        )
        head = "<tr><th>density</th>" + "".join(f"<th>{kind}</th>" for kind in KINDS) + "</tr>"
        table = f"<table>{head}{cells}</table>" if self.kinds else ""
        title = escape(f"campaign {self.path.name}")
        return _PAGE.format(title=title, words=escape(self.words()), percent=100 * self.done / self.rows, table=table)


def status(path: str | Path) -> Status:
    """Return what the store at `path` holds."""
    campaign = cd.Campaign.open(path)
    rows = len(campaign.row_ids)
    there = np.ones(rows, dtype=bool)
    there[campaign.missing()] = False
    kinds: dict[float, Counter[str]] = {}
    reached = 0
    if {"kind", "reached"} <= set(campaign.results) and "density" in campaign.parameters:
        data = xr.open_zarr(campaign.path)
        found, enough = data["kind"].values, data["reached"].values
        reached = int(enough[there].sum())
        for density in np.unique(campaign.parameters["density"].values):
            of = there & (campaign.parameters["density"].values == density)
            kinds[float(density)] = Counter(KINDS[int(k)] for k in found[of])
    return Status(Path(path), rows, int(there.sum()), kinds, reached)
