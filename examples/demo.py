"""The main job, from the g(r) of a liquid to a potential that engines take: `make demo`, or `python examples/demo.py`.

A Lennard-Jones liquid is simulated for its g(r) and pressure, and from these alone its potential is found again: a trained
network's answer starts iterative Boltzmann inversion, the exact gradient through the dynamics refines what that finds, and
a transfer card says what the potential does in runs of its own.

All of it is on one page, demo/index.html, with the commands that do the same from a shell.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
import webbrowser
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import cg_data as cd
import cg_inverse as ci
import cg_sim as cs
from cg_data.plots import plot_target
from cg_inverse.cards.page import numbers, write_card
from cg_inverse.cards.transfer_card import transfer_card
from cg_inverse.pictures.html_page import page, picture, table
from cg_inverse.pictures.plots import plot_compare, plot_curves, plot_fit

CUTOFF, DENSITY, KT = 2.5, 0.7, 1.0
AHEAD = "--compile-ahead"
ELSEWHERE = (0.5, 1.5)  # density and kT where the potential was not fitted
TRUTH = cd.LennardJones(cutoff=CUTOFF).force_shifted()
TABLES = {"table": "LAMMPS", "xvg": "GROMACS", "npz": "HOOMD-blue", "csv": "CSV"}


@dataclass(frozen=True, slots=True)
class Size:
    """How long everything is simulated, in steps; the default takes about a minute of two cores."""

    target: int = 30_000
    fit: int = 8_000
    rounds: int = 3
    epochs: int = 150
    judged: int = 12_000
    card: int = 8_000


@dataclass(frozen=True, slots=True)
class Stage:
    """A potential on the way, and how far an independent run of it is from the target."""

    name: str
    potential: cd.Interactions
    run: xr.Dataset

    @property
    def row(self) -> tuple[str, ...]:
        """As a line of the table: D and its noise, χ², P, and how far U is from the truth beyond σ."""
        here = self.run.isel(iteration=0)
        pressure = f"{float(here['pressure'][0]):.3f} ± {float(here['pressure_stderr'][0]):.3f}"
        residual, noise, chi2 = (float(here[name]) for name in ("residual", "noise", "chi2"))
        return self.name, f"{residual:.4f}", f"{noise:.4f}", f"{chi2:.2f}", pressure, f"{off(self.potential):.3f}"


HEADS = ("potential", "D", "D of noise alone", "χ² per shell", "pressure", "largest |U − U true| beyond σ")


def make(folder: Path = Path("demo"), size: Size = Size()) -> Path:
    """Do the job and return its page."""
    began = time.perf_counter()
    for name in ("ibi", "refined"):
        shutil.rmtree(folder / name, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)

    say("target", f"simulating a Lennard-Jones liquid, ρ = {DENSITY}, kT = {KT} …")
    run = cs.simulate(cs.fcc(n=864, density=DENSITY), TRUTH, kT=KT, steps=size.target, equilibration=5_000,
                      observe=[cs.RDF(r_max=5.0, bins=200), cs.Pressure()], precision="single", seed=1)  # fmt: skip
    target = cd.target(run.data).assign_attrs(source="Lennard-Jones liquid")
    cd.save(target, folder / "target.nc")
    pressure, error = round(float(run.data.pressure), 4), float(run.data.pressure_stderr)
    say("", f"g(r) to 5σ and P = {pressure:.3f} ± {error:.3f}   ({since(began)})")

    findings = [str(finding) for finding in cd.preflight(target, cutoff=CUTOFF)]
    for finding in findings:
        say("preflight", finding)

    say("IBI", "started by a trained network, led to the pressure: D = 4πρ∫r²(g − g*)²dr, its noise, χ² per shell")
    start = ci.IBI(target, CUTOFF, initial="network")
    ibi = ci.ibi(target, CUTOFF, initial="network", pressure=ci.FixedPressure(pressure), progress=show, folder=folder / "ibi",
                 control=ci.Control(rounds=size.rounds, steps=size.fit, first_steps=size.fit // 2))  # fmt: skip

    say("gradient", "exact, through windows of dynamics: of ∫(g − g*)²dr by a smooth change of that potential")
    recipe = ci.Recipe(epochs=size.epochs, steps=60, rate=3e-3, replicas=2, loss="products")
    refined = ci.diffsim(target, CUTOFF, network=ci.Refinement(12), initial=ibi.potential, recipe=recipe, progress=show,
                         per_round=size.epochs, folder=folder / "refined",
                         control=ci.Control(rounds=1, steps=size.fit, first_steps=size.fit))  # fmt: skip

    say("judged", f"each in {size.judged} steps of its own:")
    potentials = {"network's answer": start.problem.basis.potential(start.init()), "after IBI": ibi.potential,
                  "after the gradient": refined.potential, "truth": cd.as_interactions(TRUTH, "A")}  # fmt: skip
    stages = [Stage(name, u, judged(target, u, size.judged)) for name, u in potentials.items()]
    for line in (HEADS, *(stage.row for stage in stages)):
        say("", "".join(text.ljust(width) for text, width in zip(line, (22, 9, 18, 14, 16, 0), strict=True)))

    say("card", "new runs of the last: here, at neighboring densities, and elsewhere …")
    card = transfer_card(refined.potential, refined.problem, simulation=refined.ledger.liquids, steps=size.card,
                         elsewhere=[ELSEWHERE], history=refined.history, seed=1)  # fmt: skip
    write_card(card, folder / "refined", history=refined.history)

    lines = commands(folder, size, pressure)
    known = (f"The target is a run of 864 particles at ρ = {DENSITY}, kT = {KT}: g(r), and P = {pressure:.3f} ± {error:.3f}.",
             f"Preflight: {'; '.join(findings) or 'nothing to say'}.",
             f"Done in {since(began)}, {time.process_time():.0f} s of processor time, with compilation if it was the first time.")  # fmt: skip
    parts = [
        f"<p>{escape((__doc__ or '').split(chr(10) * 2)[1])}</p>",
        f"<p>{'<br>'.join(escape(text) for text in known)}</p>",
        "<h2>What was found</h2>", table(HEADS, (stage.row for stage in stages)),
        "<p>Each row is a run of its own. A D that is its noise is a g that cannot be told from the target's; the truth's row is "
        "what can be reached. Where g says little of U, U is open: long waves of it change g by less than the noise.</p>",
        "<p>Left, each fit's own work: the gradient begins where IBI ended.</p>",
        picture(plot_compare([ibi.history, refined.history], ["IBI", "gradient"], truth=TRUTH), "D by work, and U(r) beside the truth"),
        "<h2>The target</h2>", picture(plot_target(target), "g(r) of the target and its Boltzmann inversion"),
        "<h2>Iterative Boltzmann inversion from the network's answer</h2>", picture(plot_fit(ibi.history), "g, U and D by round"),
        "<h2>Transfer card</h2>", picture(plot_curves(card), "g(r) of new runs beside the target, and U(r)"), numbers(card),
        "<p>" + "<br>".join(escape(text) for text in card.remarks) + ' <a href="refined/card.html">The whole card</a></p>',
        "<h2>Tables for engines</h2>",
        "<p>" + " · ".join(f'<a href="refined/A-A.{end}">{name}</a>' for end, name in TABLES.items()) + "</p>",
        "<h2>The same from a shell</h2>", f"<pre>{escape(chr(10).join(lines))}</pre>",
    ]  # fmt: skip
    index = folder / "index.html"
    index.write_text(page("From g(r) to a potential", parts), encoding="utf-8")
    say("tables", ", ".join(f"{folder}/refined/A-A.{end} ({name})" for end, name in TABLES.items()))
    say("page", f"{index}   ({since(began)} in all)")
    return index


def compile_ahead() -> None:
    """Take one tiny step of the gradient, whose compiled code is then there when the demo needs it."""
    known = cd.liquid_theory(TRUTH, DENSITY, kT=KT)
    near = known.r < 3.0
    target = cd.make_target(known.r[near], np.maximum(known.g[near], 0), density=DENSITY, kT=KT)
    ci.diffsim(target, CUTOFF, network=ci.Refinement(12), initial=TRUTH, control=ci.Control(rounds=1, steps=1000, first_steps=400, melting=100),
               recipe=ci.Recipe(epochs=1, steps=5, replicas=2, loss="products"), per_round=1,
               simulation=ci.Simulation(particles=256))  # fmt: skip


def judged(target: xr.Dataset, potential: cd.Interactions, steps: int) -> xr.Dataset:
    """Return one round of a run that no fit has seen, the same for every potential."""
    once = ci.Control(rounds=1, steps=steps, first_steps=steps, seed=99)
    return ci.fit(ci.IBI(target, CUTOFF, initial=potential), control=once).history


def off(potential: cd.Interactions) -> float:
    """Return the largest |U − U true| beyond σ [ε]."""
    r = np.linspace(1.0, CUTOFF, 301)[:-1]
    return float(np.max(np.abs(potential["A", "A"].energy(r) - TRUTH.energy(r))))


def commands(folder: Path, size: Size, pressure: float) -> list[str]:
    """Return what does the same from a shell, into folders of its own."""
    target, first, second = (shlex.quote(str(folder / name)) for name in ("target.nc", "shell-ibi", "shell-refined"))
    return [
        f"cg-data check {target}",
        f"cg-inverse ibi {target} --cutoff {CUTOFF} --initial network --pressure {pressure} --rounds {size.rounds} "
        f"--steps {size.fit} --first-steps {size.fit // 2} -o {first}",
        f"cg-inverse diffsim {target} --cutoff {CUTOFF} --initial {first}/A-A.table --refine 12 --epochs {size.epochs} "
        f"--per-round {size.epochs} --window 60 --rate 0.003 --replicas 2 --loss products --rounds 1 --steps {size.fit} "
        f"--first-steps {size.fit} -o {second}",
        f"cg-inverse report {second} --steps {size.card} --elsewhere {ELSEWHERE[0]},{ELSEWHERE[1]} --seed 1",
    ]


def show(step: ci.Step, _: Any) -> None:
    found = step.judgement
    say("", f"round {step.number + 1}: D = {found.residual:.4f} ({found.noise:.4f}), χ² = {found.chi2:5.2f}, "
            f"P = {step.samples[0].pressure:.3f}, {step.order.steps} steps in {step.seconds:.1f} s   {step.note}")  # fmt: skip


def say(subject: str, text: str) -> None:
    print(f"{subject:10} {text}".rstrip(), flush=True)


def since(began: float) -> str:
    return f"{time.perf_counter() - began:.0f} s"


def main() -> None:
    if sys.argv[1:] == [AHEAD]:
        compile_ahead()
        return
    quiet, ahead = subprocess.DEVNULL, None
    if (os.cpu_count() or 1) > 1:  # on another core, while the target is simulated
        ahead = subprocess.Popen([sys.executable, __file__, AHEAD], stdout=quiet, stderr=quiet)
    index = make()
    if ahead is not None:
        ahead.wait()
    if sys.stdout.isatty():  # nothing is opened in CI or a pipe
        webbrowser.open(index.resolve().as_uri())


if __name__ == "__main__":
    main()
