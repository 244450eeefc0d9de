"""DiffSim's windows on the GPU against those of the CPU: on a GPU where there is one, else under Numba's simulator.

The simulator replaces numba.cuda when it is imported, so it gets a process of its own, which runs this file again.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cg_models", reason="pip install 'cg-inverse[models]', for DiffSim")
pytest.importorskip("numba.cuda", reason="pip install 'cg-sim[cuda]'")
if True:  # after the skips
    import cg_data as cd
    import cg_inverse as ci
    import cg_sim as cs
    from cg_inverse.learning.epoch import window
    from cg_inverse.learning.systems import crystal, systems

    from . import dilute

SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"
HERE = SIMULATED or cs.unavailable("cuda") is None
if SIMULATED:
    sys.setswitchinterval(1e-5)  # the simulator's main thread spins until the others have reached a barrier


@pytest.mark.skipif(SIMULATED or HERE, reason="this is the run it starts")
def test_under_the_simulator():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", __file__]
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "1"}
    run = subprocess.run(command, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False, timeout=600)  # fmt: skip
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert " passed" in run.stdout


@pytest.mark.skipif(not HERE, reason="no GPU, and not under the simulator")
def test_a_window_on_the_gpu_is_that_of_the_cpu():
    recipe = ci.Recipe(particles=32, steps=1, every=1, replicas=2, bins=10, knots=40, melting=0, threads=1)
    states = [ci.problem(dilute.target(rho, 1.5), cutoff=1.5, knots=0.1).states[0] for rho in (0.2, 0.3)]
    both = systems(tuple(states), recipe, np.full(2, 0.5))
    table = cd.PairTable.from_potential(cd.LennardJones(cutoff=1.5).shifted(), 40, r_min=0.7)
    boxes = tuple(tuple(crystal(system.point, recipe, k) for k in range(2)) for system in both)
    potentials = [cd.Interactions({("A", "A"): table})] * 2
    ours, theirs = (window(both, potentials, boxes, replace(recipe, engine=e)) for e in ("cuda", "cpu"))
    assert ours.loss == pytest.approx(theirs.loss, rel=1e-6)
    for a, b in zip(ours.knots, theirs.knots, strict=True):
        for x, y in zip(a["A-A"], b["A-A"], strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-7 * np.abs(y).max())
