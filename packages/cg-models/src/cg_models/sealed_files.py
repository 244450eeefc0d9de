"""One safetensors file of tensors and what is said of them, with a digest of both: a bit that has changed is noticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from cg_data.safe_files import atomic_path

_ENTRY = "cg-models"  # of the metadata, one: of several, the order is anyone's guess


def write_sealed(path: str | Path, kind: str, about: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Write the file whole or not at all; `about` becomes JSON."""
    header = json.dumps(about)
    with atomic_path(Path(path)) as draft:
        sealed = json.dumps({kind: header, "sha256": _digest(header, tensors)})
        save_file(dict(tensors), draft, metadata={_ENTRY: sealed})


def read_sealed(file: Path, kind: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return what is said, and the tensors; ValueError where they are not those that were written, other errors of other files."""
    with safe_open(file, framework="pt") as opened:
        metadata = json.loads(opened.metadata()[_ENTRY])
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    if metadata["sha256"] != _digest(metadata[kind], tensors):
        raise ValueError("its numbers are not those that were written")
    return json.loads(metadata[kind]), tensors


def _digest(header: str, tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of the header and of names, kinds, shapes and bytes of all tensors."""
    found = hashlib.sha256(header.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        found.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
