"""What a mapping is: beads made of atoms, molecules made of beads, a system made of molecules.

Frozen records that travel as JSON in a dataset's attributes; `Mapping.digest` names their content. The position map is
X_I = Σ_i c_Ii x_i with Σ_i c_Ii = 1. The force map is F_I = Σ_i b_Ii f_i, and its mean is the mean force
whatever the potential if Σ_i b_Ii c_Ji = δ_IJ; a mapping for which that fails is refused when it is made
(Noid et al., J. Chem. Phys. 128, 244114, 2008; Ciccotti, Kapral and Vanden-Eijnden, ChemPhysChem 6, 1809, 2005).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from operator import index
from typing import Literal

from cg_data.mapping.whole import spanning_tree

Weights = tuple[float, ...] | Literal["mass", "equal"]
ForceAtoms = tuple[int, ...] | Literal["bead", "molecule"]
Count = int | Literal["all"]


@dataclass(frozen=True, slots=True)
class Bead:
    """One bead of a molecule: `atoms` counts from 0 within the molecule, `weights` places the bead.

    `weights`: "mass" (center of mass), "equal" (center of geometry) or one number per atom, normalized to 1;
    an atom of weight 0 adds its mass to the bead but neither moves it nor pulls at it.
    `force_atoms` says which forces are summed: "bead" (the atoms of this bead that are in no other), "molecule",
    or atoms by number: those of the bead and others that are in no bead, as for a bead on the oxygen of a
    rigid water. `force_weights` are the d of Noid 2008, F = Σ (d_i/c_i) f_i, for the atoms of the bead.

    >>> Bead("W", "W", (0, 1, 2), (16.0, 1.0, 1.0)).weights[0] == 16 / 18
    True
    """

    name: str
    type: str
    atoms: tuple[int, ...]
    weights: Weights = "mass"
    force_atoms: ForceAtoms = "bead"
    force_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        where = f"bead {_word(self.name, 'the name of a bead')}"
        _word(self.type, f"{where}: its type")
        _set(self, "atoms", _numbers_of_atoms(self.atoms, where))
        _set(self, "weights", _choice(self.weights, ("mass", "equal"), f"{where}: weights")
             or normalized(self.weights, len(self.atoms), f"{where}: weights"))  # fmt: skip
        _set(self, "force_atoms", _choice(self.force_atoms, ("bead", "molecule"), f"{where}: force_atoms")
             or _numbers_of_atoms(self.force_atoms, f"{where}: force_atoms"))  # fmt: skip
        if self.force_weights is not None:
            if self.force_atoms != "bead":
                raise ValueError(f"{where}: force_weights go with force_atoms = 'bead', got {self.force_atoms!r}")
            what = f"{where}: force_weights"
            _set(self, "force_weights", normalized(self.force_weights, len(self.atoms), what))

    @property
    def support(self) -> frozenset[int]:
        """The atoms that move the bead: those of nonzero weight."""
        if isinstance(self.weights, str):
            return frozenset(self.atoms)
        return frozenset(atom for atom, w in zip(self.atoms, self.weights, strict=True) if w != 0.0)


@dataclass(frozen=True, slots=True)
class MoleculeMapping:
    """One kind of molecule: the names of its atoms in order, its beads, and how its atoms hang together.

    `bonds` (pairs of atoms) are the paths along which a molecule is made whole across the box; without them each
    atom must be near the one before it. `constraints` (pairs) are the distances a simulation held fixed: forces
    written by such a run lack the constraint forces, so a force map must give both atoms the same coefficient.
    A molecule without beads is dropped.
    """

    name: str
    atoms: tuple[str, ...]
    beads: tuple[Bead, ...]
    bonds: tuple[tuple[int, int], ...] = ()
    constraints: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        where = f"molecule {_word(self.name, 'the name of a molecule')}"
        _set(self, "atoms", tuple(_word(atom, f"{where}: an atom") for atom in _sequence(self.atoms, where)))
        if not self.atoms:
            raise ValueError(f"{where} has no atoms: name them in the order of the trajectory")
        _set(self, "beads", tuple(self.beads))
        for pairs in ("bonds", "constraints"):
            _set(self, pairs, _pairs(getattr(self, pairs), len(self.atoms), f"{where}: {pairs}"))
        _check_beads(self.beads, len(self.atoms), where)
        _check_forces(self, where)
        spanning_tree(len(self.atoms), self.bonds)


@dataclass(frozen=True, slots=True)
class Mapping:
    """The molecules of a system in the order of the trajectory, each kind with its count or "all" (of the rest).

    `notes` says what a reader left aside; it is no part of the content, so neither of the digest.
    """

    molecules: tuple[tuple[MoleculeMapping, Count], ...]
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        _set(self, "molecules", tuple((molecule, count) for molecule, count in self.molecules))
        for molecule, count in self.molecules:
            if count != "all" and (isinstance(count, bool | str) or not 1 <= index(count) <= 2**53):
                raise ValueError(f"molecule {molecule.name}: its count must be a number from 1, or 'all'")
        if sum(count == "all" for _, count in self.molecules) > 1:
            raise ValueError("count = 'all' twice: only one kind of molecule can be the rest; give the others' counts")
        if not any(molecule.beads for molecule, _ in self.molecules):
            raise ValueError("the mapping has no bead: give at least one molecule with one bead")

    def to_json(self) -> str:
        """Return the canonical JSON: the same mapping gives the same text, in any process."""
        from cg_data.mapping.records import to_json

        return to_json(self)

    @classmethod
    def from_json(cls, text: str) -> Mapping:
        """Return the mapping written by `to_json`; ValueError for anything else."""
        from cg_data.mapping.records import from_json

        return from_json(text)

    @property
    def digest(self) -> str:
        """The sha256 of the canonical JSON, in hex: equal for equal mappings only."""
        return sha256(self.to_json().encode()).hexdigest()


def one_bead(
    name: str,
    atoms: Sequence[str],
    *,
    bead_atoms: Sequence[int] | None = None,
    weights: Weights = "mass",
    force_atoms: ForceAtoms = "bead",
    bonds: Sequence[tuple[int, int]] = (),
) -> Mapping:
    """Return the mapping of a one-component system onto one bead per molecule, of type `name`.

    The bead is made of all atoms, or of `bead_atoms`: (0,) with weights="equal" puts it on the first atom.

    >>> one_bead("water", ["O", "H", "H"]).molecules[0][0].beads[0].atoms
    (0, 1, 2)
    """
    chosen = tuple(range(len(atoms))) if bead_atoms is None else tuple(bead_atoms)
    bead = Bead(name, name, chosen, weights, force_atoms)
    return Mapping(((MoleculeMapping(name, tuple(atoms), (bead,), tuple(bonds)), "all"),))


def normalized(weights: object, n: int, where: str) -> tuple[float, ...]:
    """Return n nonnegative weights divided by their sum; a second time changes nothing."""
    given = _sequence(weights, where)
    try:
        values = [float(w) for w in given if not isinstance(w, bool | str)]  # type: ignore[arg-type]
    except (TypeError, OverflowError):
        values = []
    if len(values) != len(given) or not all(math.isfinite(w) and w >= 0 for w in values):
        raise ValueError(f"{where} must be numbers that are finite and not negative")
    if len(values) != n:
        raise ValueError(f"{where}: {len(values)} numbers for {n} atoms; give one per atom, in their order")
    largest = max(values)
    if largest == 0.0:
        raise ValueError(f"{where} are all zero: at least one atom must place the bead")
    if abs(math.fsum(w / largest for w in values) * largest - 1.0) < 1e-12:
        return tuple(values)
    scaled = [w / largest for w in values]
    total = math.fsum(scaled)
    return tuple(w / total for w in scaled)


def _check_beads(beads: tuple[Bead, ...], n: int, where: str) -> None:
    name, times = Counter(["", *(bead.name for bead in beads)]).most_common(1)[0]
    if times > 1:
        raise ValueError(f"{where}: two beads are called {name}; give each its own name (types may repeat)")
    for bead in beads:
        extra = bead.force_atoms if isinstance(bead.force_atoms, tuple) else ()
        if (highest := max((*bead.atoms, *extra))) >= n:
            raise ValueError(f"{where}, bead {bead.name}: atom {highest} of {n}; atoms count from 0 to {n - 1}")


def _check_forces(molecule: MoleculeMapping, where: str) -> None:
    held = Counter(atom for bead in molecule.beads for atom in bead.support)
    shared = {atom for atom, times in held.items() if times > 1}
    for bead in molecule.beads:
        problem = _force_problem(bead, shared, set(held), range(len(molecule.atoms)))
        if problem:
            raise ValueError(f"{where}, bead {bead.name}: {problem}")


def _force_problem(bead: Bead, shared: set[int], held: set[int], every: Iterable[int]) -> str | None:
    """Say why Σ_i b_Ii c_Ji = δ_IJ fails for this bead; None if it holds."""
    if bead.force_atoms == "bead":
        if bead.support <= shared:
            return "all its atoms are in other beads too, so no force belongs to it: give it an atom of its own"
        for atom, d in zip(bead.atoms, bead.force_weights or (), strict=bool(bead.force_weights)):
            if d != 0.0 and (atom not in bead.support or atom in shared):
                return f"the force weight of atom {atom} must be 0: its weight is 0 or it is in another bead too"
        return None
    summed = set(every) if bead.force_atoms == "molecule" else set(bead.force_atoms)
    if not bead.support <= summed:
        return f"force_atoms leave out atom {min(bead.support - summed)} of the bead: add it"
    if others := (summed & held) - (bead.support - shared):
        return f"force_atoms hold atom {min(others)} of another bead: its force would be counted for both"
    return None


def _set(record: object, name: str, value: object) -> None:
    object.__setattr__(record, name, value)


def _word(value: object, what: str) -> str:
    if not isinstance(value, str) or not value or not value.isprintable() or " " in value or len(value) > 200:
        raise ValueError(f"{what} must be one word, got {str(value)[:40]!r}")
    return value


def _sequence(value: object, where: str) -> tuple[object, ...]:
    if isinstance(value, str | bytes | dict) or not isinstance(value, Iterable):
        raise ValueError(f"{where}: expected a list, got {type(value).__name__}")
    return tuple(value)


def _choice(value: object, choices: tuple[str, ...], where: str) -> str | None:
    if isinstance(value, str) and value not in choices:
        raise ValueError(f"{where} must be one of {', '.join(choices)} or a list, got {value[:40]!r}")
    return value if isinstance(value, str) else None


def _numbers_of_atoms(atoms: object, where: str) -> tuple[int, ...]:
    given = _sequence(atoms, where)
    try:
        numbers = tuple(index(a) for a in given if not isinstance(a, bool))  # type: ignore[arg-type]
    except TypeError:
        numbers = ()
    inside = bool(numbers) and 0 <= min(numbers) <= max(numbers) < 2**31
    if len(numbers) != len(given) or not inside or len(set(numbers)) != len(numbers):
        raise ValueError(f"{where}: atoms must be different numbers from 0, at least one")
    return numbers


def _pairs(pairs: object, n: int, where: str) -> tuple[tuple[int, int], ...]:
    found = []
    for pair in _sequence(pairs, where):
        i, j = (*_numbers_of_atoms(pair, where), -1, -1)[:2]
        if len(_sequence(pair, where)) != 2 or max(i, j) >= n:
            raise ValueError(f"{where} must be pairs of different atoms from 0 to {n - 1}")
        found.append((i, j))
    return tuple(found)
