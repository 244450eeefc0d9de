"""Every setting of `cg-sim run`, once: the option, the TOML key, how it is read, its default and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cg_data.cli.values import (
    NONE,
    Parse,
    choice,
    numbers,
    one_or_per_type,
    or_word,
    per_type,
    positive,
    real,
    text,
    whole,
)

THERMOSTATS = ("langevin", "nose-hoover", "bussi", "nve")
ENGINES = ("cpu", "cuda", "hoomd", "lammps", "ase")
SECTIONS = {
    "state": "where the particles start",
    "run": "ensemble, time and engine",
    "observe": "what is measured, besides energy, temperature and pressure",
    "output": "files",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One row: `name` is the option --name (with dashes) and the TOML key, or `key` is where that must differ."""

    section: str
    name: str
    read: Parse
    default: Any
    metavar: str
    help: str
    key: str | None = None

    @property
    def toml_key(self) -> str:
        return self.key or self.name

    @property
    def option(self) -> str:
        return "--" + self.name.replace("_", "-")


SETTINGS = (
    Setting("state", "state", text, None, "FILE", "start from this file's last configuration: a run saved before (.nc), "
            ".gsd, .xyz, .dump, .npz checkpoint, or what ASE reads", key="file"),
    Setting("state", "density", positive, None, "RHO", "or from a face-centred cubic lattice of this number density"),
    Setting("state", "n", whole(1), 864, "N", "particles on the lattice"),
    Setting("state", "composition", per_type, None, "A=X,B=Y", "fraction of each type on the lattice"),
    Setting("state", "mass", one_or_per_type, None, "M", "mass of all particles, or A=1,B=2"),
    Setting("run", "kT", positive, None, "ENERGY", "temperature as an energy (required)"),
    Setting("run", "dt", positive, 0.005, "TIME", "time step"),
    Setting("run", "steps", whole(1), 50_000, "STEPS", "steps during which is measured"),
    Setting("run", "equilibration", or_word("auto", whole(0)), 10_000, "STEPS",
            "steps before; auto ends them when the energy has settled, after --steps at the latest"),
    Setting("run", "thermostat", choice(*THERMOSTATS), "langevin", "NAME", ", ".join(THERMOSTATS)),
    Setting("run", "friction", positive, None, "1/TIME", "of langevin (1)"),
    Setting("run", "tau", positive, None, "TIME", "time constant of nose-hoover and bussi (0.5)"),
    Setting("run", "pressure", real, None, "P", "constant pressure by stochastic cell rescaling"),
    Setting("run", "pressure_tau", positive, None, "TIME", "time constant of the pressure (2)"),
    Setting("run", "compressibility", positive, None, "1/P", "a guess that only sets the box's speed (0.1)"),
    Setting("run", "seed", whole(0), 0, "SEED", "of velocities and noise"),
    Setting("run", "engine", choice(*ENGINES), "cpu", "NAME", ", ".join(ENGINES) + "; see `cg-sim engines`"),
    Setting("run", "precision", choice("double", "single"), "double", "NAME", "double or single"),
    Setting("run", "threads", whole(1), 1, "N", "processor cores"),
    Setting("observe", "rdf", or_word(NONE, positive), None, "R_MAX",
            "g(r) up to here, or none (default: twice the cutoff, at most half the box)"),
    Setting("observe", "bins", whole(2), 200, "N", "shells of g(r)"),
    Setting("observe", "msd", whole(2), None, "LAGS", "mean-squared displacement over so many samples"),
    Setting("observe", "vacf", whole(2), None, "LAGS", "velocity autocorrelation over so many samples"),
    Setting("observe", "structure_factor", positive, None, "Q_MAX", "S(q) up to here"),
    Setting("observe", "adf", numbers(1), None, "R,…", "angle distribution within these cutoffs"),
    Setting("observe", "steinhardt", numbers(2, 2), None, "R_MIN,R_MAX",
            "averaged bond order q4, q6; neighbors count less from R_MIN on, none beyond R_MAX"),
    Setting("observe", "sample_every", whole(1), 50, "STEPS", "steps between samples"),
    Setting("output", "output", text, "run.nc", "FILE", "netCDF file of all results and the final state"),
    Setting("output", "picture", text, None, "FILE", "picture of g(r) and of the energy's course, .png, .pdf or .svg"),
    Setting("output", "trajectory", text, None, "FILE", "configurations, .nc, .gsd, .xyz or .dump"),
    Setting("output", "frames_every", whole(1), None, "STEPS", "steps between configurations of the trajectory"),
    Setting("output", "checkpoint", or_word(NONE, text), None, "FILE",
            "what --resume continues from, or none (default: the output's name with .checkpoint.npz)"),
    Setting("output", "checkpoint_every", whole(1), 20_000, "STEPS", "steps between checkpoints"),
)  # fmt: skip
DEFAULTS = {setting.name: setting.default for setting in SETTINGS}
