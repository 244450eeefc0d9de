"""HIP-NN networks on disk: one safetensors file with weights by hippynn's names, options, and how they were learned."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from cg_data import FileError
from cg_data.safe_files import atomic_path, sized_file
from cg_models.many_body.hip_network import HipNetwork, HipOptions

_MOST_BYTES = 2**26


def save_networks(
    networks: Sequence[HipNetwork], path: str | Path, about: Mapping[str, str | float] | None = None
) -> None:
    """Write one file; `about` is kept beside them for whoever reads it: a command, a seed, errors."""
    tensors = {
        f"{k}.{name}": w.contiguous() for k, network in enumerate(networks) for name, w in network.weights.items()
    }
    members = [{"element": n.element, "options": asdict(n.options), "self_energy": n.self_energy} for n in networks]
    header = json.dumps(
        {"members": members, "units": {"energy": "eV", "length": "angstrom"}, "about": dict(about or {})}
    )
    with atomic_path(Path(path)) as draft:
        sealed = json.dumps({"hipnn": header, "sha256": _digest(header, tensors)})
        save_file(tensors, draft, metadata={"cg-models": sealed})  # one entry: of several, the order is anyone's guess


def load_networks(path: str | Path) -> tuple[HipNetwork, ...]:
    """Return what `save_networks` wrote; FileError for anything else, and where a bit of it has changed."""
    file = sized_file(Path(path), max_bytes=_MOST_BYTES, what="HIP-NN potential")
    try:
        about, tensors = _read(file)
        return tuple(
            HipNetwork(row["element"], HipOptions(**row["options"]), float(row["self_energy"]), _of(k, tensors))
            for k, row in enumerate(about["members"])
        )
    except Exception as error:
        raise FileError(file, f"holds no HIP-NN potential ({error})", remedy="save it again") from error


def _read(file: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    with safe_open(file, framework="pt") as opened:
        metadata = json.loads(opened.metadata()["cg-models"])
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    if metadata["sha256"] != _digest(metadata["hipnn"], tensors):
        raise ValueError("its numbers are not those that were written")
    return json.loads(metadata["hipnn"]), tensors


def _of(member: int, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.split(".", 1)[1]: w for name, w in tensors.items() if name.split(".", 1)[0] == str(member)}


def _digest(header: str, tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of the header and of names, kinds, shapes and bytes of all tensors."""
    found = hashlib.sha256(header.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        found.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
