"""Tables as the rows a kernel reads, and adjoints of rows as adjoints of the tables' knots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cg_data import Interactions, PairTable, pair_of
from cg_sim.curves import tables_of
from cg_sim.differentiable.kernels.pairs import Rows

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Knots:
    """Values at a table's knots: U and F, or what a loss changes with each."""

    u: Array
    f: Array


@dataclass(frozen=True, slots=True, eq=False)
class TableRows:
    """The tables of every pair of types in one array of cubics; nothing below their first knot."""

    tables: dict[str, PairTable]
    rows: Rows
    first: dict[str, int]

    @property
    def cutoff(self) -> float:
        return max(table.cutoff for table in self.tables.values())

    def knots(self, g_rows: Array) -> Mapping[str, Knots]:
        """Return the adjoints of knots from those of rows: c₀ = u, c₁ = −h f, and c₂, c₃ as a Hermite cubic has them."""
        found = {}
        for pair, table in self.tables.items():
            g0, g1, g2, g3 = g_rows[self.first[pair] : self.first[pair] + table.n - 1].T
            u, f, h = np.zeros(table.n), np.zeros(table.n), table.spacing
            rise = 3 * g2 - 2 * g3
            u[:-1] += g0 - rise
            u[1:] += rise
            f[:-1] += h * (2 * g2 - g1 - g3)
            f[1:] += h * (g2 - g3)
            found[pair] = Knots(u, f)
        return found


def table_rows(interactions: Interactions, names: tuple[str, ...]) -> TableRows:
    """Return the tables of a state's types, packed."""
    types, tables, first, rows, at = len(names), {}, {}, [], 0
    pairs = np.zeros((types * types, 4))
    for (a, b), table in tables_of(interactions, names).items():
        name = "-".join(sorted((names[a], names[b])))
        for pair in (a * types + b, b * types + a):
            pairs[pair] = table.r_min, 1 / table.spacing, table.n - 1, at
        tables[name], first[name] = table, at
        rows += [table.coefficients, np.zeros((1, 4))]
        at += table.n
    assert all(pair_of(name) for name in tables)
    return TableRows(tables, Rows(np.ascontiguousarray(np.concatenate(rows)), pairs, np.int32(types)), first)
