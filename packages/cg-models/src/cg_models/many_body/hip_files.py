"""HIP-NN networks on disk: one safetensors file with weights by hippynn's names, options, and how they were learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from torch import Tensor

from cg_data import FileError
from cg_data.safe_files import sized_file
from cg_models.many_body.hip_network import HipNetwork, HipOptions
from cg_models.sealed_files import read_sealed, write_sealed

_MOST_BYTES = 2**26


def save_networks(
    networks: Sequence[HipNetwork], path: str | Path, about: Mapping[str, str | float] | None = None
) -> None:
    """Write one file; `about` is kept beside them for whoever reads it: a command, a seed, errors."""
    tensors = {
        f"{k}.{name}": w.contiguous() for k, network in enumerate(networks) for name, w in network.weights.items()
    }
    members = [{"element": n.element, "options": asdict(n.options), "self_energy": n.self_energy} for n in networks]
    said = {"members": members, "units": {"energy": "eV", "length": "angstrom"}, "about": dict(about or {})}
    write_sealed(path, "hipnn", said, tensors)


def load_networks(path: str | Path) -> tuple[HipNetwork, ...]:
    """Return what `save_networks` wrote; FileError for anything else, and where a bit of it has changed."""
    file = sized_file(Path(path), max_bytes=_MOST_BYTES, what="HIP-NN potential")
    try:
        about, tensors = read_sealed(file, "hipnn")
        return tuple(
            HipNetwork(row["element"], HipOptions(**row["options"]), float(row["self_energy"]), _of(k, tensors))
            for k, row in enumerate(about["members"])
        )
    except Exception as error:
        raise FileError(file, f"holds no HIP-NN potential ({error})", remedy="save it again") from error


def _of(member: int, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.split(".", 1)[1]: w for name, w in tensors.items() if name.split(".", 1)[0] == str(member)}
