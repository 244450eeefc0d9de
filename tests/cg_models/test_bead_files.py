"""Bead potentials come back from disk as they were, nothing else does; exported networks run without this package."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import cg_data as cd

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
if True:  # after the skips
    from cg_models.schnet.bead_potential import BeadPotential, Prior
    from cg_models.schnet.engine_forces import EngineForces, of_beads
    from cg_models.schnet.export import export_beads
    from cg_models.schnet.graph import Graph, graph, pairs_within
    from cg_models.schnet.network import SchNet, SchNetOptions
    from cg_models.schnet.storage import load_beads, save_beads

UNITS = cd.Units("nm", "kJ/mol", "g/mol")
BOX = np.array([[7.0, 0, 0], [0.5, 6.5, 0], [0, 0.3, 6.0]])
BEADS, TYPES, MOLECULE = 30, np.arange(30) % 2, np.arange(30) // 2
PRIOR = Prior(
    between={
        (0, 1): cd.PowerLaw(1.0, 0.8, 6, cutoff=2.0).force_shifted(),
        (1, 1): cd.GaussianCore(2.0, 1.0, cutoff=2.0).table(300),
    },
    inside={(0, 1): cd.Harmonic(20.0, 1.0, cutoff=2.5)},
)


def potential(inner: int = 1, seed: int = 3, **options) -> BeadPotential:
    sizes = SchNetOptions(
        2, cutoff=2.0, features=10, filters=8, blocks=2, inner_blocks=inner, inner_cutoff=2.5, **options
    )
    made = BeadPotential(SchNet(sizes, seed=seed), PRIOR).double()
    made.offset += 0.4
    return made


def positions() -> np.ndarray:
    noise = np.random.default_rng(0)
    turn = noise.normal(size=(15, 1, 3))
    sites = np.array(list(np.ndindex(3, 3, 2)))[:15, None] / np.array([3, 3, 2]) @ BOX
    return (sites + [[[-0.45], [0.45]]] * turn / np.linalg.norm(turn, axis=-1, keepdims=True)).reshape(-1, 3)


def pairs(molecule: np.ndarray | None) -> Graph:
    return graph(positions(), BOX, 2.0, types=TYPES, molecule=molecule, inner_cutoff=2.5, dtype=torch.float64)


def test_a_potential_comes_back_with_its_priors_and_words(tmp_path):
    wanted = potential(activation="silu", envelope="cosine")
    save_beads(wanted, tmp_path / "u.safetensors", ("A", "B"), UNITS)
    found = load_beads(tmp_path / "u.safetensors")
    assert (found.types, found.units) == (("A", "B"), UNITS)
    assert found.potential.network.options == wanted.network.options
    learned, again = (p.learned(pairs(MOLECULE)) for p in (wanted, found.potential))
    assert torch.equal(again[0], learned[0])
    assert torch.equal(again[1], learned[1])
    for a, b in zip(found.potential(pairs(MOLECULE)), wanted(pairs(MOLECULE)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)
    r = np.linspace(0.3, 1.9, 50)
    assert np.array_equal(found.potential.prior.between[1, 1].force(r), PRIOR.between[1, 1].force(r))
    save_beads(found.potential, tmp_path / "v.safetensors", found.types, found.units)
    assert (tmp_path / "v.safetensors").read_bytes() == (tmp_path / "u.safetensors").read_bytes()


def test_single_precision_stays_single(tmp_path):
    save_beads(potential().float(), tmp_path / "u", ("A", "B"), UNITS)
    assert {p.dtype for p in load_beads(tmp_path / "u").potential.parameters()} == {torch.float32}


@pytest.mark.parametrize("where", ["weight", "prior", "options", "units", "digest"])
def test_what_was_changed_is_refused(tmp_path, where):
    file = tmp_path / "u.safetensors"
    save_beads(potential(), file, ("A", "B"), UNITS)
    tensors = load_file(file)
    with safe_open(file, framework="np") as opened:
        metadata = json.loads(opened.metadata()["cg-models"])
    about = json.loads(metadata["beads"])
    match where:
        case "weight":
            tensors["network.embedding.weight"][0, 0] += 1e-12
        case "prior":
            tensors["prior.0.u"][5] *= 1 + 1e-12
        case "options":
            about["options"]["envelope"] = "smoother"
        case "units":
            about["units"] = asdict(cd.Units("angstrom", "eV", "g/mol"))
        case "digest":
            metadata["sha256"] = "0" * 64
    save_file(tensors, file, metadata={"cg-models": json.dumps(metadata | {"beads": json.dumps(about)})})
    with pytest.raises(cd.FileError, match="no bead potential"):
        load_beads(file)


def test_what_is_no_potential_is_refused(tmp_path):
    with pytest.raises(cd.FileError, match="no such file"):
        load_beads(tmp_path / "u")
    (tmp_path / "u").write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(cd.FileError, match="no bead potential"):
        load_beads(tmp_path / "u")
    with pytest.raises(ValueError, match="2 types, got the names A"):
        save_beads(potential(), tmp_path / "v", ("A",), UNITS)


ALONE = """
import sys
import numpy as np, torch
given = np.load(sys.argv[2])
program = torch.export.load(sys.argv[1]).module()
names = sorted(name for name in given.files if name.startswith("input"))
energies, forces, virial = program(*(torch.from_numpy(given[name]) for name in names))
assert "cg_models" not in sys.modules and "cg_data" not in sys.modules
np.savez(sys.argv[3], energies=energies.numpy(), forces=forces.numpy(), virial=virial.numpy())
"""


@pytest.mark.parametrize("inner", [0, 1])
def test_an_exported_network_runs_in_a_process_without_this_package(tmp_path, caplog, inner):
    caplog.set_level("WARNING", "torch.__trace")  # thousands of records, which pytest would keep
    known, x = potential(inner), positions()
    known.prior = Prior()
    i, j, vectors = pairs_within(x, BOX, 2.5)
    d, same = np.linalg.norm(vectors, axis=1), MOLECULE[i] == MOLECULE[j]
    inputs = [x, TYPES]
    for which in ((d < 2.0) & ~same, same) if inner else (d < 2.0,):
        inputs += [i[which].astype(np.int64), j[which].astype(np.int64), (vectors - x[j] + x[i])[which]]
    np.savez(tmp_path / "in.npz", **{f"input{k}": array for k, array in enumerate(inputs)})
    export_beads(known, tmp_path / "u.pt2")
    assert all(p.requires_grad for p in known.parameters())
    command = [sys.executable, "-c", ALONE, *(str(tmp_path / name) for name in ("u.pt2", "in.npz", "out.npz"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    out, wanted = np.load(tmp_path / "out.npz"), of_beads(known, pairs(MOLECULE if inner else None))
    scale = np.abs(wanted.forces).max()  # splines through filters are 1e-5 from the filters themselves
    np.testing.assert_allclose(out["energies"], wanted.energies, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(out["forces"], wanted.forces, rtol=0, atol=1e-5 * scale)
    virial = EngineForces(known, molecule=MOLECULE if inner else None)(x, BOX, TYPES)[2]
    np.testing.assert_allclose(out["virial"], virial, rtol=1e-5, atol=1e-5 * np.abs(virial).max())
    exact = _by_the_filters_themselves(known, pairs(MOLECULE if inner else None))
    np.testing.assert_allclose(out["energies"], exact[0], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(out["forces"], exact[1], rtol=1e-10, atol=1e-10 * scale)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="compiling needs a C++ compiler")
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # of torch, within itself
def test_a_compiled_network_is_the_exported_one(tmp_path, caplog):
    caplog.set_level("WARNING", "torch.__trace")
    known, x = potential(0), positions()
    export_beads(known, tmp_path / "u.pt2")
    exported = torch.export.load(tmp_path / "u.pt2")
    package = torch._inductor.aoti_compile_and_package(exported, package_path=str(tmp_path / "v.pt2"))
    i, j, vectors = pairs_within(x, BOX, 2.0)
    arrays = (x, TYPES, i.astype(np.int64), j.astype(np.int64), vectors - x[j] + x[i])
    found = torch._inductor.aoti_load_package(package)(*(torch.from_numpy(array) for array in arrays))
    exact = _by_the_filters_themselves(known, pairs(None))
    for ours, wanted in zip(found, exact, strict=False):
        np.testing.assert_allclose(ours, wanted, rtol=1e-9, atol=1e-9)


def _by_the_filters_themselves(known: BeadPotential, given: Graph) -> tuple[np.ndarray, np.ndarray]:
    parts = [given] if given.inside is None else [given, given.inside]
    d = [part.d.clone().requires_grad_() for part in parts]
    each = known.network(given.types, *(p.near(r) for p, r in zip(parts, d, strict=True)), splines=False)
    slopes = torch.autograd.grad(each.sum(), d)
    forces = sum(part.forces(slope) for part, slope in zip(parts, slopes, strict=True))
    return (each.detach() + known.offset).numpy(), forces.numpy()
