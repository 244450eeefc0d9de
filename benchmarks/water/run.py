"""VOTCA's SPC/E water target: our inverse Monte Carlo beside VOTCA's IBI, IMC and relative entropy, and the pressure.

The target (inversion/votca/spce_300K.csv) and VOTCA's final potentials are those of its tutorials (iterations as said in
inversion/votca/README.md). Every potential is judged by the same independent run at VOTCA's N = 2180.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measuring import Effort
from results import Row

import cg_data as cd
import cg_inverse as ci
from cg_inverse.rounds.judgement import judged
from cg_inverse.rounds.simulation import Order

VOTCA = Path(__file__).parent.parent / "inversion" / "votca"
CUTOFF, N, MASS = 0.9, 2180, 18.0154
BAR = 16.6054  # bar in kJ/mol/nm³
ATMOSPHERE = 1.0 / BAR
BEYOND = np.linspace(0.262, 0.88, 200)  # nm, where g* > 1 and further out


@dataclass(frozen=True)
class Judged:
    """Residual (eq. 18) up to the cutoff, its share of noise, pressure [bar]."""

    residual: float
    noise: float
    pressure: float


def rows(effort: Effort) -> Iterator[Row]:
    target = cd.read_target(VOTCA / "spce_300K.csv")
    problem = ci.problem(target, cutoff=CUTOFF)
    steps = 5_000 if effort.quick else 60_000
    theirs = {name: _read(name) for name in ("ibi", "imc", "re")}
    peers = {name: _judged(problem, potential, steps) for name, potential in theirs.items()}
    for name, pressure in (("IMC", None), ("IMC at 1 bar", ci.FixedPressure(ATMOSPHERE))):
        yield from _compared(problem, name, pressure, theirs, peers, steps, effort)


def _compared(problem: ci.Problem, name: str, pressure: ci.FixedPressure | None, theirs: dict[str, cd.Potential],
              peers: dict[str, Judged], steps: int, effort: Effort) -> Iterator[Row]:  # fmt: skip
    started, used = time.perf_counter(), time.process_time()
    control = ci.Control(steps=4000 if effort.quick else 40_000, rounds=3 if effort.quick else 20)
    fit = ci.fit(
        ci.IMC(problem), simulation=ci.Simulation(particles=1000, mass=MASS), control=control, pressure=pressure
    )
    seconds, cpu = time.perf_counter() - started, time.process_time() - used
    evaluations = float(fit.history["force_evaluations"].sum())
    ours = _judged(problem, fit.potential["A", "A"], steps)
    print(f"{name}: {fit.reason}, {len(fit.history.iteration)} rounds, {seconds:.0f} s, {evaluations:.3g} forces, {ours}",
          file=sys.stderr, flush=True)  # fmt: skip
    for peer, found in peers.items():
        kept = json.loads((VOTCA / f"spce_{peer}.json").read_text())
        said = f"VOTCA 2022.1 {peer.upper()}, LAMMPS, {kept['iterations']} iterations"
        yield Row(f"SPC/E, {name}: D within the cutoff", ours.residual, found.residual, said,
                  found.residual / ours.residual, "D", N, 2)  # fmt: skip
        yield Row(f"SPC/E, {name}: pressure", ours.pressure, found.pressure, said, None, "bar", N, 2)
        yield Row(f"SPC/E, {name}: CPU seconds, all of it", cpu, kept["md CPU [s]"], f"{said}, its MD alone",
                  kept["md CPU [s]"] / cpu, "s", N, 2)  # fmt: skip
        if pressure is None:
            off = fit.potential["A", "A"].energy(BEYOND) - theirs[peer].energy(BEYOND)
            yield Row(f"SPC/E, {name}: largest difference of U beyond 0.262 nm", float(np.max(np.abs(off))), None, said,
                      None, "kJ/mol", N, 2)  # fmt: skip


def _judged(problem: ci.Problem, potential: cd.Potential, steps: int) -> Judged:
    simulate = ci.Liquids(problem, particles=N, mass=MASS, seed=77, precision="double")  # VOTCA's wall has kinks
    samples, _ = simulate(cd.Interactions({("A", "A"): potential}), simulate.start(), Order(steps, 10_000, 4711))
    inside = samples[0].state.bins.r < CUTOFF
    found = judged(samples[0])
    difference = (samples[0].g[0] - samples[0].state.g[0])[inside] ** 2
    residual = samples[0].state.density * float(difference @ samples[0].state.bins.volumes[inside])
    return Judged(residual, found.noise, samples[0].pressure * BAR)


def _read(name: str) -> cd.Potential:
    """Return VOTCA's final potential, from where it is below 40 kT on."""
    lines = [line for line in (VOTCA / f"spce_{name}_potential.csv").read_text().splitlines() if line[:1].isdigit()]
    r, u = np.array([[float(x) for x in line.split(",")[:2]] for line in lines]).T
    inside = (u < 400) & (r <= CUTOFF + 1e-9)
    return cd.tabulated(r[inside], u[inside]).shifted()
