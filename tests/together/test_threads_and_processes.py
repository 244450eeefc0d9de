"""The same bits under 1, 2 and 4 threads, and in processes that are forked and spawned: runs, fits, networks and what they learn."""

from __future__ import annotations

import hashlib
import multiprocessing
import sys

import numpy as np
import pytest

import cg_data as cd
import cg_sim as cs

for needed in ("cg_models", "cg_inverse", "torch", "vesin"):
    pytest.importorskip(needed, reason=f"pip install {needed}")
if True:  # after the skips
    import torch

    import cg_inverse as ci
    import cg_models as cm


def told(*arrays) -> str:
    """Return a digest of arrays, bit for bit."""
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()


def run_of(threads: int) -> str:
    run = cs.simulate(
        cs.fcc(864, 0.8), cd.LennardJones(cutoff=2.5), kT=1.0, dt=0.004, steps=300, observe=[cs.RDF(3.0, 60)],
        thermostat=cs.Langevin(1.0), seed=3, threads=threads,
    )  # fmt: skip
    return told(run.state.positions, run.state.velocities, run.data.g.values)


def fit_of(threads: int) -> str:
    known = cd.liquid_theory(cd.WCA(), 0.5)
    near = known.r < 3.5
    target = cd.make_target(known.r[near], np.maximum(known.g[near], 0), density=0.5, kT=1.0)
    fit = ci.hncgn(
        target, 1.5, simulation=ci.Simulation(particles=256, runs=2, threads=threads),
        control=ci.Control(rounds=2, steps=1000, first_steps=500, melting=300, seed=2),
    )  # fmt: skip
    return told(fit.history.coefficients.values, fit.history.g.values)


def network_of(threads: int | None) -> str:
    """With None, as many threads as there are: those that a process has asked for itself."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        noise = np.random.default_rng(1)
        x = np.array(
            [noise.permutation(list(np.ndindex(3, 3, 3))) * 3.0 + noise.normal(0, 0.2, (27, 3)) for _ in range(4)]
        )
        frames = cm.BeadFrames(x, np.tile(9.0 * np.eye(3), (4, 1, 1)), ("O",), np.zeros(27, dtype=np.int64), cd.Units("angstrom", "eV", "g/mol"),
                               forces=noise.normal(size=x.shape))  # fmt: skip
        potential = cm.DeepPotential(cm.SmoothOptions(4.0, 3.0, (20,), (4, 8), 4, (8, 8), moments=2), seed=1)
        trainer = cm.DeepTrainer(potential, frames, cm.DeepTraining(steps=20, batch=2, rate=1e-3, last_rate=1e-4))
        list(trainer.run())
        found = potential(x[0], np.full(3, 9.0), np.zeros(27, dtype=int))
        return told(found.energies, found.forces, *(p.detach().numpy() for p in potential.parameters()))
    finally:
        torch.set_num_threads(before)


JOBS = {"a run": run_of, "a fit": fit_of, "a network": network_of}


@pytest.mark.parametrize("what", JOBS)
def test_threads_do_not_matter(what):
    assert len({JOBS[what](threads) for threads in (1, 2, 4)}) == 1


@pytest.mark.parametrize("way", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python 3.12 on forks beside threads
def test_processes_do_not_matter(way):
    if way not in multiprocessing.get_all_start_methods():
        pytest.skip(f"{sys.platform} cannot {way}")
    here = {what: job(2) for what, job in JOBS.items()}  # threads have run in this process before it forks
    before = torch.get_num_threads()
    torch.set_num_threads(2)  # those of OpenMP do not live on in a fork
    with multiprocessing.get_context(way).Pool(2) as pool:
        torch.set_num_threads(before)
        there = {what: pool.apply_async(job, (None if job is network_of else 2,)) for what, job in JOBS.items()}
        assert {what: found.get(timeout=300) for what, found in there.items()} == here
