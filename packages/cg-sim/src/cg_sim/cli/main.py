"""Arguments of the `cg-sim` command; the work is in `cli.run`, `cli.engines` and `cli.pictures`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from cg_data.cli.values import real, text, typed, whole
from cg_sim.cli.settings import DEFAULTS, SECTIONS, SETTINGS, Setting

_RUN_EXAMPLES = """\
examples:
  cg-sim run --potential lj:cutoff=2.5 --density 0.7 --kT 1 -o lj.nc --picture lj.png
  cg-sim run --potential lj.table --density 0.7 --kT 1 --thermostat nose-hoover --steps 200000 --rdf 4.0
  cg-sim run --potential A-A=lj:sigma=1 --potential A-B=lj:sigma=1.1 --potential B-B=wca:sigma=1.2 \\
             --composition A=0.25,B=0.75 --density 0.6 --kT 1.2 --pressure 2
  cg-sim run --potential lj:cutoff=2.5 --kT 1 --state lj.nc --equilibration 0 -o more.nc
  cg-sim run run.toml --resume

a configuration has the options' names (files to read are looked for beside it; --print-config writes one):
  potential = "lj.table"          # or a table [potential] with "A-B" = "lj:sigma=1.1"
  [state]
  density = 0.7                   # or file = "lj.nc"
  [run]
  kT = 1.0
  thermostat = "bussi"
  [observe]
  rdf = 4.0
  msd = 100
  [output]
  output = "run.nc"

formulas, with what they take (… must be given; cut is plain, shifted or force-shifted):
"""


_CAMPAIGN = """\
Run every potential at every density, temperature and seed that a specification names, and keep P, g(r) and what kind of
sample it was, a row each. Start it again after a kill, with more workers, or on a cluster: only what is missing runs.

examples:
  cg-sim campaign liquids.toml -o liquids.zarr --workers 4 --page status.html
  cg-sim campaign liquids.toml -o /shared/liquids.zarr --scheduler tcp://login1:8786
  cg-sim campaign plan liquids.toml --on 1 64 1000 --price 0.04
  cg-sim campaign status liquids.zarr
  cg-sim campaign collect liquids.zarr -o liquids.nc

liquids.toml:
  [potentials]
  splines = 657                    # random spline potentials; or files = ["*.table"], formulas = ["lj:cutoff=2.5"]
  [rows]
  density = [0.125, 0.244, 0.512, 1.0]
  kT = [1.0]                       # may be left out, as may seed = [0]
  [run]                            # what differs from the defaults: particles, box, reach, bins, dt, friction, hot, melting,
  most = 40000                     # block, every, least, most, pressure_error, g_error, core, wave, engine
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 on success, 1 on a failure (one line on stderr), 2 on wrong usage, 130 when stopped."""
    parser = _parser(sys.argv[1:] if arguments is None else arguments)
    options = parser.parse_args(arguments)
    if options.action is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        action: Callable[[argparse.Namespace], int] = options.action
        return action(options)
    except (ValueError, TypeError, KeyError, ImportError, OSError, MemoryError, RuntimeError) as error:
        message = error.args[0] if isinstance(error, KeyError) and error.args else error
        print(f"cg-sim: {message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "cg-sim: interrupted; nothing was written but checkpoints and finished rows of a campaign", file=sys.stderr
        )
        return 130


def _run(options: argparse.Namespace) -> int:
    from cg_sim.cli.run import run

    return run(options)


def _engines(options: argparse.Namespace) -> int:
    from cg_sim.cli.engines import engines

    return engines(options)


def _campaign(options: argparse.Namespace) -> int:
    from cg_sim.cli.campaign import campaign

    return campaign(options)


def _plot(options: argparse.Namespace) -> int:
    from cg_sim.cli.pictures import plot

    return plot(options)


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cg-sim",
        description="Molecular dynamics of pair potentials: run one, look at the result, see which engines are here.",
        epilog="example: cg-sim run --potential lj:cutoff=2.5 --density 0.7 --kT 1 -o lj.nc --picture lj.png",
    )
    parser.set_defaults(action=None)
    commands = parser.add_subparsers(metavar="COMMAND")

    run = commands.add_parser("run", help="simulate and measure", allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter,
                              description="Simulate and measure, by options, a TOML configuration, or both.",
                              epilog=_RUN_EXAMPLES + _formulas(arguments))  # fmt: skip
    run.set_defaults(action=_run)
    _add_run_options(run)

    engines = commands.add_parser("engines", help="say which engines are available, and how to get the others",
                                  description="Say which engines are available, and how to get the others.",
                                  epilog="example: cg-sim engines")  # fmt: skip
    engines.set_defaults(action=_engines)
    engines.add_argument("--json", action="store_true", help="print as JSON")

    campaign = commands.add_parser("campaign", help="run a table of potentials, densities and seeds; resumable",
                                   formatter_class=argparse.RawDescriptionHelpFormatter, description=_CAMPAIGN,
                                   usage="cg-sim campaign [-h] {SPEC.toml | plan SPEC.toml | status STORE | collect STORE} [options]")  # fmt: skip
    campaign.set_defaults(action=_campaign)
    campaign.add_argument(
        "words",
        nargs="+",
        metavar="SPEC.toml",
        help="what to run, or plan SPEC.toml, or status STORE, or collect STORE",
    )
    campaign.add_argument("-o", "--out", help="the store (.zarr) to make or go on with; of collect, a netCDF file")
    campaign.add_argument("--workers", type=typed(whole(1)), help="processes on this machine (default: one per core)")
    campaign.add_argument(
        "--scheduler", metavar="tcp://HOST:PORT", help="do the rows on the workers of this Dask scheduler"
    )
    campaign.add_argument(
        "--on", type=typed(whole(1)), nargs="+", default=[1, 8, 1000], metavar="N", help="of plan: so many workers"
    )
    campaign.add_argument(
        "--rate", type=typed(real), help="of plan: particle-steps/s of a worker (default: measured here)"
    )
    campaign.add_argument("--price", type=typed(real), help="of plan: what a worker costs an hour")
    campaign.add_argument("--page", metavar="FILE.html", help="keep a page with the status there")
    campaign.add_argument("--quiet", action="store_true", help="no progress")

    plot = commands.add_parser("plot", help="draw a saved run", description="Draw g(r) and the energy of a saved run.",
                               epilog="example: cg-sim plot run.nc -o run.png")  # fmt: skip
    plot.set_defaults(action=_plot)
    plot.add_argument("source", help="netCDF file of a run")
    plot.add_argument("-o", "--output", help="picture to write (default: the source's name with .png)")
    return parser


def _formulas(arguments: Sequence[str]) -> str:
    """Return the formulas' help if it will be shown: naming them imports NumPy."""
    if "run" not in arguments or not {"-h", "--help"} & set(arguments):
        return ""
    from cg_data.cli.potentials import formulas_help

    return formulas_help()


def _add_run_options(run: argparse.ArgumentParser) -> None:
    run.add_argument("config", nargs="?", metavar="CONFIG.toml", help="settings; options override them")
    run.add_argument("--potential", action="append", type=typed(text), metavar="SOURCE",
                     help="a table file of any format cg-data reads, or a formula; for mixtures repeat A-B=SOURCE")  # fmt: skip
    for section, about in SECTIONS.items():
        group = run.add_argument_group(f"{section}: {about}")
        for setting in SETTINGS:
            if setting.section == section:
                _add(group, setting)
    group = run.add_argument_group("while it runs")
    group.add_argument(
        "--resume", action="store_true", help="continue from the checkpoint if there is one, bit for bit"
    )
    group.add_argument("--print-config", action="store_true", help="print the settings as TOML and stop")
    group.add_argument("--quiet", action="store_true", help="no progress, no summary")
    group.add_argument("--report-every", type=typed(real), default=10.0, metavar="SECONDS",
                       help="between lines of progress when stderr is no terminal (default 10)")  # fmt: skip


def _add(group: Any, setting: Setting) -> None:
    names = ("-o", setting.option) if setting.name == "output" else (setting.option,)
    default = DEFAULTS[setting.name]
    shown = setting.help if default is None else f"{setting.help} (default {default})"
    group.add_argument(*names, dest=setting.name, type=typed(setting.read), metavar=setting.metavar, help=shown)
