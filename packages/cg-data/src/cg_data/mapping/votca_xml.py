"""The mapping files of VOTCA: `<cg_molecule>` with beads, weights and force weights.

Read: name, topology/cg_beads/cg_bead (name, type, mapping, beads as RESID:RESNAME:ATOM), maps/map (name, weights, d).
Weights are normalized to 1 and d/weights multiplies the forces, as VOTCA does. Unlike VOTCA, an atom in two
beads gives its force to neither (to both, the mean force would be wrong), and molecules are made whole along the
chain of atoms rather than around the first atom of each bead. Noted and left aside: ident, cg_bonded, symmetry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from cg_data.errors import FileError
from cg_data.mapping.bead_mapping import Bead, Mapping, MoleculeMapping
from cg_data.safe_xml import Node, parse_xml

Scheme = tuple[tuple[float, ...], tuple[float, ...] | None]


def mapping_from_xml(text: str, path: str | Path, atoms: Sequence[str] | None) -> Mapping:
    """Return the mapping of one kind of molecule ("all"); `atoms` gives the order if it is not that of the beads."""
    root = parse_xml(text, path)
    if root.tag != "cg_molecule":
        raise FileError(path, f"begins with <{root.tag[:40]}>, expected <cg_molecule>", line=root.line,
                        remedy="is this a VOTCA mapping? settings.xml and topology.xml are other files")  # fmt: skip
    schemes = {_word(m, "name", path): m for m in _one(root, "maps", path).all("map")}
    topology = _one(root, "topology", path)
    entries = _one(topology, "cg_beads", path).all("cg_bead")
    tokens = [_one(entry, "beads", path).text.split() for entry in entries]
    order = list(atoms) if atoms is not None else list(dict.fromkeys(t for found in tokens for t in found))
    places = _places(order)
    beads = []
    for entry, found in zip(entries, tokens, strict=True):
        numbers = tuple(_place(token, places, entry, path) for token in found)
        beads.append(_bead(entry, numbers, _scheme(entry, schemes, path), path))
    try:
        names = tuple(token.rsplit(":", 1)[-1] for token in order)
        molecule = MoleculeMapping(_word(root, "name", path), names, tuple(beads))
        return Mapping(((molecule, "all"),), _notes(root, topology, entries))
    except FileError:
        raise
    except ValueError as error:
        raise FileError(path, str(error), line=root.line) from None


def _bead(entry: Node, atoms: tuple[int, ...], scheme: Scheme, path: str | Path) -> Bead:
    for symmetry in entry.all("symmetry"):
        if symmetry.text.strip() not in ("1", "3"):
            raise FileError(path, f"symmetry is {symmetry.text.strip()[:20]!r}", line=symmetry.line,
                            remedy="VOTCA knows 1 (sphere) and 3 (ellipsoid)")  # fmt: skip
    weights, d = scheme
    try:
        return Bead(_word(entry, "name", path), _word(entry, "type", path), atoms, weights, "bead", d)
    except FileError:
        raise
    except ValueError as error:
        raise FileError(path, str(error), line=entry.line) from None


def _scheme(entry: Node, schemes: dict[str, Node], path: str | Path) -> Scheme:
    name = _word(entry, "mapping", path)
    if name not in schemes:
        raise FileError(path, f"the bead uses the map {name[:40]!r}, which <maps> does not define",
                        line=entry.line, remedy="add <map><name>…</name><weights>…</weights></map>")  # fmt: skip
    found = schemes[name]
    d = found.all("d")
    return _floats(_one(found, "weights", path), path), _floats(d[0], path) if d else None


def _floats(node: Node, path: str | Path) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in node.text.split())
    except ValueError:
        raise FileError(path, f"<{node.tag}> holds something else than numbers: {node.text.strip()[:40]!r}",
                        line=node.line, remedy="write one number per atom of the bead") from None  # fmt: skip


def _places(order: Sequence[str]) -> dict[str, int]:
    """Return where each atom stands, by its full name and by the part after the last colon, where only one has it."""
    found: dict[str, int] = {}
    for names in ([token.rsplit(":", 1)[-1] for token in order], order):
        times = Counter(names)
        found |= {name: i for i, name in enumerate(names) if times[name] == 1}
    return found


def _place(token: str, places: dict[str, int], entry: Node, path: str | Path) -> int:
    for name in (token, token.rsplit(":", 1)[-1]):
        if name in places:
            return places[name]
    raise FileError(path, f"atom {token[:40]!r} is not among the atoms given", line=entry.line,
                    remedy="give atoms= every atom of the molecule, by RESID:RESNAME:ATOM or by name")  # fmt: skip


def _one(node: Node, tag: str, path: str | Path) -> Node:
    found = node.all(tag)
    if len(found) != 1:
        raise FileError(path, f"<{node.tag[:40]}> has {len(found)} elements <{tag}>, expected one", line=node.line,
                        remedy="see the layout of a mapping file in VOTCA's manual")  # fmt: skip
    return found[0]


def _word(node: Node, tag: str, path: str | Path) -> str:
    return _one(node, tag, path).text.strip()


def _notes(root: Node, topology: Node, entries: list[Node]) -> tuple[str, ...]:
    notes = [f"read from VOTCA XML; ident {ident.text.strip()[:80]}" for ident in root.all("ident")]
    notes += ["cg_bonded was left aside" for _ in topology.all("cg_bonded")]
    notes += [
        f"bead {entry.all('name')[0].text.strip()}: the orientation of the ellipsoid (symmetry 3) was left aside"
        for entry in entries
        for symmetry in entry.all("symmetry")
        if symmetry.text.strip() == "3"
    ]
    return tuple(notes)
