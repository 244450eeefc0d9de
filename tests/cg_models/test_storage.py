"""Models come back from disk as they were, and nothing else does."""

from __future__ import annotations

import pytest
import torch

import cg_data as cd
import cg_models as cm

from .test_curves import curves


@pytest.mark.parametrize("curve", [c for c in curves() if type(c).__name__ != "_At"], ids=lambda c: type(c).__name__)
def test_a_curve_comes_back(curve, tmp_path):
    curve = curve.float() if isinstance(curve, cm.NeuralPair) else curve
    cm.save(curve, tmp_path / "u.v1")
    assert {p.name for p in tmp_path.iterdir()} == {"u.v1.toml", "u.v1.safetensors"}
    again = cm.load(tmp_path / "u.v1")
    assert type(again) is type(curve)
    weight = next(curve.parameters())
    r = torch.linspace(0.8, 2.4, 40, dtype=weight.dtype)
    assert torch.equal(again.energy(r), curve.energy(r))


def test_both_parts_of_a_temperature_come_back(tmp_path):
    both = cm.TemperaturePair(cm.NeuralPair(2.5, seed=1, prior=cm.RepulsivePrior()), cm.NeuralPair(2.5, seed=2))
    cm.save(both, tmp_path / "u")
    again, r = cm.load(tmp_path / "u"), torch.linspace(0.8, 2.4, 40)
    assert torch.equal(again.at(0.7).energy(r), both.at(0.7).energy(r))


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(cd.FileError, match=r"u\.toml"):
        cm.load(tmp_path / "u")
    cm.save(cm.NeuralPair(2.5, hidden=8), tmp_path / "u")
    (tmp_path / "u.toml").write_text('[model]\nkind = "os.system"\n')
    with pytest.raises(cd.FileError, match="no model of this package"):
        cm.load(tmp_path / "u")
    cm.save(cm.NeuralPair(2.5, hidden=8), tmp_path / "u")
    cm.save(cm.NeuralPair(2.5, hidden=16), tmp_path / "v")
    (tmp_path / "u.safetensors").write_bytes((tmp_path / "v.safetensors").read_bytes())
    with pytest.raises(cd.FileError, match="no model of this package"):
        cm.load(tmp_path / "u")


def test_only_known_kinds_are_stored(tmp_path):
    class Mine(cm.PairCurve):
        cutoff = 1.0

    with pytest.raises(TypeError, match="Mine cannot be stored"):
        cm.save(Mine(), tmp_path / "u")


def test_settings_that_promise_more_than_the_weights_are_of_are_refused_at_once(tmp_path):
    stem = cm.save(cm.NeuralPair(2.5, hidden=8), tmp_path / "pair")
    file = stem.with_name("pair.toml")
    file.write_text(file.read_text().replace("hidden = 8", "hidden = 1000000000"))
    with pytest.raises(cd.FileError, match="hidden is 1000000000, its weights are of no more than"):
        cm.load(stem)
