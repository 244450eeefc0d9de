"""Deep potentials on disk: one safetensors file with weights, options, tables of the prior, and what types and units are meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cg_data import FileError, Units
from cg_data.pair_table import PairTable
from cg_data.safe_files import sized_file
from cg_models.deep_potential.options import LocalFrameOptions, Options, SmoothOptions
from cg_models.deep_potential.potential import DeepPotential
from cg_models.deep_potential.stored import StoredDeep
from cg_models.schnet.bead_potential import Prior
from cg_models.sealed_files import read_sealed, write_sealed

_MOST_BYTES = 2**31
_KINDS: dict[str, type[SmoothOptions] | type[LocalFrameOptions]] = {
    "smooth": SmoothOptions,
    "local frame": LocalFrameOptions,
}


def save_deep(
    potential: DeepPotential, path: str | Path, types: Sequence[str], units: Units, *, points: int = 2000
) -> None:
    """Write one file; priors that are no tables become ones of so many points, straight lines below the first."""
    if len(types) != potential.options.types:
        raise ValueError(f"the potential has {potential.options.types} types, got the names {', '.join(types)}")
    tensors = {name: p.detach().contiguous() for name, p in potential.state_dict().items()}
    priors = []
    for k, (pair, curve) in enumerate(potential.prior.between.items()):
        table = curve if isinstance(curve, PairTable) else PairTable.from_potential(curve, points)
        tensors |= {f"prior.{k}.{x}": torch.from_numpy(np.array(getattr(table, f"{x}_knots"))) for x in ("u", "f")}
        priors.append({"types": pair, "r_min": table.r_min, "cutoff": table.cutoff, "inner": table.inner})
    (kind,) = (name for name, options in _KINDS.items() if isinstance(potential.options, options))
    said = {
        "kind": kind,
        "options": asdict(potential.options),
        "types": list(types),
        "units": asdict(units),
        "priors": priors,
    }
    write_sealed(path, "deep", said, tensors)


def load_deep(path: str | Path) -> StoredDeep:
    """Return what `save_deep` wrote; FileError for anything else, and where a bit of it has changed."""
    file = sized_file(Path(path), max_bytes=_MOST_BYTES, what="deep potential")
    try:
        about, tensors = read_sealed(file, "deep")
        potential = DeepPotential(_options(about["kind"], about["options"]), _prior(about["priors"], tensors))
        potential.networks.to(tensors["networks.0.offset"].dtype)
        potential.load_state_dict({name: t for name, t in tensors.items() if not name.startswith("prior.")})
        return StoredDeep(potential.eval(), tuple(about["types"]), Units(**about["units"]))
    except Exception as error:
        raise FileError(file, f"holds no deep potential ({error})", remedy="save it again") from error


def _options(kind: str, given: Mapping[str, Any]) -> Options:
    values: dict[str, Any] = {name: tuple(x) if isinstance(x, list) else x for name, x in given.items()}
    return _KINDS[kind](**values)


def _prior(rows: Sequence[Mapping[str, Any]], tensors: Mapping[str, Tensor]) -> Prior:
    found = {}
    for k, row in enumerate(rows):
        a, b = (int(t) for t in row["types"])
        u, f = (tensors[f"prior.{k}.{x}"].numpy() for x in ("u", "f"))
        found[a, b] = PairTable.from_forces(row["r_min"], row["cutoff"], u, f, inner=row["inner"])
    return Prior(between=found)
