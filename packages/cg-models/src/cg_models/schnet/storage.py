"""Bead potentials on disk: one safetensors file with weights, tables of the priors, and what types and units are meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cg_data import FileError, Units
from cg_data.pair_table import PairTable
from cg_data.safe_files import sized_file
from cg_models.schnet.bead_potential import BeadPotential, Prior
from cg_models.schnet.network import SchNet, SchNetOptions
from cg_models.sealed_files import read_sealed, write_sealed

_MOST_BYTES = 2**30


@dataclass(frozen=True, slots=True, eq=False)
class StoredBeads:
    """A potential, the names of its types in their order, and its units: what an engine or a calculator asks for."""

    potential: BeadPotential
    types: tuple[str, ...]
    units: Units


def save_beads(
    potential: BeadPotential, path: str | Path, types: Sequence[str], units: Units, *, points: int = 2000
) -> None:
    """Write one file; priors that are no tables become ones of so many points, straight lines below the first."""
    options = potential.network.options
    if len(types) != options.types:
        raise ValueError(f"the potential has {options.types} types, got the names {', '.join(types)}")
    tensors = {name: p.detach().cpu().contiguous() for name, p in potential.state_dict().items()}
    priors: list[dict[str, Any]] = []
    for where, curves in (("between", potential.prior.between), ("inside", potential.prior.inside)):
        for (a, b), curve in curves.items():
            table = curve if isinstance(curve, PairTable) else PairTable.from_potential(curve, points)
            name = f"prior.{len(priors)}"
            tensors |= {f"{name}.{k}": torch.from_numpy(np.array(getattr(table, f"{k}_knots"))) for k in ("u", "f")}
            about = {"r_min": table.r_min, "cutoff": table.cutoff, "inner": table.inner}
            priors.append({"where": where, "types": [a, b], "name": name, **about})
    said = {"options": asdict(options), "types": list(types), "units": asdict(units), "priors": priors}
    write_sealed(path, "beads", said, tensors)


def load_beads(path: str | Path) -> StoredBeads:
    """Return what `save_beads` wrote; FileError for anything else, and where a bit of it has changed."""
    file = sized_file(Path(path), max_bytes=_MOST_BYTES, what="bead potential")
    try:
        about, tensors = read_sealed(file, "beads")
        potential = BeadPotential(SchNet(SchNetOptions(**about["options"])), _prior(about["priors"], tensors))
        weights = {name: t for name, t in tensors.items() if not name.startswith("prior.")}
        potential.to(weights["network.embedding.weight"].dtype).load_state_dict(weights)
        return StoredBeads(potential.eval(), tuple(about["types"]), Units(**about["units"]))
    except Exception as error:
        raise FileError(file, f"holds no bead potential ({error})", remedy="save it again") from error


def _prior(rows: Sequence[Mapping[str, Any]], tensors: Mapping[str, Tensor]) -> Prior:
    found: dict[str, dict[tuple[int, int], PairTable]] = {"between": {}, "inside": {}}
    for row in rows:
        a, b = (int(k) for k in row["types"])
        u, f = (tensors[f"{row['name']}.{k}"].numpy() for k in ("u", "f"))
        found[row["where"]][a, b] = PairTable.from_forces(row["r_min"], row["cutoff"], u, f, inner=row["inner"])
    return Prior(**found)
