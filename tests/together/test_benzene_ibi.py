"""The baseline of structure in notebook 02 finds a Lennard-Jones liquid again that is stored as beads of benzene are."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import cg_data as cd
import cg_sim as cs

pytest.importorskip("openmm", reason="pip install openmm")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "notebooks" / "runs"))
beads = pytest.importorskip("benzene_beads")
ibi = pytest.importorskip("benzene_ibi")

TRUTH = cd.LennardJones(sigma=4.9, epsilon=0.4, cutoff=12.0).force_shifted()
FRAMES, EVERY = 150, 200


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("beads")
    run = cs.simulate(
        cs.fcc(200, 0.0067, kT=ibi.KT, masses=78.11), TRUTH, kT=ibi.KT, dt=0.25, steps=EVERY * FRAMES, equilibration=4000,
        frames_every=EVERY, precision="single", seed=3, units=beads.UNITS,
    )  # fmt: skip
    beads.write(run.trajectory, folder, 1)
    with pytest.MonkeyPatch.context() as words:
        given = f"benzene_ibi.py {folder} --folder {folder} --out {folder}/ibi.nc --frames {FRAMES} --rounds 6 --steps 8000 --check 2400"
        words.setattr(sys, "argv", given.split())
        ibi.main()
    return xr.load_dataset(folder / "ibi.nc")


def test_g_is_that_of_the_beads_but_for_noise(found):
    assert float((found.mean_squared_difference / found.mean_squared_noise).max()) < 3
    assert np.all(np.abs(found.peak_position - found.atoms_peak_position) < 0.1)
    assert np.all(np.abs(found.peak_height / found.atoms_peak_height - 1) < 0.05)


def test_held_at_a_pressure_it_has_that_pressure(found):
    held, free = (abs(found.pressure.sel(condition=c) - 1) for c in ("1 atm", "free"))
    assert np.all(held < 0.3 * free)


def test_the_first_peak_of_a_curve_is_where_it_is():
    r = np.arange(0.05, 15, 0.1)
    assert ibi.first_peak(r, 1 + np.exp(-((r - 5.72) ** 2)) + 0.5 * np.exp(-((r - 11) ** 2))) == pytest.approx([5.72, 2], abs=0.02)  # fmt: skip
