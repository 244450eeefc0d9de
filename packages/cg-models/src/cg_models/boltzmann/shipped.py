"""Trained networks in this package: safetensors with a description in their header; nothing in them is executed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from cg_data import FileError
from cg_data.safe_files import atomic_path, sized_file
from cg_models.boltzmann.domain import Domain
from cg_models.boltzmann.informed_potential import InformedPotential
from cg_models.boltzmann.informed_pressure import InformedPressure
from cg_models.boltzmann.options import PotentialOptions, PressureOptions
from cg_models.boltzmann.potential import PotentialModel
from cg_models.boltzmann.pressure import PressureModel

Network = InformedPotential | InformedPressure | PotentialModel | PressureModel
_MOST_BYTES = 2**26
_SETTINGS = {InformedPotential: ("width", "layers"), InformedPressure: ("width",)}
_OPTIONS: dict[type[nn.Module], type[Any]] = {PotentialModel: PotentialOptions, PressureModel: PressureOptions}
_KINDS: dict[str, type[Any]] = {k.__name__: k for k in (*_SETTINGS, *_OPTIONS)}


@dataclass(frozen=True, slots=True, eq=False)
class Ensemble:
    """Networks of one kind that differ in their weights, what they learned of, and words on how."""

    members: Sequence[Network]
    domain: Domain
    about: Mapping[str, str]

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation over the members."""
        with torch.no_grad():
            found = torch.stack([member(*inputs) for member in self.members])
        return found.mean(dim=0), found.std(dim=0, correction=1)


def save_ensemble(ensemble: Ensemble, path: str | Path) -> None:
    """Write weights in half precision, the domain and the description."""
    first = ensemble.members[0]
    tensors = {
        f"{k}.{n}": p.detach().half().contiguous()
        for k, m in enumerate(ensemble.members)
        for n, p in m.state_dict().items()
    }
    tensors |= {f"domain.{f.name}": getattr(ensemble.domain, f.name).float().contiguous() for f in fields(Domain)}
    if type(first) in _SETTINGS:
        settings = {name: getattr(first, name) for name in _SETTINGS[type(first)]}
    else:
        options: Any = first.options
        settings = {f.name: getattr(options, f.name) for f in fields(options)}
    header = {
        "kind": type(first).__name__,
        "settings": json.dumps(settings),
        "members": str(len(ensemble.members)),
        **ensemble.about,
    }
    with atomic_path(Path(path)) as draft:
        save_file(tensors, draft, metadata=header)


def load_ensemble(path: str | Path) -> Ensemble:
    """Return what `save_ensemble` wrote; FileError for anything else."""
    file = sized_file(Path(path), max_bytes=_MOST_BYTES, what="set of trained networks")
    try:
        with safe_open(file, framework="pt") as opened:
            about = dict(opened.metadata())
            tensors = {name: opened.get_tensor(name).float() for name in opened.keys()}  # noqa: SIM118
        kind, settings, count = _KINDS[about.pop("kind")], json.loads(about.pop("settings")), int(about.pop("members"))
        domain = Domain(*(tensors[f"domain.{f.name}"] for f in fields(Domain)))
        members: list[Network] = []
        for k in range(count):
            member: Any = kind(_OPTIONS[kind](**settings)) if kind in _OPTIONS else kind(**settings)
            prefix = f"{k}."
            member.load_state_dict({n.removeprefix(prefix): x for n, x in tensors.items() if n.startswith(prefix)})
            members.append(member.eval())
    except Exception as error:
        raise FileError(
            file, f"holds no networks of this package ({error})", remedy="install the package again"
        ) from error
    return Ensemble(members, domain, about)


@cache
def shipped(name: str) -> Ensemble:
    """Return networks that came with the package: informed-potential, informed-pressure, CN-f or UN-c-Bn."""
    with as_file(files("cg_models.boltzmann") / "weights" / f"{name}.safetensors") as path:
        return load_ensemble(path)
