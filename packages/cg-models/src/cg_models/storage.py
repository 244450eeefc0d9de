"""Models on disk: settings as TOML to read, weights as safetensors. Nothing in a file is ever executed."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from cg_data import FileError
from cg_data.safe_files import atomic_path, sized_file
from cg_models.curves.analytic import LennardJonesPair, MorsePair
from cg_models.curves.neural_pair import NeuralPair, RepulsivePrior
from cg_models.curves.pair_curve import PairCurve
from cg_models.curves.refined_pair import RefinedPair
from cg_models.curves.spline_pair import SplinePair
from cg_models.curves.temperature_pair import TemperaturePair

Model = PairCurve | TemperaturePair
_KINDS: dict[str, type[Any]] = {
    k.__name__: k for k in (NeuralPair, SplinePair, RefinedPair, LennardJonesPair, MorsePair)
}
_MOST_BYTES = 2**30


def save(model: Model, path: str | Path) -> Path:
    """Write `path`.toml and `path`.safetensors; return the path without ending."""
    stem = Path(path)
    sections = _described(model)
    weights = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    with atomic_path(stem.with_name(stem.name + ".safetensors")) as draft:
        save_file(weights, draft)
    with atomic_path(stem.with_name(stem.name + ".toml")) as draft:
        draft.write_text(_toml(sections), encoding="utf-8")
    return stem


def load(path: str | Path) -> Model:
    """Return the model that `save` wrote; FileError if the files are none or do not fit each other."""
    stem = Path(path)
    settings = sized_file(stem.with_name(stem.name + ".toml"), max_bytes=2**20, what="model's settings")
    weights = sized_file(stem.with_name(stem.name + ".safetensors"), max_bytes=_MOST_BYTES, what="model's weights")
    try:
        sections, tensors = tomllib.loads(settings.read_text(encoding="utf-8")), load_file(weights)
        _sized(sections, tensors)
        model = _made(sections)
        model.load_state_dict(tensors)
    except Exception as error:
        raise FileError(settings, f"holds no model of this package ({error})", remedy="save it again") from error
    return model


def _sized(sections: Mapping[str, Mapping[str, Any]], tensors: Mapping[str, Tensor]) -> None:
    """ValueError if settings promise more than the weights can be of, before anything so large is made."""
    most = 2 * max([len(tensors), *(n for t in tensors.values() for n in t.shape)]) + 16
    for section in sections.values():
        for name, value in section.items():
            if name != "seed" and isinstance(value, int) and value > most:
                raise ValueError(f"{name} is {value}, its weights are of no more than {most}")


def _described(model: Model) -> dict[str, dict[str, Any]]:
    if isinstance(model, TemperaturePair):
        parts = {"energetic": model.energetic, "entropic": model.entropic}
        return {"model": {"kind": "TemperaturePair"}} | {name: _one(curve) for name, curve in parts.items()}
    return {"model": _one(model)}


def _one(curve: PairCurve) -> dict[str, Any]:
    kind = type(curve).__name__
    if kind not in _KINDS:
        raise TypeError(f"{kind} cannot be stored: only {', '.join(_KINDS)} and TemperaturePair can")
    settings: dict[str, Any] = curve.settings  # type: ignore[assignment]
    return {"kind": kind, **{name: value for name, value in settings.items() if value is not None}}


def _made(sections: dict[str, Any]) -> Model:
    if sections["model"]["kind"] == "TemperaturePair":
        return TemperaturePair(_curve(sections["energetic"]), _curve(sections["entropic"]))
    return _curve(sections["model"])


def _curve(section: dict[str, Any]) -> PairCurve:
    given = dict(section)
    kind = _KINDS[given.pop("kind")]
    if "prior" in given:
        epsilon, sigma, power = given["prior"]
        given["prior"] = RepulsivePrior(epsilon, sigma, int(power))
    found: PairCurve = kind(**given)
    return found


def _toml(sections: dict[str, dict[str, Any]]) -> str:
    lines = []
    for name, section in sections.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in section.items()), ""]
    return "\n".join(lines)
