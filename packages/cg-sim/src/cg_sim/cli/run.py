"""`cg-sim run`: one simulation, its files and its summary."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cg_data import write_trajectory
from cg_sim.checkpoints import Checkpoint
from cg_sim.cli.config import Settings, as_toml, gathered
from cg_sim.cli.interrupts import stopping
from cg_sim.cli.leftovers import sweep
from cg_sim.cli.pictures import save_picture
from cg_sim.cli.plan import Plan, planned, written_by
from cg_sim.cli.progress import Speed, reporting
from cg_sim.cli.settings import SETTINGS
from cg_sim.cli.summary import found_in, pace
from cg_sim.engines.protocol import BlowUp
from cg_sim.run_loop import Interrupted
from cg_sim.run_result import Run
from cg_sim.running import simulate

_OF_THE_START = ("state", "density", "n", "composition", "mass", "equilibration")


def run(options: argparse.Namespace) -> int:
    """Simulate; 0 when done, 1 after a blow-up, 130 when stopped: then what was sampled is written too."""
    given = {name: getattr(options, name) for name in ("potential", *(s.name for s in SETTINGS))}
    settings = gathered(options.config, given)
    if options.print_config:
        print(as_toml(settings), end="")
        return 0
    plan = planned(settings)
    sweep(written_by(plan))
    begin, speed = time.monotonic(), Speed()
    try:
        result = _simulated(plan, settings, options, speed)
    except Interrupted as stop:
        return _stopped(plan, settings, stop)
    except BlowUp as error:
        return _blown_up(plan, settings, error)
    files = _write(plan, settings, result)
    if not options.quiet:
        print("\n".join(found_in(result.data)))
        print(pace(result.data, time.monotonic() - begin, speed.overall()))
        print(f"written: {', '.join(map(str, files))}")
        print(f"next: {_next_command(plan, options, given)}")
    return 0


def _simulated(plan: Plan, settings: Settings, options: argparse.Namespace, speed: Speed) -> Run:
    done = _resumed_from(plan) if options.resume else 0
    with (
        stopping() as check,
        reporting(plan.state.n, done, speed=speed, every=options.report_every, quiet=options.quiet) as report,
    ):

        def progress(done: int, total: int, temperature: float) -> None:
            report(done, total, temperature)
            check()

        return simulate(
            plan.state,
            plan.potential,
            kT=settings["kT"],
            steps=settings["steps"],
            dt=settings["dt"],
            equilibration=settings["equilibration"],
            thermostat=plan.thermostat,
            barostat=plan.barostat,
            observe=plan.observe,
            sample_every=settings["sample_every"],
            frames_every=settings["frames_every"],
            engine=settings["engine"],
            seed=settings["seed"],
            threads=settings["threads"],
            precision=settings["precision"],
            checkpoint=plan.checkpoint,
            checkpoint_every=settings["checkpoint_every"],
            resume=options.resume,
            units=plan.units,
            progress=progress,
        )


def _resumed_from(plan: Plan) -> int:
    """Say where --resume continues and return the steps done."""
    if plan.checkpoint is None:
        raise ValueError("--resume needs a checkpoint to continue from: leave out --checkpoint none")
    if not plan.checkpoint.exists():
        print(f"no {plan.checkpoint} yet: starting from the beginning", file=sys.stderr)
        return 0
    done = Checkpoint.load(plan.checkpoint).done
    print(f"continuing from step {done} ({plan.checkpoint})", file=sys.stderr, flush=True)
    return done


def _stopped(plan: Plan, settings: Settings, stop: Interrupted) -> int:
    files = _write(plan, settings, stop.run, interrupted=f"at step {stop.done}")
    attrs, again = stop.run.data.attrs, ""
    if plan.checkpoint is not None:
        every = settings["checkpoint_every"]
        again = f"; the same command with --resume continues from step {max(stop.done - 1, 0) // every * every}"
    total = attrs["equilibration"] + attrs["steps"]
    print(
        f"cg-sim: interrupted at step {stop.done} of {total}; {_held(stop.run)} in {files[0]}{again}", file=sys.stderr
    )
    return 130


def _blown_up(plan: Plan, settings: Settings, error: BlowUp) -> int:
    kept = "; no step was good, so nothing was written"
    if error.run is not None:
        files = _write(plan, settings, error.run, interrupted=f"blew up at step {error.step}")
        kept = f"; {_held(error.run)} and the last good state are in {files[0]}"
    print(f"cg-sim: {error}{kept}", file=sys.stderr)
    return 1


def _held(run: Run) -> str:
    return f"{run.data.sizes.get('sample', 0)} samples"


def _write(plan: Plan, settings: Settings, run: Run, *, interrupted: str | None = None) -> list[Path]:
    """Write what the run holds and return the files; without a sample there is no g(r) and no picture."""
    sampled = run.data.sizes.get("sample", 0) > 0
    data = run.data if sampled else run.data.drop_dims("r", errors="ignore")
    data = data.assign_attrs(config=as_toml(settings))
    if interrupted is not None:
        data.attrs["interrupted"] = interrupted
    files = [Run(data, run.state).save(plan.output)]
    if plan.trajectory is not None and run.trajectory is not None:
        files.append(write_trajectory(run.trajectory, plan.trajectory))
    if plan.picture is not None and sampled:
        files.append(save_picture(data, plan.picture))
    return files


def _next_command(plan: Plan, options: argparse.Namespace, given: Mapping[str, Any]) -> str:
    """Return the command to try next: a picture if there is none yet, else the run's continuation."""
    if plan.picture is None:
        return shlex.join(["cg-sim", "plot", str(plan.output)])
    words = ["cg-sim", "run"] + ([options.config] if options.config else [])
    for text in given["potential"] or ():
        words += ["--potential", text]
    for setting in SETTINGS:
        value = given[setting.name]
        if value is not None and setting.section != "output" and setting.name not in _OF_THE_START:
            words += [setting.option, _as_option(value)]
    further = plan.output.with_name(f"{plan.output.stem}-2{plan.output.suffix}")
    return shlex.join([*words, "--equilibration", "0", "--state", str(plan.output), "-o", str(further)])


def _as_option(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}={number:g}" for name, number in value.items())
    if isinstance(value, tuple):
        return ",".join(map(repr, value))
    return value if isinstance(value, str) else repr(value)
