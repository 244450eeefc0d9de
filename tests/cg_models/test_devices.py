"""Learning and moving where the weights are: by torch alone what the kernels of the CPU do, and the same on a GPU."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
if True:  # after the skips
    from cg_models.schnet import convolution
    from cg_models.schnet.bead_potential import BeadPotential, Prior
    from cg_models.schnet.dynamics import BeadDynamics
    from cg_models.schnet.force_matching import ForceMatcher, Matching, samples
    from cg_models.schnet.graph import Graph, graph
    from cg_models.schnet.moving import MovingGraph
    from cg_models.schnet.network import SchNet, SchNetOptions

EDGE, CUTOFF, BEADS = 8.0, 3.0, 24
OPTIONS = SchNetOptions(2, cutoff=CUTOFF, features=12, filters=12, blocks=2, inner_blocks=1, inner_cutoff=2.0)
PRIOR = Prior(between={(0, 0): cd.GaussianCore(2.0, 0.8, cutoff=CUTOFF).force_shifted()})


def potential(device: str = "cpu") -> BeadPotential:
    return BeadPotential(SchNet(OPTIONS, seed=1), PRIOR).double().to(device)


def frames(count: int = 6) -> list[Graph]:
    noise, molecule = np.random.default_rng(0), np.arange(BEADS) // 2
    about = {"types": np.arange(BEADS) % 2, "molecule": molecule, "inner_cutoff": 2.0, "dtype": torch.float64}
    centers = noise.random((count, BEADS // 2, 1, 3)) * EDGE
    x = (centers + 0.5 * noise.normal(size=(count, BEADS // 2, 2, 3))).reshape(count, BEADS, 3)
    return [graph(frame, np.full(3, EDGE), CUTOFF, **about) for frame in x]


def matcher(device: str, path) -> ForceMatcher:
    """Two epochs, of which the second is that of a matcher which read what the first one wrote."""
    noise, graphs = np.random.default_rng(1), frames()
    known = potential(device)
    given = samples(known, graphs, noise.normal(size=(len(graphs), BEADS, 3)), noise.normal(size=len(graphs)))
    settings = Matching(epochs=2, batch=2, energy_weight=0.1)
    first = ForceMatcher(known, given[:4], given[4:], settings)
    first.epoch()
    first.save(path)
    again = ForceMatcher(potential(device), given[:4], given[4:], settings)
    again.load(path)
    again.epoch()
    return again


def moved(device: str) -> np.ndarray:
    pairs = MovingGraph(
        np.arange(BEADS) % 2, np.full(3, EDGE), CUTOFF, molecule=np.arange(BEADS) // 2, inner_cutoff=2.0,
        dtype=torch.float64,
    )  # fmt: skip
    lattice = np.array(list(np.ndindex(2, 3, 4))) * EDGE / np.array([2, 3, 4])
    made = BeadDynamics(potential(device), pairs, lattice, 1.0, kT=0.5, dt=0.005, friction=1.0, seed=3)
    made.run(5)
    return made.x


def same_as_kernels(device: str, tmp_path, allow: float) -> None:
    wanted, found = matcher("cpu", tmp_path / "a"), None
    at_rest = moved("cpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "KERNELS", False)
        found, there = matcher(device, tmp_path / "b"), moved(device)
    for (name, a), b in zip(wanted.averaged.items(), found.averaged.values(), strict=True):
        assert b.device.type == device
        torch.testing.assert_close(b.cpu(), a, rtol=allow, atol=allow, msg=lambda text, name=name: f"{name}: {text}")
    np.testing.assert_allclose(there, at_rest, rtol=allow, atol=allow)


@pytest.mark.skipif(not convolution.KERNELS, reason="numba is not installed: there is only one way to compare")
def test_without_kernels_the_same_is_learned_and_moved(tmp_path):
    same_as_kernels("cpu", tmp_path, 1e-9)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_on_a_gpu_the_same_is_learned_and_moved(tmp_path):
    same_as_kernels("cuda", tmp_path, 1e-7)


def test_nothing_of_a_loss_stays_behind():
    """`meta` is a device without numbers, which refuses tensors of another as a GPU does."""
    known, graphs = potential("meta"), frames(2)
    given = samples(known, graphs, np.zeros((2, BEADS, 3)), np.zeros(2))
    force, energy = ForceMatcher(known, given[:1], given[1:], offset=False).errors(given, create_graph=True)
    ((force**2).mean() + (energy**2).mean()).backward()
    assert {p.grad.device.type for p in known.parameters()} == {"meta"}
    assert [found.device.type for found in known(graphs[0])] == ["meta", "meta"]
    with pytest.raises((RuntimeError, NotImplementedError), match=r"meta|device"):
        known.network(graphs[0].types, graphs[0].near(), graphs[0].inside.near())


def test_a_graph_goes_elsewhere_with_all_it_has():
    there = frames(1)[0].to("meta")
    for pairs in (there, there.inside):
        of = ("i", "j", "d", "direction", "types", "frame")
        assert {getattr(pairs, name).device.type for name in of} == {"meta"}
    single = frames(1)[0].to(torch.float32)
    assert single.d.dtype == single.inside.direction.dtype == torch.float32
    assert single.i.dtype == torch.int32
