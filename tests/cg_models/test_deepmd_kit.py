"""Models of deepmd-kit: what it computes itself, on the same weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
pytest.importorskip("numba")
if True:  # after the skips
    import cg_models as cm
    from cg_data.units import METAL

MODELS = Path(__file__).parent / "deepmd_models"


@pytest.mark.parametrize("frame", [0, 1], ids=["wide", "smaller than the cutoff"])
@pytest.mark.parametrize("name", ["one_side", "two_sides"])
def test_energies_forces_and_virials_are_those_of_deepmd_kit(name, frame):
    model = cm.read_deepmd(MODELS / f"{name}.pt")
    right = json.loads((MODELS / f"{name}.json").read_text())[frame]
    found = model.potential(right["positions"], right["cell"], right["types"])
    assert (model.types, model.units) == (("O", "H"), METAL)
    np.testing.assert_allclose(found.energies, right["energies"], atol=1e-8)
    assert found.energy == pytest.approx(right["energy"], abs=1e-8)
    assert np.abs(right["forces"]).max() > 0.05
    np.testing.assert_allclose(found.forces, right["forces"], atol=2e-8)  # tables are allowed 1e-8 of the largest slope
    np.testing.assert_allclose(found.virial, right["virial"], atol=1e-7)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s: s["descriptor"].update(activation_function="relu"), "activation_function is relu"),
        (lambda s: s["descriptor"].update(type="dpa2"), "dpa2 with ener"),
        (lambda s: s["descriptor"].update(exclude_types=[[0, 1]]), "exclude_types"),
        (lambda s: s.update(spin={"use_spin": [True]}), "it has spin"),
        (lambda s: s["fitting_net"].update(neuron=[9, 9]), "size"),
    ],
)
def test_what_it_does_not_know_is_refused(tmp_path, change, says):
    state = torch.load(MODELS / "one_side.pt", weights_only=True)
    change(state["model"]["_extra_state"]["model_params"])
    torch.save(state, tmp_path / "model.pt")
    with pytest.raises(cd.FileError, match=says):
        cm.read_deepmd(tmp_path / "model.pt")


def test_statistics_that_differ_among_neighbors_are_refused(tmp_path):
    state = torch.load(MODELS / "one_side.pt", weights_only=True)
    state["model"]["model.Default.atomic_model.descriptor.sea.mean"][0, 3, 0] += 1
    torch.save(state, tmp_path / "model.pt")
    with pytest.raises(cd.FileError, match="differ from neighbor to neighbor"):
        cm.read_deepmd(tmp_path / "model.pt")


def test_programs_are_not_run(tmp_path):
    torch.save({"model": Path}, tmp_path / "model.pt")
    with pytest.raises(cd.FileError, match=r"frozen \.pth files are programs"):
        cm.read_deepmd(tmp_path / "model.pt")
