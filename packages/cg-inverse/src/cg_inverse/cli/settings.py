"""Every setting of a fit, once: the option, the TOML key, how it is read, its default and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cg_data.cli.values import choice, numbers, per_type, positive, real, text, whole
from cg_inverse.corrections.named_bases import SPECS
from cg_sim.cli.settings import Setting

METHODS = {
    "bi": "Boltzmann inversion, U = −kT ln g: one simulation says how far it is from the target",
    "ibi": "iterative Boltzmann inversion, U ← U + α kT ln(g/g*)",
    "wibi": "weighted IBI, U ← U + α kT g* ln(g/g*): the core, where g* says nothing, changes little; of a correction to --base too",
    "msibi": "multi-state IBI: one potential for several targets",
    "cibi": "coordination-preserving IBI, U ← U + α kT ln(C/C*), C = 4π∫g r² dr",
    "imc": "inverse Monte Carlo: the response of g sampled, helped by theory where runs are short; the one to try first",
    "hncn": "HNC-Newton: the response of hypernetted-chain theory, shell by shell",
    "hncgn": "HNC-Gauss–Newton: the same, all of g at once; the fewest rounds for simple liquids",
    "re": "relative entropy, by Newton steps on the spline coefficients",
    "difftre": "DiffTRe: frames reweighted to the best potential that they still speak for, then simulated anew",
    "diffsim": "DiffSim: networks learn by the exact gradient through windows of dynamics (needs cg-inverse[models])",
}
ALPHA = {"ibi": 1.0, "wibi": 0.5, "msibi": 1.0, "cibi": 1.0}
TRAINING = ("epochs", "window", "rate", "halve_after", "replicas", "boxes", "loss", "per_round", "refine")
CORRECTION = ("base", "rule", "damping", "shell_weight", "to_density", "pressure_bath", "bath_tau")
ONLY = {"alpha": tuple(ALPHA), "threshold": ("difftre",), **dict.fromkeys(TRAINING, ("diffsim",)),
        **dict.fromkeys(CORRECTION, ("wibi",)), "initial": tuple(m for m in METHODS if m != "bi"),
        **dict.fromkeys(("pressure", "pressure_rule"), tuple(m for m in METHODS if m not in ("bi", "diffsim")))}  # fmt: skip
_BATH: dict[str, Any] = {"pressure": real, "tau": positive, "compressibility": positive, "every": whole(1)}
SECTIONS = {
    "target": "what the files do not say themselves",
    "potential": "what is looked for",
    "method": "how it is looked for",
    "training": "of networks",
    "simulation": "the liquids that are simulated, one or more per target",
    "control": "how long, and when to stop",
    "output": "files",
}


def per_target(given: Any) -> tuple[Any, ...]:
    """Return one value per target, or one for all: 0.7, or 0.3,0.7, or of a mixture A=0.1,B=0.3.

    >>> per_target("0.3,0.7"), per_target("A=0.1,B=0.3"), per_target(0.5)
    ((0.3, 0.7), ({'A': 0.1, 'B': 0.3},), (0.5,))
    """
    if isinstance(given, list):
        return tuple(per_type(v) if isinstance(v, Mapping) else positive(v) for v in given)
    if isinstance(given, Mapping) or (isinstance(given, str) and "=" in given):
        return (per_type(given),)
    return numbers(1)(given)


def signed(given: Any) -> tuple[float, ...]:
    """Return one pressure, or one per target."""
    parts = given.split(",") if isinstance(given, str) else given if isinstance(given, list) else [given]
    return tuple(real(part) for part in parts)


def baths(given: Any) -> tuple[dict[str, float], ...]:
    """Return barostats by their settings, one for all targets or one each: 0.02, or 0,0.02, or TOML's {pressure = 0.02, …}.

    >>> baths("0,0.02"), baths([{"pressure": 0.0, "tau": 50.0}])
    (({'pressure': 0.0}, {'pressure': 0.02}), ({'pressure': 0.0, 'tau': 50.0},))
    """
    parts = given.split(",") if isinstance(given, str) else given if isinstance(given, list) else [given]
    return tuple(_bath(part) if isinstance(part, Mapping) else {"pressure": real(part)} for part in parts)


def _bath(given: Mapping[str, Any]) -> dict[str, float]:
    unknown = [name for name in given if name not in _BATH]
    if unknown or "pressure" not in given:
        raise ValueError(f"takes {', '.join(_BATH)}, and needs pressure, got {', '.join(given)}")
    return {name: _BATH[name](value) for name, value in given.items()}


def texts(given: Any) -> tuple[str, ...]:
    """Return names separated by commas, or those of a TOML array."""
    return tuple(text(part) for part in (given if isinstance(given, list | tuple) else str(given).split(",")))


def sources(given: Any) -> tuple[str, ...]:
    """Return one text or several; commas belong to formulas."""
    return tuple(text(part) for part in given) if isinstance(given, list | tuple) else (text(given),)


def not_negative(given: Any) -> float:
    value = real(given)
    if value < 0:
        raise ValueError(f"must be ≥ 0, got {given}")
    return value


def yes_or_no(given: Any) -> bool:
    if isinstance(given, bool):
        return given
    if given not in ("yes", "no"):
        raise ValueError(f"must be yes or no, got {given!r}")
    return given == "yes"


SETTINGS = (
    Setting("target", "density", per_target, None, "RHO", "number density; 0.3,0.7 for two targets, A=0.1,B=0.3 for a mixture"),
    Setting("target", "kT", numbers(1), None, "ENERGY", "temperature as an energy; one for all targets or one each"),
    Setting("target", "weights", numbers(2), None, "W,W,…", "how much each of several targets counts (default: all alike)"),
    Setting("target", "pairs", texts, None, "A-A,A-B", "names of the file's curves, in order"),
    Setting("target", "target_particles", per_target, None, "N", "particles in the simulation that gave the target; A=…,B=…", key="particles"),
    Setting("target", "target_box", positive, None, "L", "shortest width of its box", key="box"),
    Setting("target", "normalization", choice("N(N-1)", "N^2"), None, "KIND", "how it counted like pairs: N(N-1) or N^2"),
    Setting("target", "units", text, None, "UNITS", "lj, real, metal, gromacs, or LENGTH,ENERGY such as nm,kJ/mol"),
    Setting("potential", "cutoff", positive, None, "R", "where it ends (required); the target may and should reach further"),
    Setting("potential", "knots", positive, None, "DR", "distance between spline knots (default: a 30th of the first peak's)"),
    Setting("potential", "initial", sources, None, "SOURCE", "start from a table file, a formula as lj:cutoff=2.5, zero, "
            "network or theory (default: Boltzmann inversion); for mixtures repeat A-B=SOURCE"),
    Setting("method", "alpha", positive, None, "X", "dimensionless factor of each step, of order 1"),
    Setting("method", "rule", choice("paper", "line", "hnc", "imc"), "paper", "RULE",
            "steps of a correction: paper, as above; line, its length by theory; hnc, imc, Gauss–Newton"),
    Setting("method", "damping", not_negative, 0.1, "X", "of Gauss–Newton steps: what g hardly feels changes less"),
    Setting("method", "shell_weight", choice("g", "uniform"), "g", "NAME", "w of weighted IBI: the target's g, or uniform: plain IBI"),
    Setting("method", "to_density", yes_or_no, False, "yes|no", "with --pressure-bath: steps also lead to the target's density"),
    Setting("method", "pressure", signed, None, "P", "pressure to be met too, one for all targets or one each"),
    Setting("method", "pressure_rule", choice("fixed", "wjk", "simple"), "fixed", "RULE",
            "fixed: by what g leaves open; wjk, simple: a linear ramp, at the cost of g"),
    Setting("method", "threshold", positive, 0.2, "X", "share of a round's frames that must stay effective"),
    Setting("training", "epochs", whole(1), 500, "N", "windows of dynamics, each followed by a step of Adam"),
    Setting("training", "window", whole(5), 120, "STEPS", "time steps of a window, a multiple of 5; gradients explode in long ones"),
    Setting("training", "rate", positive, 0.002, "X", "of Adam at first; halved when the loss sinks no more"),
    Setting("training", "halve_after", whole(2), 25, "N", "epochs whose mean loss must be lower than before, or the rate is halved"),
    Setting("training", "replicas", whole(1), 1, "N", "boxes per target, side by side"),
    Setting("training", "boxes", whole(32), 256, "N", "particles of each"),
    Setting("training", "loss", choice("squares", "products"), "squares", "KIND", "squares, or products of different replicas: not biased by noise"),
    Setting("training", "per_round", whole(1), 50, "N", "epochs between two simulations that judge"),
    Setting("training", "refine", whole(4), None, "INTERVALS", "no network learns, but a smooth change of the initial potential: a spline of "
            "so few intervals, such as 12"),
    Setting("simulation", "base", text, None, "SPEC", f"what the potential is added to: {SPECS}; with calculators in Å, eV "
            "and Å√(u/eV) = 10.18 fs, types are elements (--pairs Al-Al)"),
    Setting("simulation", "pressure_bath", baths, None, "P", "the volume follows this pressure, one for all targets or one each",
            key="barostat"),
    Setting("simulation", "bath_tau", positive, None, "TIME", "in which it does (default: 2 ρ^(−1/3) √(m/kT))"),
    Setting("simulation", "particles", whole(64), None, "N", "(default: 1000, or as many as the target's reach needs)"),
    Setting("simulation", "dt", positive, None, "TIME", "time step (default: 0.005 ρ^(−1/3) √(m/kT))"),
    Setting("simulation", "mass", positive, 1.0, "M", "of every particle"),
    Setting("simulation", "friction", positive, None, "1/TIME", "of the Langevin thermostat (default: ρ^(1/3) √(kT/m))"),
    Setting("simulation", "sample_every", whole(1), 40, "STEPS", "steps between samples"),
    Setting("simulation", "runs", whole(1), 2, "N", "independent simulations per target, side by side"),
    Setting("simulation", "threads", whole(1), None, "N", "how many of them at once (default: all, on as many cores as there are)"),
    Setting("simulation", "engine", choice("cpu", "cuda", "lammps", "hoomd"), "cpu", "NAME", "cpu, cuda, lammps or hoomd; see `cg-sim engines`"),
    Setting("simulation", "precision", choice("single", "double"), "single", "NAME", "single or double"),
    Setting("control", "rounds", whole(1), 30, "N", "at most so many"),
    Setting("control", "steps", whole(1000), 100_000, "STEPS", "of a round at full length, per target; the first are shorter"),
    Setting("control", "first_steps", whole(100), None, "STEPS", "of the first round (default: a 16th, at least 4000)"),
    Setting("control", "equilibration", whole(0), None, "STEPS", "before each round's steps (default: a tenth, at least 500)"),
    Setting("control", "cap", positive, 2.0, "X", "no step changes U by more than so many kT outside the core"),
    Setting("control", "stop_at_noise", yes_or_no, True, "yes|no", "stop when the residual is noise"),
    Setting("control", "seed", whole(0), 0, "SEED", "of velocities and noise"),
    Setting("control", "melting", whole(0), 4000, "STEPS", "before the first round, from a lattice"),
    Setting("control", "patience", whole(1), 4, "N", "stop after so many rounds of full length that bring nothing"),
    Setting("control", "ensemble", whole(0), 0, "N", "fit so many times more, to perturbed targets: the spread of U, P and D"),
    Setting("output", "output", text, None, "RUN", "folder to make (default: TARGET-METHOD)", key="folder"),
)  # fmt: skip
DEFAULTS = {setting.name: setting.default for setting in SETTINGS}
