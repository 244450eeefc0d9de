"""A core that is read off g(r): that of a known potential, whatever packing does to g; and no core where there is none."""

from __future__ import annotations

import numpy as np
import pytest

import cg_data as cd
from cg_models.schnet.cores import core_of, wall_of

R = (np.arange(200) + 0.5) * 0.02


@pytest.mark.parametrize(("sigma", "n", "packing"), [(1.0, 12, 1.0), (1.1, 7, 2.0), (0.9, 18, 0.6)])
def test_it_is_the_core_of_a_gas_however_often_beads_meet(sigma, n, packing):
    g = packing * np.exp(-2 * (sigma / R) ** n)
    core = core_of(R, np.where(g < 1e-4, 0, g), 0.5, cutoff=3.0)
    near = np.linspace(0.8, 1.0, 5) * sigma
    np.testing.assert_allclose(core.force(near), n * (sigma / near) ** n / near, rtol=0.02)


def test_a_liquid_has_about_the_core_of_its_potential():
    true = cd.WCA()
    liquid = cd.liquid_theory(true, 0.5)
    core = core_of(liquid.r, np.where(liquid.g < 1e-3, 0, liquid.g), 1.0, cutoff=2.5)
    assert abs(float(core.force(0.95) / true.force(0.95)) - 1) < 0.35
    assert core.energy(0.7) > 10


def test_soft_beads_and_coarse_bins_have_none():
    with pytest.raises(ValueError, match="finer bins"):
        core_of(R, 0.9 + 0 * R, 1.0, cutoff=2.0)
    with pytest.raises(ValueError, match="no core"):
        core_of(R, np.where(R < 1, 0.7 - 0.3 * R, 1.0), 1.0, cutoff=2.0)
    with pytest.raises(ValueError, match="one length"):
        core_of(R[:5], R, 1.0, cutoff=2.0)


def test_a_wall_stands_where_no_data_are_and_nowhere_else():
    g = np.where(R < 1.005, 0.0, 1.0)
    wall, nearest = wall_of(R, g, 2.0), R[R < 1.005][-1]
    assert wall.cutoff == nearest
    assert not np.any(wall.energy(R[R >= 1.005]))
    x = 0.8
    known = 2.0 * ((nearest / x) ** 12 - 1 + 12 * (x / nearest - 1))
    assert float(wall.energy(x)) == pytest.approx(known)
    assert float(wall.force(nearest * (1 - 1e-9))) == pytest.approx(0, abs=1e-5)  # it begins without a jump
    with pytest.raises(ValueError, match="nothing everywhere"):
        wall_of(R, 0 * R, 2.0)
    with pytest.raises(ValueError, match="height"):
        wall_of(R, g, 0.0)
