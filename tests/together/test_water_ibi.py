"""What water_ibi.py finds for notebook 05, of a liquid whose pair potential is known."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ase", reason="pip install ase")
pytest.importorskip("torch", reason="pip install torch")
pytest.importorskip("vesin", reason="pip install vesin")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "notebooks" / "runs"))
if True:  # after the skips
    import water
    import water_ibi as ibi
    import water_rows as closing
    import xarray as xr

    import cg_data as cd
    import cg_sim as cs

EDGE, N = 12.6, 64
TRUTH = cd.LennardJones(0.03, 2.5, cutoff=6.0).force_shifted()  # eV: about kT, a liquid above its critical point


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """Results of a liquid with a known potential in the place of atoms."""
    out = tmp_path_factory.mktemp("results")
    grid = (np.array(list(np.ndindex(4, 4, 4))) + 0.5) * EDGE / 4
    run = cs.simulate(
        cs.State(grid, EDGE, masses=water.BEAD), TRUTH, kT=water.KT, dt=4 * water.FEMTOSECOND, steps=60_000,
        equilibration=4000, thermostat=cs.Langevin(ibi.FRICTION), frames_every=40, seed=5, units=water.UNITS,
    )  # fmt: skip
    assert run.trajectory is not None
    water.written(water.measured(water.beads_of(run.trajectory.position.values, EDGE)), out / "trajectory.nc")
    start = xr.Dataset({"start": (("atom", "axis"), grid), "type": ("atom", np.array(["O"] * N))}, attrs={"edge": EDGE})
    water.written(start.assign_attrs(edge=EDGE), out / "reference.nc", edge=EDGE)
    return out


@pytest.fixture(scope="module")
def found(known, tmp_path_factory):
    work = tmp_path_factory.mktemp("ibi")
    words = ["--rounds", "6", "--steps", "24000", "--check", "40000", "--beads", str(N), "--out", str(known)]
    ibi.main([str(work), *words])
    first = xr.load_dataset(known / "ibi.nc")
    ibi.main([str(work), *words])  # goes on from what is there: nothing is left to do but the check
    return first, xr.load_dataset(known / "ibi.nc"), work


def test_the_pair_potential_is_found_again(found):
    first, _, _ = found
    sampled = (first.u_r > 2.5) & (first.u_r < 5.0)
    off = (first.u - TRUTH.energy(first.u_r.values))[sampled] / water.KT
    assert float(np.abs(off - off.mean()).max()) < 0.35  # a level of U beyond first neighbors is what noise sees least
    assert float(first.g_difference[0]) < max(0.06, 5 * float(first.g_difference_stderr[0]))


def test_pairs_make_the_angles_of_a_liquid_of_pairs(found, known):
    first, atoms = found[0].isel(row=0), xr.load_dataset(known / "trajectory.nc")
    cases = [("p", {"adf_cutoff": c}) for c in water.ANGLES[1:]] + [("steinhardt", {"l": l}) for l in (4, 6)]
    for name, at in cases:
        share, noise = closing.misplaced(first, atoms, name, **at)
        assert share < max(
            3 * noise, 0.01
        )  # what noise makes of it (its errors are of few blocks), or a hundredth: u is found to a third of kT


def test_a_run_goes_on_and_says_how_it_was_made(found):
    first, again, work = found
    np.testing.assert_array_equal(first.u, again.u)
    assert first.attrs["command"].startswith("python notebooks/runs/water_ibi.py")
    with pytest.raises(SystemExit, match="other settings"):
        ibi.main([str(work), "--rounds", "7", "--steps", "24000"])
