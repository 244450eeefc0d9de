"""Interactions: one potential per unordered pair of particle types."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import combinations_with_replacement

from cg_data.potentials.pair_potential import Potential

Pair = tuple[str, str]
_TYPE = re.compile(r"[\w+*.]+")


def pair_of(name: str | Pair) -> Pair:
    """Return the sorted pair named by ("B", "A"), by "B-A", or by one type's name.

    >>> pair_of("B-A"), pair_of("W")
    (('A', 'B'), ('W', 'W'))
    """
    if isinstance(name, str):
        parts = name.split("-")
        if len(parts) > 2:
            raise ValueError(f"{name!r} does not name a pair: write A-B, and no '-' inside a type's name")
        a, b = parts[0], parts[-1]
    else:
        a, b = name
    for kind in (a, b):
        if not _TYPE.fullmatch(kind):
            raise ValueError(f"{kind!r} cannot name a type: letters, digits and _ + * . only, as files must hold it")
    return (a, b) if a <= b else (b, a)


def type_name(text: str) -> str:
    """Return a text as a type's name, characters that cannot be in one replaced by _.

    >>> type_name("name HW-1")
    'name_HW_1'
    """
    return re.sub(r"[^\w+*.]", "_", text.strip()) or "A"


def pair_name(pair: Pair) -> str:
    """Return "A-B", types sorted."""
    return "-".join(pair_of(pair))


class Interactions(Mapping[Pair, Potential]):
    """A frozen table of pair potentials; ("A", "B") and ("B", "A") are one key.

    >>> from cg_data import LennardJones
    >>> both = Interactions({("B", "A"): LennardJones()})
    >>> both["A", "B"] is both["B", "A"], both.types
    (True, ('A', 'B'))
    """

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Mapping[Pair, Potential]) -> None:
        table: dict[Pair, Potential] = {}
        for key, potential in pairs.items():
            pair = pair_of(key)
            if pair in table:
                raise ValueError(f"the pair {pair_name(pair)} is given twice")
            if not isinstance(potential, Potential):
                raise TypeError(f"{pair_name(pair)}: expected a potential, got {type(potential).__name__}")
            table[pair] = potential
        self._pairs = table

    def __getitem__(self, key: Pair) -> Potential:
        try:
            return self._pairs[pair_of(key)]
        except KeyError:
            known = ", ".join(pair_name(p) for p in self._pairs)
            raise KeyError(f"no potential for the pair {pair_name(key)}; there are: {known}") from None

    def __iter__(self) -> Iterator[Pair]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    @property
    def types(self) -> tuple[str, ...]:
        """Type names, sorted."""
        return tuple(sorted({t for pair in self for t in pair}))

    @property
    def cutoff(self) -> float:
        """The largest cutoff [length]."""
        return max(p.cutoff for p in self.values())

    def missing(self, types: tuple[str, ...] | None = None) -> tuple[Pair, ...]:
        """Return the pairs among `types` (all known ones by default) that have no potential."""
        wanted = combinations_with_replacement(sorted(types or self.types), 2)
        return tuple(pair for pair in wanted if pair not in self._pairs)


def as_interactions(given: Potential | Mapping[Pair, Potential], type_name: str = "A") -> Interactions:
    """Return `given` as Interactions; a single potential acts between particles of `type_name`."""
    if isinstance(given, Interactions):
        return given
    if isinstance(given, Mapping):
        return Interactions(given)
    return Interactions({(type_name, type_name): given})
