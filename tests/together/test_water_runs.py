"""The runs behind notebook 05 go from DFT-like frames to beads, with water of a known potential in place of DFT."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ase", reason="pip install ase")
pytest.importorskip("torch", reason="pip install torch")
pytest.importorskip("vesin", reason="pip install vesin")
pytest.importorskip("matplotlib", reason="pip install matplotlib")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "notebooks" / "runs"))
if True:  # after the skips
    import ase
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    import torch
    import water
    import water_beads as beads
    import water_cost as cost
    import water_deviation as deviation
    import water_figures as figures
    import water_reference as reference
    import water_rows as closing
    import water_schnet as schnet
    import water_structure as structure
    import water_trajectory as trajectory
    import xarray as xr

    import cg_data as cd
    import cg_models as cm
    import cg_sim as cs

EDGE, PER_EDGE, BOND = 12.6, 3, 0.97
BETWEEN = cd.GaussianCore(2.0, 2.0, cutoff=5.0).force_shifted()
SPRING = cd.Harmonic(k=20.0, r0=BOND, cutoff=1.6)
DFT = os.environ.get("WATER_DFT")


def known_water() -> cm.StoredDeep:
    """Return a deep potential whose networks say nothing: springs from oxygens to their hydrogens, a core between oxygens."""
    options = cm.SmoothOptions(6.0, 0.5, (27, 54), (2, 4), 2, (4,))
    potential = cm.DeepPotential(options, cm.Prior(between={(0, 0): BETWEEN, (0, 1): SPRING}))
    for network in potential.fitting:
        network.last.data.zero_()
        network.offset.data.zero_()
    return cm.StoredDeep(potential, ("O", "H"), water.UNITS)


def frames(number: int, noise: np.random.Generator) -> np.ndarray:
    """Return positions (frame, atom, 3) of a shaken lattice of molecules, oxygens first."""
    n = PER_EDGE**3
    sites = np.array(list(np.ndindex(PER_EDGE, PER_EDGE, PER_EDGE))) * (EDGE / PER_EDGE)
    oxygens = sites + noise.normal(0, 0.15, (number, n, 3))
    arms = noise.normal(size=(number, 2 * n, 3))
    arms *= (BOND + noise.normal(0, 0.03, (number, 2 * n, 1))) / np.linalg.norm(arms, axis=2, keepdims=True)
    return np.concatenate([oxygens, np.repeat(oxygens, 2, axis=1) + arms], axis=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Frames of the known water as a DeePMD system."""
    x, known = frames(20, np.random.default_rng(0)), known_water().potential
    types = ["O"] * PER_EDGE**3 + ["H"] * (2 * PER_EDGE**3)
    found = [known(at, np.full(3, EDGE), np.array([t == "H" for t in types], dtype=int)) for at in x]
    made = tmp_path_factory.mktemp("dft") / "data_0"
    cd.write_trajectory(
        cd.trajectory(x, np.full(3, EDGE), types, units=water.UNITS, force=[f.forces for f in found], energy=[f.energy for f in found]),
        made,
    )  # fmt: skip
    return made.parent


def learn(folder, work, out, *more):
    reference.main(
        [str(work), "--data", str(folder), "--steps", "6", "--size", "tiny", "--report", "3", "--out", str(out), *more]
    )


@pytest.fixture(scope="module")
def results(folder, tmp_path_factory):
    """What water_reference.py writes; then the known water stands where it has put what it learned."""
    out = tmp_path_factory.mktemp("results")
    learn(folder, out / "work", out)
    (out / "reference.safetensors").rename(out / "learned.safetensors")
    known = known_water()
    cm.save_deep(known.potential, out / "reference.safetensors", known.types, known.units)
    return out


def test_the_reference_goes_on_where_it_was_stopped(folder, results, tmp_path):
    learn(folder, tmp_path, tmp_path, "--minutes", "0")
    assert not (tmp_path / "reference.nc").exists()
    learn(folder, tmp_path, tmp_path)
    once, twice = (cm.load_deep(f).potential.state_dict() for f in (results / "learned.safetensors", tmp_path / "reference.safetensors"))  # fmt: skip
    assert all(bool((once[name] == twice[name]).all()) for name in once)
    first, second = (xr.load_dataset(f / "reference.nc") for f in (results, tmp_path))
    np.testing.assert_array_equal(first.force_rmse, second.force_rmse)


def test_the_reference_says_how_it_was_made_and_what_it_was_compared_with(results):
    found = xr.load_dataset(results / "reference.nc")
    assert found.attrs["command"].startswith("python notebooks/runs/water_reference.py")
    assert (found.attrs["frames"], found.attrs["held"], found.attrs["seed"]) == (20, 2, 1)
    rms = float(np.sqrt(((found.force_model - found.force_dft) ** 2).mean()))
    assert rms == pytest.approx(found.attrs["held_out_force_rmse"], rel=1e-5)


def test_walls_stand_where_no_frame_has_been(folder, results):
    known, learned = water.dft(folder), cm.load_deep(results / "learned.safetensors").potential
    assert set(learned.prior.between) == {(0, 0), (0, 1), (1, 1)} - {
        (0, 0)
    }  # oxygens of this lattice are beyond the reach
    x, box = known.positions[0], known.boxes[0]
    bare = cm.load_deep(results / "learned.safetensors").potential
    bare.prior = cm.Prior()
    np.testing.assert_allclose(learned(x, box, known.codes).forces, bare(x, box, known.codes).forces, atol=1e-12)
    hydrogen, oxygen = int(np.flatnonzero(known.codes == 1)[0]), int(np.flatnonzero(known.codes == 0)[0])
    x = x.copy()
    x[hydrogen] = x[oxygen] + 0.6 * (x[hydrogen] - x[oxygen])  # nearer than in any frame
    pushed = learned(x, box, known.codes).forces - bare(x, box, known.codes).forces
    assert pushed[hydrogen] @ (x[hydrogen] - x[oxygen]) > 1.0


def test_oxygens_of_a_shaken_lattice_have_its_angles_and_distances(results):
    """Of a simple cubic lattice 12 of 15 angles between nearest neighbors are 90°, 3 are 180°."""
    found = xr.load_dataset(results / "reference.nc")
    near = found.dft_g[found.r < 5.0]
    assert float(near.r[int(np.argmax(near.values))]) == pytest.approx(EDGE / PER_EDGE, abs=0.3)
    shares = found.dft_adf_isotropic.sel(adf_cutoff=4.5) * np.sin(found.angle)
    middle = np.pi * 135 / 180
    assert float(shares.where(found.angle < middle, 0).sum() / shares.sum()) == pytest.approx(12 / 15, abs=0.04)


@pytest.fixture(scope="module")
def run(results, tmp_path_factory):
    """A short run of the known water, in pieces."""
    work = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trajectory, "SETTLED", 0.02)
        trajectory.main([str(work), "--picoseconds", "0.06", "--piece", "0.02", "--every", "2", "--out", str(results)])
    return work


def test_forces_on_molecules_are_what_oxygens_do_to_one_another(run):
    """Springs pull a molecule's atoms at one another: what is left of its force is known, and is less noisy than that on its oxygen."""
    oxygen, whole = (trajectory.frames_of(run, force, settled=0.0) for force in trajectory.FORCES)
    for x, force in list(zip(whole.positions, whole.forces, strict=True))[::10]:
        _, known = cm.Prior(between={(0, 0): BETWEEN})(cm.graph(x, np.full(3, EDGE), cutoff=5.0, dtype=torch.float64))
        np.testing.assert_allclose(force, known, atol=2e-4)  # tables and single precision
    assert np.square(oxygen.forces).mean() > 4 * np.square(whole.forces).mean()


def test_a_killed_run_ends_as_if_nothing_had_happened(run, results, tmp_path, monkeypatch):
    monkeypatch.setattr(trajectory, "SETTLED", 0.02)
    words = ["--piece", "0.02", "--every", "2", "--out", str(tmp_path)]
    for name in ("reference.nc", "reference.safetensors"):
        (tmp_path / name).write_bytes((results / name).read_bytes())
    with pytest.raises(FileNotFoundError, match="longer"):
        trajectory.main([str(tmp_path / "w"), "--picoseconds", "0.02", *words])
    trajectory.main([str(tmp_path / "w"), "--picoseconds", "0.06", *words])
    one, other = (trajectory.pieces_of(w, settled=0.0)[-1] for w in (run, tmp_path / "w"))
    for name in ("x", "v", "position", "molecule_force"):
        np.testing.assert_array_equal(one[name], other[name])
    with pytest.raises(SystemExit, match="other settings"):
        trajectory.main([str(tmp_path / "w"), "--step", "0.5", *words])


def test_the_run_says_how_it_was_made(run, results):
    found = xr.load_dataset(results / "trajectory.nc")
    assert found.attrs["command"].startswith("python notebooks/runs/water_trajectory.py")
    assert found.attrs["frames"] == 20
    assert {"g", "dft_g", "adf_isotropic", "steinhardt"} <= set(found.data_vars)


@pytest.fixture(scope="module")
def taught(run, results, tmp_path_factory):
    """Two models of each kind that learned a little of two lengths of data."""
    work = tmp_path_factory.mktemp("beads")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trajectory, "SETTLED", 0.0)
        words = [
            "--trajectory",
            str(run),
            "--models",
            "0",
            "1",
            "--shares",
            "0.5",
            "1",
            "--steps",
            "4",
            "--report",
            "2",
        ]
        words += ["--guard", "none", "--out", str(results)]  # no beads have met: there is no core to be seen
        beads.main([str(work), *words, "--minutes", "0"])
        beads.main([str(work), *words])
    return work


def test_beads_learn_in_lengths_and_do_not_see_what_is_held_out(taught, results):
    found = xr.load_dataset(results / "beads.nc")
    assert found.sizes["row"] == 8
    assert sorted(set(found.frames.values.tolist())) == [14, 27]
    assert found.attrs["held"] == 3
    assert {"command", "force", "guard", "packages"} <= set(found.attrs)
    one, other = (cm.load_deep(beads.file_of(taught, "frame", 1.0, k)) for k in (0, 1))
    assert one.types == ("O",)
    assert not bool((one.potential.fitting[0].last == other.potential.fitting[0].last).all())


def test_the_first_model_of_the_longest_data_is_kept_whichever_was_made_last(taught, results):
    for kind in beads.KINDS:
        kept = (results / f"beads-{kind}.safetensors").read_bytes()
        assert kept == beads.file_of(taught, kind, 1.0, 0).read_bytes()
    rows = [("frame", 1.0, 2), ("frame", 0.1, 0), ("frame", 1.0, 1), ("smooth", 0.3, 4)]
    found = xr.Dataset({name: ("row", list(column)) for name, column in zip(("kind", "share", "model"), zip(*rows, strict=True), strict=True)})  # fmt: skip
    assert [beads.first_of_longest(found, kind) for kind in beads.KINDS] == [(1.0, 1), (0.3, 4)]


@pytest.mark.skipif(DFT is None, reason="WATER_DFT does not name deepmd-kit's examples/water/data")
def test_forces_of_dft_are_less_noisy_on_molecules():
    """The frames are those of the paper's 20 ps: 64 molecules in 1.9275 nm³ (12.4447 Å), and rms forces of 1.0 and 0.28 eV/Å."""
    found = water.dft(Path(str(DFT)))
    assert len(found.codes) == 192
    assert float(found.boxes[0, 0, 0]) ** 3 == pytest.approx(1927.5, abs=0.5)
    types = [water.TYPES[k] for k in found.codes]
    owners = cd.molecules_by_distance(cd.trajectory(found.positions, found.boxes, types, units=water.UNITS))
    kept = trajectory.reduced(found.positions, found.forces, owners, found.codes == 0)
    rms = {name: float(np.sqrt(np.mean(kept[f"{name}_force"] ** 2))) for name in trajectory.FORCES}
    assert rms == pytest.approx({"oxygen": 1.0, "molecule": 0.28}, abs=0.02)


def test_forces_on_beads_that_differ_by_a_known_spread_have_its_deviation(taught, results):
    """Of two models Σ is half the length of the difference of their forces."""
    one, other = (cm.load_deep(beads.file_of(taught, "smooth", 1.0, k)) for k in (0, 1))
    x = frames(3, np.random.default_rng(5))[:, : PER_EDGE**3]
    each, mean = deviation.deviations([one, other], water.beads_of(x, EDGE))
    a, b = (
        np.array([m.potential(at, np.full(3, EDGE), np.zeros(len(at), dtype=int)).forces for at in x])
        for m in (one, other)
    )
    np.testing.assert_allclose(each, np.linalg.norm(a - b, axis=2) / 2, atol=1e-12)
    np.testing.assert_allclose(mean, np.linalg.norm(a + b, axis=2) / 2, atol=1e-12)


def test_shares_and_correlations_are_those_of_made_up_deviations():
    noise = np.random.default_rng(1)
    forces = noise.uniform(0, 1.9, (50, 64))
    found = deviation.row(0.1 * forces / 1.9, forces)
    assert float(found.below) == pytest.approx(0.5, abs=0.03)
    assert float(found.correlation) == pytest.approx(1.0)
    np.testing.assert_allclose(found.by_force.dropna("force")[:-1], 0.1 * found.force[:18] / 1.9, atol=1e-3)
    assert float((found.density * 0.002).sum()) == pytest.approx(1.0)


def test_deviations_are_collected_for_every_length(taught, run, results, monkeypatch):
    monkeypatch.setattr(trajectory, "SETTLED", 0.0)
    deviation.main([str(taught), "--trajectory", str(run), "--out", str(results)])
    found = xr.load_dataset(results / "deviation.nc")
    assert sorted(zip(found.kind.values.tolist(), found.frames.values.tolist(), strict=True)) == [
        ("frame", 14), ("frame", 27), ("smooth", 14), ("smooth", 27),
    ]  # fmt: skip
    assert found.attrs["command"].startswith("python notebooks/runs/water_deviation.py")
    assert float(found.below.min()) >= 0


@pytest.fixture(scope="module")
def known_beads(results, tmp_path_factory):
    """Beads that repel one another as the known water's oxygens do: their structure is a pair potential's."""
    folder = tmp_path_factory.mktemp("known")
    for name in ("reference.nc", "reference.safetensors", "trajectory.nc"):
        (folder / name).write_bytes((results / name).read_bytes())
    potential = cm.DeepPotential(
        cm.SmoothOptions(6.0, 0.5, (27,), (2, 4), 2, (4,)), cm.Prior(between={(0, 0): BETWEEN})
    )
    potential.fitting[0].last.data.zero_()
    for kind in beads.KINDS:
        cm.save_deep(potential, folder / f"beads-{kind}.safetensors", ["O"], water.UNITS)
    return folder


@pytest.fixture(scope="module")
def moved(run, known_beads, tmp_path_factory):
    """Blocks of beads, 27 and 216 of them."""
    work = tmp_path_factory.mktemp("structure")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structure, "SAMPLED", 5)
        words = ["--beads", "27", "216", "--picoseconds", "0.2", "0.1", "--out", str(known_beads), "--kinds", "smooth"]
        structure.main([str(work), *words, "--blocks", "2", "2"])
        first = (work / "smooth-27-001.nc").read_bytes()
        structure.main([str(work), *words, "--blocks", "3", "2"])
        assert (work / "smooth-27-001.nc").read_bytes() == first
    return work


def test_beads_are_kept_warm_and_are_measured_to_half_their_box(moved, known_beads):
    found = xr.load_dataset(known_beads / "structure.nc")
    assert found.beads.values.tolist() == [27, 216]
    small, large = (found.isel(row=k).dropna("r") for k in (0, 1))
    assert [row.sizes["r"] for row in (small, large)] == [water.observables(k * EDGE)[0].bins for k in (1, 2)]
    for row, n in ((small, 27), (large, 216)):
        assert float(row.kelvin) == pytest.approx(water.KELVIN, abs=4 * water.KELVIN * np.sqrt(2 / (3 * n)))
        shells = 4 * np.pi * row.r**2 * water.WIDTH
        within = float((row.g * shells)[row.r < 6.2].sum()) * (n - 1) / (n / PER_EDGE**3 * EDGE**3)
        even = (n - 1) / n * (PER_EDGE / EDGE) ** 3 * 4 / 3 * np.pi * 6.2**3
        assert within == pytest.approx(even, rel=0.15)  # it has melted: neighbors are spread evenly so far away
    assert found.attrs["command"].startswith("python notebooks/runs/water_structure.py")
    assert np.isfinite(found.g_difference).all()


def test_beads_are_moved_by_their_potential(known_beads):
    """What the engine asks a stored potential, beside the formula."""
    state, calc = cost.Cost(known_beads).system("smooth", 27)
    _, known = cm.Prior(between={(0, 0): BETWEEN})(
        cm.graph(state.positions, np.full(3, EDGE), cutoff=5.0, dtype=torch.float64)
    )
    np.testing.assert_allclose(calc.get_forces(cs.to_ase(state)), known, atol=1e-5)  # of tables


def test_costs_grow_with_beads_and_energies_do_not_drift(known_beads, tmp_path):
    measure = cost.Cost(known_beads, picoseconds=0.2, seconds=0.02)
    rows = [{"what": "cost", "kind": "smooth", "molecules": n, "step": 4.0} for n in (27, 216)]
    small, large = (measure(row)["seconds_per_step"] for row in rows)
    assert 0 < small < large
    found = [measure({"what": "drift", "kind": "smooth", "molecules": 27, "step": step}) for step in (2.0, 4.0)]
    fine, coarse = (f["fluctuation"] for f in found)
    assert 0 < fine < coarse < 1e-3 * water.KT  # per bead: what longer steps do to a smooth, soft potential
    assert np.ptp(found[0]["energy"]) < 1e-2 * water.KT
    atoms, large = (
        measure({"what": "cost", "kind": k, "molecules": 27, "step": cost.STEPS[k]}) for k in ("atoms", "large")
    )
    assert large["seconds_per_step"] > 1.5 * atoms["seconds_per_step"]  # 240-240-240 beside 16-16
    with pytest.raises(ValueError, match="box of DFT"):
        measure({"what": "cost", "kind": "atoms", "molecules": 216, "step": 0.5})
    assert [len(column) for column in cost.plan(known_beads, [27, 216]).values()] == [11] * 4


@pytest.fixture(scope="module")
def network(run, known_beads, tmp_path_factory):
    """A small SchNet that was stopped after an epoch, has gone on, and has moved beads."""
    work = tmp_path_factory.mktemp("schnet")
    words = [
        "--trajectory",
        str(run),
        "--frames",
        "12",
        "--epochs",
        "2",
        "--features",
        "8",
        "--blocks",
        "1",
        "--guard",
        "none",
    ]
    words += ["--beads", str(PER_EDGE**3), "--parts", "2", "--picoseconds", "0.1", "--out", str(known_beads)]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trajectory, "SETTLED", 0.0)
        patch.setattr(structure, "SAMPLED", 5)
        schnet.main([str(work), *words, "--minutes", "0"])
        assert not (known_beads / "schnet.nc").exists()
        schnet.main([str(work), *words])
    return xr.load_dataset(known_beads / "schnet.nc")


def test_a_network_of_the_same_forces_is_told_in_their_unit(network, run, known_beads):
    """Its held-out error in eV/Å, by the calculator that moves beads."""
    held = beads.Beads(known_beads, trajectory.frames_of(run, settled=0.0), guard="none").held
    calc = cm.calculator(structure.model_of(known_beads, "schnet"))
    said = [calc.get_forces(ase.Atoms(["O"] * len(x), positions=x, cell=[EDGE] * 3, pbc=True)) for x in held.positions]
    rms = float(np.sqrt(np.mean((np.array(said) - held.forces) ** 2)))
    assert rms == pytest.approx(
        float(network.held_out_force_rmse[-1]), rel=1e-3
    )  # filters are splines where beads move
    assert network.sizes["epoch"] == 2
    assert network.attrs["frames"] == 12
    assert float(network.kelvin[0]) > 0


def test_what_the_runs_have_found_is_drawn_and_has_rows(network, moved, taught, results, known_beads):
    found = closing.loaded(known_beads) | {name: xr.load_dataset(results / f"{name}.nc") for name in ("beads",)}
    atoms, known, small = found["trajectory"], found["structure"], PER_EDGE**3
    models = {"smooth": figures.of(known, kind="smooth", beads=small), "SchNet": figures.of(found["schnet"], beads=small)}  # fmt: skip
    drawn = [of(atoms, known, "smooth") for of in (figures.pairs, figures.angles, figures.orders)]
    drawn += [figures.many_body(atoms, models, 4.5, 6), figures.learned(found["reference"], found["beads"])]
    for figure in drawn:
        figure.canvas.draw()
        plt.close(figure)
    rows = {row.quantity: row for row in closing.every(found, (small, 8 * small))}
    off = rows[f"smooth, {8 * small} beads: max |Δg| from the atoms"].ours
    assert off == pytest.approx(float(known.g_difference[1]), rel=1e-6)
    assert rows[f"SchNet, {small} beads: max |Δg| from the atoms"].ours is not None
    assert rows[f"IBI, {small} beads: max |Δg| from the atoms"].ours is None


def test_copies_make_cubes():
    with pytest.raises(ValueError, match="no cube"):
        structure.copies_of(100, 64)
