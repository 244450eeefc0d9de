"""A run of ours is a target for the inversion of its own g(r), with its density, kT, numbers and errors."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd
import cg_sim as cs
from cg_data.cli.main import main


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "liquid.nc"
    state = cs.fcc(500, 0.8)
    state = cs.State(state.positions, state.box, types=(np.arange(500) % 5 == 0).astype(int), names=("A", "B"))
    known = cd.LennardJones(cutoff=2.5)
    run = cs.simulate(
        state,
        {("A", "A"): known, ("A", "B"): known, ("B", "B"): known},
        kT=1.2,
        dt=0.004,
        steps=400,
        observe=[cs.RDF(3.0, 60)],
        seed=1,
    )
    run.save(path)
    return path


def test_a_run_is_read_as_a_target(file):
    run, target = cd.load(file), cd.read_target(file)
    assert target.attrs["schema"] == "pair-target"
    assert target.attrs["normalization"] == run.attrs["normalization"] == "N(N-1)"
    assert float(target.kT) == 1.2
    np.testing.assert_allclose(target.density.sel(type=["A", "B"]), [0.64, 0.16])
    assert target.particles.sel(type=["A", "B"]).values.tolist() == [400, 100]
    for pair in ("A-A", "A-B", "B-B"):
        np.testing.assert_array_equal(target.g.sel(pair=pair), run.g.sel(pair=pair))
        np.testing.assert_array_equal(target.g_stderr.sel(pair=pair), run.g_stderr.sel(pair=pair))


def test_the_command_converts_one(file, tmp_path, capsys):
    assert main(["convert", str(file), str(tmp_path / "liquid.csv")]) == 0
    assert "3 distribution(s) on 60 points" in capsys.readouterr().out
    np.testing.assert_array_equal(cd.read_target(tmp_path / "liquid.csv").g.values, cd.read_target(file).g.values)


def test_a_run_without_distances_is_none(tmp_path):
    cs.simulate(cs.fcc(108, 0.8), cd.LennardJones(cutoff=2.0), kT=1.0, dt=0.004, steps=40, seed=1).save(
        tmp_path / "run.nc"
    )
    with pytest.raises(cd.FileError, match="has measured no g"):
        cd.read_target(tmp_path / "run.nc")
