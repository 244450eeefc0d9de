"""Small random jobs for the soak: valid, odd and hostile parameters, and what must be true of whatever comes out."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

import cg_data as cd
import cg_sim as cs
from cg_data.cli import main as data_main
from cg_inverse.cli.main import main as inverse_main
from cg_models.cli.main import main as models_main
from cg_sim.cli.main import main as sim_main

ODD = [0, -1, 1e-300, 1e300, float("nan"), float("inf"), "x", None, True, 10**30, [], 3 + 2j]
HOSTILE = 0.35  # of the jobs; in those a fifth of all that is given is odd


@dataclass(frozen=True)
class Given:
    """Parameters of one job: sensible ones, or now and then something that nobody should give."""

    draw: Any
    hostile: bool

    def number(self, low: float = 0.1, high: float = 2.0) -> Any:
        return self._of(st.floats(low, high), ODD)

    def count(self, most: int = 120) -> Any:
        return self._of(st.integers(1, most), [0, -3, 2.5, "4", None, True, float("nan")])

    def one_of(self, *some: Any, odd: Any = None) -> Any:
        return self._of(st.sampled_from(some), [odd, 7, ""])

    def yes(self) -> bool:
        return bool(self.draw(st.booleans()))

    def _of(self, usual: Any, odd: list[Any]) -> Any:
        return self.draw(st.sampled_from(odd) if self.hostile and self.draw(st.integers(0, 4)) == 0 else usual)


def given_by(draw: Any) -> Given:
    return Given(draw, draw(st.integers(0, 99)) < 100 * HOSTILE)


FORMULAS = [cd.LennardJones, cd.WCA, cd.ModifiedMorse, cd.GaussianCore, cd.PowerLaw, cd.Yukawa, cd.Harmonic]
RANGES = {
    "cutoff": (1.5, 3.0),
    "sigma": (0.8, 1.2),
    "r0": (0.8, 1.2),
    "exponent": (8.0, 14.0),
    "rho": (4.0, 8.0),
    "psi": (-2.0, 3.0),
}


def potential(given: Given) -> Callable[[], Any]:
    """A formula with numbers that may be anything, cut in some way, or a sum; built by the job."""
    formula = given.draw(st.sampled_from(FORMULAS))
    values = {
        f.name: given.number(*RANGES.get(f.name, (0.3, 2.0)))
        for f in fields(formula)
        if f.default is MISSING or given.yes()
    }
    way, scale = given.one_of("plain", "shifted", "force_shifted", "scaled", "sum"), given.number()

    def build() -> Any:
        found = formula(**values)
        match way:
            case "shifted" | "force_shifted":
                return getattr(found, way)()
            case "scaled":
                return scale * found
            case "sum":
                return found + cd.WCA()
            case _:
                return found

    return build


@st.composite
def simulations(draw: Any) -> Callable[[], None]:
    """A short run of a small system."""
    given = given_by(draw)
    words: dict[str, Any] = {"kT": given.number(), "steps": given.count(), "sample_every": given.count(20)}
    for name, value in (("dt", given.number(1e-4, 0.01)), ("equilibration", given.count()), ("seed", given.count()),
                        ("precision", given.one_of("single", "double", odd="half")), ("frames_every", given.count())):  # fmt: skip
        if given.yes():
            words[name] = value
    n, density, tau = given.count(), given.number(0.005, 0.1), given.number()  # dilute: boxes must hold two cutoffs
    thermostat, reach, bins, observed = given.one_of(cs.Langevin, cs.NoseHoover, cs.Bussi, cs.NVE), given.number(), given.count(), given.yes()  # fmt: skip
    build = potential(given)

    def job() -> None:
        moved = cs.NVE() if thermostat is cs.NVE else thermostat(tau) if callable(thermostat) else thermostat
        observe = [cs.RDF(reach, bins), cs.Pressure()] if observed else []
        run = cs.simulate(cs.fcc(n, density, kT=words["kT"]), build(), thermostat=moved, observe=observe, **words)
        assert run.state.n == n
        assert np.isfinite(run.state.positions).all()
        sampled = run.data.sizes["sample"] > 0
        assert np.isfinite(float(run.data.temperature)) == sampled
        if observed and sampled:
            g = run.data.g.values
            assert (g[np.isfinite(g)] >= 0).all()

    return job


@st.composite
def tables(draw: Any) -> Callable[[], None]:
    """A table of a potential, written and read."""
    given = given_by(draw)
    build, format_, knots = (
        potential(given),
        given.one_of("lammps", "gromacs", "votca", "csv", odd="odd"),
        given.count(1000),
    )

    def job() -> None:
        table = cd.PairTable.from_potential(build(), knots)
        with folder_of_a_job() as folder:
            file = folder / "u.table"
            cd.write_table(table, file, format=format_)
            again = cd.read_potential(file, format=format_)
        r = np.linspace(max(table.r_min, 0.5 * table.cutoff), table.cutoff, 50)[:-1]
        scale = max(float(np.abs(table.energy(r)).max()), 1e-3)
        if knots > 300:
            assert np.abs(again.energy(r) - table.energy(r)).max() < 0.05 * scale

    return job


@st.composite
def targets(draw: Any) -> Callable[[], None]:
    """A target of arrays that may be no g(r), and its preflight."""
    given = given_by(draw)
    size = draw(st.integers(30, 200) if not given.hostile else st.integers(0, 60))
    r = np.linspace(0.02, draw(st.floats(2.0, 6.0)), size)
    g: Any = np.clip(3 * (r - 0.9), 0, 1) + 0.3 * np.sin(6 * r) * np.exp(-r) * (r > 1.2)
    if given.hostile and given.yes():
        g = np.array(draw(st.lists(st.floats(-2, 4), min_size=0, max_size=60)))
    if given.hostile and given.yes():
        r = np.array(draw(st.lists(st.floats(width=32), min_size=len(g), max_size=len(g))))
    density, kT, cutoff = given.number(), given.number(), given.number(1.5, 2.5)

    def job() -> None:
        target = cd.make_target(r, g, density=density, kT=kT)
        for finding in cd.preflight(target, cutoff=cutoff):
            assert str(finding)

    return job


@st.composite
def theories(draw: Any) -> Callable[[], None]:
    """The theory of a liquid."""
    given = given_by(draw)
    build, density, kT = potential(given), given.number(0.01, 0.7), given.number(0.5, 3.0)

    def job() -> None:
        found = cd.liquid_theory(build(), density, kT=kT)
        assert np.isfinite(found.g).all()
        assert abs(float(found.g[-1]) - 1) < 0.5

    return job


MAINS = [data_main, sim_main, models_main, inverse_main]
WORDS = ["ibi", "hncgn", "resume", "report", "uncertainty", "invert", "pressure", "train", "deep", "evaluate", "--cutoff", "--rounds", "--base", "emt", "run", "check", "convert", "plot", "campaign", "engines", "status", "plan", "--potential", "lj:cutoff=2.5", "lj:epsilon=nan", "wca:", "nothing:x=1",
         "--density", "0.5", "-1", "nan", "--kT", "1", "0", "--steps", "50", "1e9x", "--rdf", "2", "-o", "out.nc", "out/none/x.nc", "--seed", "3", "-n", "32",
         "missing.csv", "..", "/dev/null", "", "--help", "--json", "ü", "a" * 300, "--engine", "cpu", "cuda", "--quiet", "g.csv", "u.table", "--to-units", "real"]  # fmt: skip


@st.composite
def commands(draw: Any) -> Callable[[], None]:
    """A command line of words that may make sense."""
    main = draw(st.sampled_from(MAINS))
    words = draw(st.lists(st.sampled_from(WORDS), max_size=9))

    def job() -> None:
        out, err = io.StringIO(), io.StringIO()
        with (
            folder_of_a_job() as folder,
            contextlib.chdir(folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            (folder / "g.csv").write_text(
                "r,g\n" + "\n".join(f"{0.05 * k},{min(1.0, max(0.0, 0.05 * k - 0.9))}" for k in range(60))
            )
            try:
                code = main(words)
            except SystemExit as end:  # argparse: usage and help
                code = end.code
        assert code in (0, 1, 2, None), code
        assert "Traceback" not in err.getvalue()
        if code == 1:
            said = (err.getvalue() + out.getvalue()).strip()  # a list of findings goes to stdout
            assert said
            assert err.getvalue().count("\n") <= 2, err.getvalue()

    return job


@contextlib.contextmanager
def folder_of_a_job() -> Any:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


KINDS = {"simulations": simulations, "tables": tables, "targets": targets, "theories": theories, "commands": commands}
