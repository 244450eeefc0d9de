"""Smooth environments, DeepPot-SE of arXiv:1805.09003 as deepmd-kit computes them (`se_e2_a`): D = Tᵀ T′, T = 1/N Σ_j R_ij ⊗ G(s_ij)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from cg_models.deep_potential import moment_kernels, smooth_kernels
from cg_models.deep_potential.layers import Layers
from cg_models.deep_potential.options import SmoothOptions
from cg_models.deep_potential.structures import Structures
from cg_models.deep_potential.tables import knots_for, spacing_for, tabulated

Array = npt.NDArray[np.float64]
ALLOWED = 1e-8  # error of tables and of their slopes, of the largest value of each
_LEAST = 1e-2  # of spreads, as deepmd-kit has it
_MARGIN = 0.9  # tables go on to this share of the shortest distance that has been seen


class SmoothEnvironments(nn.Module):
    """Environments with embedding networks; `mean`, `radial` and `angular` are μ, σ, σ′ of R by type of center.

    With second moments T has six rows more, with σ″ `quadratic`, whose products are features of their own.
    """

    mean: Tensor
    radial: Tensor
    angular: Tensor
    quadratic: Tensor

    def __init__(self, options: SmoothOptions, noise: torch.Generator) -> None:
        super().__init__()
        self.options = options
        scales = (("mean", 0.0), ("radial", 1.0), ("angular", 1.0), ("quadratic", 1.0))
        for name, value in scales[: 2 + options.moments]:
            self.register_buffer(name, torch.full((options.types,), value, dtype=torch.float64))
        count = options.types if options.one_side else options.types**2
        sizes = (1, *options.embedding)
        self.networks = nn.ModuleList(Layers(sizes, steps=options.embedding_steps, noise=noise) for _ in range(count))
        self.reach = (math.inf, 0.0)
        self._of, self._reaches = torch.empty(0, dtype=torch.float64), math.inf
        self._table: tuple[Tensor, float]

    @property
    def size(self) -> int:
        """How many features an atom has."""
        return self.options.embedding[-1] * self.options.axes * self.options.moments

    @property
    def rows(self) -> list[slice]:
        """Which rows of T are contracted with one another."""
        return [slice(0, 4), slice(4, 4 + moment_kernels.ROWS)][: self.options.moments]

    @property
    def embeddings(self) -> list[Layers]:
        """The networks, by center and neighbor, one after the other, or by neighbor alone."""
        return cast(list[Layers], list(self.networks))

    def prepared(self, structures: Structures, *, learning: bool = False, unchanged: bool = False) -> SmoothPrepared:
        """Return T of all atoms, from tables that reach to the nearest neighbors there are."""
        self._look(structures.shortest)
        if learning and not self.reach[1]:
            self.remeasure()
        table, spacing = self._made(self.reach[1]) if learning else self._kept(unchanged)
        return SmoothPrepared(self, structures, self._rows(spacing), table)

    def features(self, types: Tensor, given: Tensor, *along: Tensor) -> list[Tensor]:
        """Return D (atom, size) and its change, of T (atom, 4, channel) and its change."""
        channels, axes, found = self.options.embedding[-1], self.options.axes, []
        for rows in self.rows:
            t, *changed = [x[:, rows, :channels] for x in (given, *along)]
            some = [t.mT @ t[..., :axes]] + [x.mT @ t[..., :axes] + t.mT @ x[..., :axes] for x in changed]
            found.append([x.flatten(1) for x in some])
        return found[0] if len(found) == 1 else [torch.cat(parts, dim=1) for parts in zip(*found, strict=True)]

    def back(self, types: Tensor, given: Tensor, by: Tensor) -> Tensor:
        """Return dE/dT (atom, 4, channel) of dE/dD."""
        channels, axes, found = self.options.embedding[-1], self.options.axes, torch.zeros_like(given)
        for rows, part in zip(self.rows, by.chunk(len(self.rows), dim=1), strict=True):
            t, d = given[:, rows, :channels], part.reshape(len(by), channels, axes)
            found[:, rows, :channels] = t[..., :axes] @ d.mT
            found[:, rows, :axes] += t @ d
        return found

    def normalize(self, structures: Structures) -> None:
        """Set μ, σ and σ′ so that numbers of `count` neighbors, those that are missing counted as 0, are of size 1."""
        options = self.options
        self._look(structures.shortest)
        d = np.linalg.norm(structures.vectors, axis=1)
        near = d < options.cutoff
        u = ((d[near] - options.smooth_from) / (options.cutoff - options.smooth_from)).clip(0, 1)
        s = (1 - u**3 * (10 - u * (15 - 6 * u))) / d[near]
        kinds, of = structures.types[structures.i[near]], sum(options.count)
        for c in range(options.types):
            number = max(of * int((structures.types == c).sum()), 1)
            mean, square = s[kinds == c].sum() / number, (s[kinds == c] ** 2).sum() / number
            self.mean[c] = mean
            self.radial[c] = max(math.sqrt(max(square - mean**2, 0)), _LEAST)
            self.angular[c] = max(math.sqrt(square / 3), _LEAST)
            if options.moments > 1:
                self.quadratic[c] = max(math.sqrt(square) / 3, _LEAST)

    def _start(self) -> Tensor:
        return -self.mean / self.radial

    def _end(self) -> Tensor:
        return (1 / self.reach[0] - self.mean) / self.radial

    def remeasure(self) -> None:
        """Let the next tables that are learned with be as near to their networks as these weights need."""
        self.reach = (self.reach[0], self._spacing() if self.reach[0] < math.inf else 0.0)

    def _look(self, shortest: float) -> None:
        """Let tables reach to the shortest distance."""
        if not shortest > 0:
            raise ValueError("two atoms are at the same place")
        if shortest < self.reach[0]:
            self.reach = (_MARGIN * min(shortest, self.options.cutoff), self.reach[1])

    def _spacing(self) -> float:
        return spacing_for(self.embeddings, self._start(), self._end(), ALLOWED)

    def _kept(self, unchanged: bool) -> tuple[Tensor, float]:
        """Return the table, made anew where weights have changed or atoms come nearer than before."""
        if unchanged and self._reaches == self.reach[0]:
            return self._table
        with torch.no_grad():  # weights themselves are compared: not all that changes them counts versions of tensors
            of = torch.cat([self._end(), *(p.flatten() for p in self.parameters()), *self.buffers()])
            if not torch.equal(of, self._of):
                self._table, self._of = self._made(self._spacing()), of
            self._reaches = self.reach[0]
        return self._table

    def _made(self, spacing: float) -> tuple[Tensor, float]:
        start = self._start()
        return tabulated(self.embeddings, start, knots_for(start, self._end(), spacing), spacing), spacing

    def _rows(self, spacing: float) -> smooth_kernels.Rows:
        mean, radial, angular, start = (x.numpy() for x in (self.mean, self.radial, self.angular, self._start()))
        options = self.options
        return smooth_kernels.Rows(
            options.cutoff, options.smooth_from, mean, 1 / radial, 1 / angular, start, 1 / spacing,
            np.array(options.count, dtype=np.float64), 1 / self.quadratic.numpy() if options.moments > 1 else mean,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class SmoothPrepared:
    """Some structures, and a table of this moment; `given` is T (atom, 4 or 10, channel)."""

    environments: SmoothEnvironments
    structures: Structures
    rows: smooth_kernels.Rows
    table: Tensor
    given: Tensor = field(init=False)

    def __post_init__(self) -> None:
        table = self._table()
        out = self._empty(4)
        smooth_kernels.values(*self._where(), table, out)
        object.__setattr__(self, "given", self._beside(out, moment_kernels.values, table))

    def slopes(self, by: Tensor) -> Array:
        """Return dE/dvector (edge, 3) of dE/dT."""
        out, table = np.empty_like(self.structures.vectors), self._table()
        smooth_kernels.slopes(*self._where(), table, _plain(by[:, :4]), out)
        if self._second:
            moment_kernels.slopes(*self._where(), table, _plain(by[:, 4:]), out)
        return out

    def changes(self, u: Array) -> Tensor:
        """Return the change of T along u (edge, 3)."""
        out, table = self._empty(4), self._table()
        smooth_kernels.changes(*self._where(), table, u, out)
        return self._beside(out, moment_kernels.changes, table, u)

    def learn(self, u: Array, change: Tensor, by: Tensor, by_change: Tensor) -> None:
        """Add gradients of the embedding networks' weights; D is of second order in T, and its change bilinear."""
        types, back, out = torch.from_numpy(self.structures.types), self.environments.back, np.zeros(self.table.shape)
        by_given = back(types, self.given, by) + back(types, change, by_change)
        by_turn = back(types, self.given, by_change)
        smooth_kernels.table_slopes(*self._where(), u, _plain(by_given[:, :4]), _plain(by_turn[:, :4]), out)
        if self._second:
            moment_kernels.table_slopes(*self._where(), u, _plain(by_given[:, 4:]), _plain(by_turn[:, 4:]), out)
        self.table.backward(torch.from_numpy(out))  # type: ignore[no-untyped-call]

    @property
    def _second(self) -> bool:
        return self.environments.options.moments > 1

    def _empty(self, rows: int) -> Array:
        return np.empty((len(self.structures.types), rows, self.table.shape[-1]))

    def _beside(self, first: Array, kernel: Callable[..., None], *given: Array) -> Tensor:
        """Return rows with those of second moments after them, where there are such."""
        if not self._second:
            return torch.from_numpy(first)
        kernel(*self._where(), *given, out := self._empty(moment_kernels.ROWS))
        return torch.from_numpy(np.concatenate([first, out], axis=1))

    def _where(self) -> tuple[object, ...]:
        s = self.structures
        return s.types, s.first, s.j, s.vectors, self.rows

    def _table(self) -> Array:
        found: Array = self.table.detach().numpy()
        return found


def _plain(by: Tensor) -> Array:
    found: Array = by.detach().to(torch.float64).contiguous().numpy()
    return found
