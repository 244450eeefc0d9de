"""Networks in the files of NeuroChem, as ANI potentials of one element are published.

| file | holds |
| --- | --- |
| `*.params` | cutoffs, η, ζ and shifts of the environments, and the element |
| `sae_linfit.dat` | the energy [hartree] of an atom that the networks' are counted from |
| `train*/networks/ANN-Al.nnf` | sizes of layers and names of their files, as text, usually compressed |
| `….wparam`, `….bparam` | weights (out, in) and biases, float32 |
"""

from __future__ import annotations

import bz2
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cg_data import FileError
from cg_data.safe_files import sized_file, text_lines
from cg_models.many_body.environment import Environment

Layer = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
_CELU, _LINEAR = "9", "6"
_DEEPEST, _MOST_BYTES = 4, 2**26
_SINGLE = {"radial_cutoff": "Rcr", "angular_cutoff": "Rca", "radial_eta": "EtaR", "angular_eta": "EtaA", "zeta": "Zeta"}
_SEVERAL = {"radial_shifts": "ShfR", "angular_shifts": "ShfA", "sections": "ShfZ"}


@dataclass(frozen=True, slots=True, eq=False)
class Published:
    """An ensemble as it is on disk: `networks` have their layers of weights (out, in) and biases (out,); energies in hartree."""

    element: str
    environment: Environment
    networks: tuple[tuple[Layer, ...], ...]
    self_energy: float


def read_neurochem(folder: str | Path) -> Published:
    """Return the ensemble that is somewhere below a folder, such as a clone of its repository."""
    members = _members(Path(folder))
    home = members[0].parent
    element, environment = _read_params(_one_of(home, members[0], "*.params"))
    networks = tuple(_read_network(_description(member, element), environment.size) for member in members)
    if len({tuple(w.shape for w, _ in layers) for layers in networks}) > 1:
        raise FileError(home, "its networks are of different shapes", remedy="give the folder of one ensemble")
    return Published(element, environment, networks, _read_self_energy(_one_of(home, members[0], "sae*.dat"), element))


def _members(folder: Path) -> list[Path]:
    """Return the folders that have `networks/*.nnf`, in the order of their numbers."""
    if not folder.is_dir():
        raise FileError(folder, "is no folder", remedy="give the folder of the potential, such as a clone of ani-al")
    found = {file.parents[1] for k in range(_DEEPEST + 1) for file in folder.glob("*/" * k + "networks/*.nnf")}
    if not found:
        remedy = f"give its folder, or one at most {_DEEPEST} above, such as a clone of github.com/atomistic-ml/ani-al"
        raise FileError(folder, "has no ANI potential below it: looked for train*/networks/*.nnf", remedy=remedy)
    if len(homes := sorted({str(member.parent) for member in found})) > 1:
        raise FileError(folder, f"has several potentials below it: {', '.join(homes)}", remedy="give the folder of one")
    return sorted(found, key=lambda member: [int(k) if k.isdigit() else k for k in re.split(r"(\d+)", member.name)])


def _one_of(home: Path, member: Path, pattern: str) -> Path:
    for place in (home, member):
        if found := sorted(place.glob(pattern)):
            return found[0]
    raise FileError(home, f"has no {pattern}, nor has {member.name}", remedy="is the potential's folder complete?")


def _read_params(path: Path) -> tuple[str, Environment]:
    said = dict(re.findall(r"^\s*(\w+)\s*=\s*\[?([^\]]*?)\]?\s*$", _text(path), re.MULTILINE))
    if missing := sorted({*_SINGLE.values(), *_SEVERAL.values(), "Atyp"} - set(said)):
        raise FileError(path, f"does not say {', '.join(missing)}", remedy="is it a NeuroChem .params file?")
    elements = [word.strip() for word in said["Atyp"].split(",")]
    if len(elements) != 1:
        raise FileError(path, f"is of the elements {', '.join(elements)}", remedy="potentials of one element are read")
    try:
        single = {field: float(said[name]) for field, name in _SINGLE.items()}
        several = {field: tuple(map(float, said[name].split(","))) for field, name in _SEVERAL.items()}
        return elements[0], Environment(**single, **several)  # type: ignore[arg-type]
    except ValueError as error:
        raise FileError(path, f"makes no environment ({error})", remedy="one number each but shifts") from None


def _read_self_energy(path: Path, element: str) -> float:
    found = re.search(rf"^\s*{element}\s*,\s*\d+\s*=\s*(\S+)\s*$", _text(path), re.MULTILINE)
    try:
        return float(found[1]) if found else np.nan + float("")
    except ValueError:
        raise FileError(path, f"has no energy of {element}", remedy="a line is Al,0=-2.7 [hartree]") from None


def _description(member: Path, element: str) -> Path:
    found = sorted((member / "networks").glob(f"*-{element}.nnf"))
    if not found:
        raise FileError(member, f"has no networks/*-{element}.nnf", remedy="is the potential's folder complete?")
    return found[0]


def _read_network(path: Path, features: int) -> tuple[Layer, ...]:
    """Return weights and biases of the layers that a description names."""
    described = re.findall(r"layer\s*\[(.*?;)\s*\]", _described(path), re.DOTALL)
    layers: list[Layer] = []
    for k, fields in enumerate(dict(re.findall(r"(\w+)\s*=\s*([^;\n]+);", text)) for text in described):
        wanted = _LINEAR if k == len(described) - 1 else _CELU
        if fields.get("activation") != wanted:
            said = f"layer {k + 1} has activation {fields.get('activation')}"
            raise FileError(path, f"{said}, not {wanted}", remedy="CELU (9), and 6 at the end, are what is known")
        layers.append(_read_layer(path, fields, features))
        features = len(layers[-1][1])
    if not layers or features != 1:
        raise FileError(path, "describes no network that ends in one number", remedy="is it a NeuroChem .nnf file?")
    return tuple(layers)


def _read_layer(path: Path, fields: Mapping[str, str], features: int) -> Layer:
    try:
        nodes = int(fields["nodes"])
        names = [re.fullmatch(r"FILE:([\w.-]+)\[\d+\]", fields[what].strip()) for what in ("weights", "biases")]
        weights, biases = (
            np.fromfile(sized_file(path.with_name(name[1]), what="network's weights"), "<f4") for name in names if name
        )
        return weights.reshape(nodes, features), biases.reshape(nodes)
    except (KeyError, ValueError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(
            path, f"names a layer that cannot be read ({error})", remedy="is its folder complete?"
        ) from None


def _described(path: Path) -> str:
    """Return the text of a description; if it is compressed, it follows a line of its own."""
    content = sized_file(path, max_bytes=_MOST_BYTES, what="NeuroChem").read_bytes()
    start = content.find(b"BZh")
    try:
        if start < 0:
            return content.decode()
        return bz2.BZ2Decompressor().decompress(content[start:], max_length=_MOST_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(path, f"is neither text nor bzip2 ({error})", remedy="fetch it again") from None


def _text(path: Path) -> str:
    return "\n".join(line for _, line in text_lines(path, max_bytes=_MOST_BYTES, what="file of parameters"))
