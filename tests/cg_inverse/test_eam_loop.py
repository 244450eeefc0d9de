"""The whole loop with an embedded-atom potential: molten, corrected in three generations, kept, gone on with by its name."""

from __future__ import annotations

import numpy as np
import pytest

import cg_inverse as ci
from cg_inverse.rounds.phases import lost_phase

from .metals import target

eam = pytest.importorskip("ase.calculators.eam", reason="pip install cg-sim[ase]")

EPSILON, C, A = 0.033147, 16.399, 4.05  # eV, 1, Å: aluminium of Sutton & Chen 1990
END, DENSEST, ROWS = (
    3.9,
    300.0,
    1000,
)  # Å: short, as ASE looks for neighbors within twice that; far denser than a liquid
SIZE = {"particles": 32, "runs": 1, "dt": 0.2, "sample_every": 5}


def tapered(r, power):
    """Return (a/r)ⁿ brought to zero over the last Å."""
    x = np.clip(END - r, 0.0, 1.0)
    return (A / np.maximum(r, 0.5)) ** power * x**2 * (3 - 2 * x)


def write_sutton_chen(path) -> None:
    """Write U = ε Σ [½ Σ (a/r)⁷ − c √Σ (a/r)⁶] as setfl."""
    r, rho = (end / ROWS * np.arange(ROWS) for end in (END, DENSEST))
    curves = (-EPSILON * C * np.sqrt(rho), tapered(r, 6), r * EPSILON * tapered(r, 7))
    head = f"Sutton-Chen\nof a\ntest\n1 Al\n{ROWS} {DENSEST / ROWS} {ROWS} {END / ROWS} {END}\n13 26.98 {A} fcc\n"
    path.write_text(head + "".join(f"{v:.16e}\n" for curve in curves for v in curve))


def test_the_stand_in_is_sutton_and_chens_aluminium(tmp_path):
    """Its energy is the formula's, summed here; forces are slopes of it."""
    from ase.build import bulk
    from ase.neighborlist import neighbor_list

    write_sutton_chen(tmp_path / "al.eam.alloy")
    atoms = bulk("Al", "fcc", A, cubic=True).repeat((3, 3, 3))
    atoms.rattle(0.05, seed=1)
    atoms.calc = eam.EAM(potential=str(tmp_path / "al.eam.alloy"))
    i, d = neighbor_list("id", atoms, END)
    density = np.bincount(i, tapered(d, 6))
    energy = EPSILON * (0.5 * tapered(d, 7).sum() - C * np.sqrt(density).sum())
    assert atoms.get_potential_energy() == pytest.approx(energy, rel=1e-4)  # rows of ASE's splines
    force, energies = atoms.get_forces()[5, 1], []
    for step in (1e-4, -1e-4):
        moved = atoms.copy()
        moved.positions[5, 1] += step
        moved.calc = atoms.calc
        energies.append(moved.get_potential_energy())
    assert force == pytest.approx((energies[1] - energies[0]) / 2e-4, abs=1e-5)


def test_three_generations_take_eam_towards_its_target(tmp_path):
    """What exceeds noise sinks to a third or less, and the third generation is one that the folder alone goes on with."""
    write_sutton_chen(tmp_path / "al.eam.alloy")
    given = target(steps=4000).sel(r=slice(0, 4.25))  # what 32 atoms have room for
    control = ci.Control(
        rounds=2, steps=1000, first_steps=100, equilibration=20, melting=40, stop_at_noise=False, seed=5
    )
    fit = ci.wibi(given, 4.2, base=f"eam:{tmp_path / 'al.eam.alloy'}", alpha=0.7, simulation=ci.Simulation(**SIZE),
                  control=control, folder=tmp_path / "run")  # fmt: skip
    again = ci.resume(tmp_path / "run", rounds=3)
    history = again.history
    assert history.sizes["iteration"] == 3
    assert fit.history.attrs["base"] == f"eam:{tmp_path / 'al.eam.alloy'}"
    assert not lost_phase(again.step.samples, again.ledger.progress.states)
    excess = history.residual.values - history.noise.values
    assert excess[2] < excess[0] / 3
