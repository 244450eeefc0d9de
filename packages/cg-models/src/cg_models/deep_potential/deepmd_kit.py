"""Checkpoints of deepmd-kit's PyTorch `se_e2_a` models (model.ckpt-….pt), as deep potentials. Nothing in a file is ever executed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cg_data import FileError
from cg_data.safe_files import sized_file
from cg_data.units import METAL
from cg_models.deep_potential.fitting import FittingNetwork
from cg_models.deep_potential.layers import Layers
from cg_models.deep_potential.options import SmoothOptions
from cg_models.deep_potential.potential import DeepPotential
from cg_models.deep_potential.smooth import SmoothEnvironments
from cg_models.deep_potential.stored import StoredDeep

_MOST_BYTES = 2**31
_MODEL = "model.Default.atomic_model."
_DESCRIPTOR = _MODEL + "descriptor.sea."
_PLAIN = {
    "activation_function": "tanh", "exclude_types": [], "env_protection": 0.0, "numb_fparam": 0, "numb_aparam": 0,
    "dim_case_embd": 0,
}  # fmt: skip
_REMEDY = "give a model.ckpt-….pt of `dp --pt train` with an se_e2_a descriptor; frozen .pth files are programs"


def read_deepmd(path: str | Path) -> StoredDeep:
    """Return the potential of a checkpoint, which is in eV and Å, and the names of its types."""
    file = sized_file(Path(path), max_bytes=_MOST_BYTES, what="checkpoint")
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        state = state.get("model", state)
        given = state["_extra_state"]["model_params"]
        potential = DeepPotential(_options(given))
        _fill(potential, state)
        return StoredDeep(potential.eval(), tuple(str(name) for name in given["type_map"]), METAL)
    except Exception as error:
        raise FileError(file, f"holds no model that can be read ({error})", remedy=_REMEDY) from error


def _options(given: Mapping[str, Any]) -> SmoothOptions:
    descriptor, fitting = given["descriptor"], given["fitting_net"]
    if descriptor.get("type") not in ("se_e2_a", "se_a") or fitting.get("type", "ener") != "ener":
        raise ValueError(f"it is {descriptor.get('type')} with {fitting.get('type', 'ener')}")
    for section in (descriptor, fitting):
        for name, known in _PLAIN.items():
            if (said := section.get(name, known)) != known and not (said is None and not known):
                raise ValueError(f"its {name} is {said}")
    if beyond := sorted({"spin", "use_srtab", "pair_exclude_types", "atom_exclude_types"} & {k for k in given if given[k]}):  # fmt: skip
        raise ValueError(f"it has {', '.join(beyond)}")
    return SmoothOptions(
        float(descriptor["rcut"]), float(descriptor["rcut_smth"]), tuple(descriptor["sel"]),
        tuple(descriptor.get("neuron", (25, 50, 100))), int(descriptor.get("axis_neuron", 16)),
        tuple(fitting.get("neuron", (120, 120, 120))), bool(descriptor.get("resnet_dt", False)),
        bool(fitting.get("resnet_dt", True)), bool(descriptor.get("type_one_side", False)),
    )  # fmt: skip


@torch.no_grad()
def _fill(potential: DeepPotential, state: Mapping[str, Tensor]) -> None:
    environments, options = potential.environments, potential.options
    assert isinstance(environments, SmoothEnvironments)
    mean, spread = (state[_DESCRIPTOR + name].double() for name in ("mean", "stddev"))
    if (mean != mean[:, :1]).any() or (spread != spread[:, :1]).any() or mean[..., 1:].any():
        raise ValueError("its statistics differ from neighbor to neighbor")
    if (spread[..., 1:] != spread[..., 1:2]).any():
        raise ValueError("its statistics differ between x, y and z")
    environments.mean.copy_(mean[:, 0, 0])
    environments.radial.copy_(spread[:, 0, 0])
    environments.angular.copy_(spread[:, 0, 1])
    for k, network in enumerate(environments.embeddings):
        # Theirs are by neighbor and then center, ours by center and then neighbor.
        theirs = (
            k if len(environments.networks) == options.types else k % options.types * options.types + k // options.types
        )
        _fill_layers(network, state, f"{_DESCRIPTOR}filter_layers.networks.{theirs}.layers.")
    for k, network in enumerate(potential.fitting):
        _fill_layers(network, state, f"{_MODEL}fitting_net.filter_layers.networks.{k}.layers.")
    offset = state[_MODEL + "fitting_net.bias_atom_e"].reshape(-1) + state[_MODEL + "out_bias"].reshape(-1)
    potential.offset.copy_(offset)


def _fill_layers(network: Layers, state: Mapping[str, Tensor], prefix: str) -> None:
    for k, (matrix, bias) in enumerate(zip(network.matrix, network.bias, strict=True)):
        matrix.copy_(state[f"{prefix}{k}.matrix"])
        bias.copy_(state[f"{prefix}{k}.bias"])
        if str(k) in network.step:
            network.step[str(k)].copy_(state[f"{prefix}{k}.idt"])
    if isinstance(network, FittingNetwork):
        network.last.copy_(state[f"{prefix}{len(network.matrix)}.matrix"])
        network.offset.copy_(state[f"{prefix}{len(network.matrix)}.bias"])
