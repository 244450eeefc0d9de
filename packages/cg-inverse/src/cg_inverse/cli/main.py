"""Arguments of the `cg-inverse` command; the work is in `cli.run`, `cli.reports` and `cli.votca`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from cg_data.cli.values import positive, typed, whole
from cg_inverse.cli.settings import ALPHA, DEFAULTS, METHODS, ONLY, SECTIONS, SETTINGS
from cg_sim.cli.settings import Setting

_SINGLE = """  cg-inverse {method} target.csv --density 0.7 --kT 1 --cutoff 2.5
  cg-inverse {method} water.xvg --density 33.4 --kT 2.494 --cutoff 0.9{more} -o water
"""
_EXAMPLES = """\
examples:
{single}  cg-inverse {method} cold.nc hot.nc --cutoff 2.5 --weights 2,1
  cg-inverse {method} config.toml --steps 400000 -o longer

A target is any file of g(r) that cg-data reads: .csv, .xvg, .dist.tgt, .nc … A folder is made that holds the potential as
tables for LAMMPS, GROMACS and HOOMD, a picture, the history of all rounds and what `cg-inverse resume` goes on from.
A configuration has the options' names (files are looked for beside it; --print-config writes one):
  [target]
  files = ["target.csv"]
  density = 0.7
  kT = 1.0
  [potential]
  cutoff = 2.5
"""


_CORRECTION = """
To correct a potential of many bodies by a pair potential, in Å and eV, at constant pressure or at the target's density:
  cg-inverse wibi al.csv --pairs Al-Al --density 0.0527 --kT 0.0882 --cutoff 8 --base emt --rule hnc --pressure-bath 0
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 on success, 1 on a failure (one line on stderr), 2 on wrong usage, 130 when stopped."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.action is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        action: Callable[[argparse.Namespace], int] = options.action
        return action(options)
    except (ValueError, TypeError, KeyError, ImportError, OSError, MemoryError, RuntimeError) as error:
        message = error.args[0] if isinstance(error, KeyError) and error.args else error
        print(f"cg-inverse: {message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("cg-inverse: interrupted; whole rounds that were done are kept", file=sys.stderr)
        return 130


def _begin(options: argparse.Namespace) -> int:
    from cg_inverse.cli.run import begin

    return begin(options)


def _resume(options: argparse.Namespace) -> int:
    from cg_inverse.cli.run import go_on

    return go_on(options)


def _report(options: argparse.Namespace) -> int:
    from cg_inverse.cli.reports import report

    return report(options)


def _compare(options: argparse.Namespace) -> int:
    from cg_inverse.cli.reports import compare

    return compare(options)


def _import_votca(options: argparse.Namespace) -> int:
    from cg_inverse.cli.votca import import_votca

    return import_votca(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cg-inverse",
        description="From a radial distribution function to the pair potential that reproduces it.",
        epilog="example: cg-inverse hncgn target.csv --density 0.7 --kT 1 --cutoff 2.5",
    )
    parser.set_defaults(action=None)
    commands = parser.add_subparsers(metavar="COMMAND")
    for name, about in METHODS.items():
        _add_method(commands, name, about)
    _add_others(commands)
    return parser


def _examples(method: str) -> str:
    more = " --pressure 0.06" if method in ONLY["pressure"] else ""
    single = "" if method == "msibi" else _SINGLE.format(method=method, more=more)
    return _EXAMPLES.format(method=method, single=single)


def _add_method(commands: Any, name: str, about: str) -> None:
    command = commands.add_parser(name, help=about, allow_abbrev=False, description=f"{about[0].upper()}{about[1:]}.",
                                  formatter_class=argparse.RawDescriptionHelpFormatter,
                                  epilog=_examples(name) + (_CORRECTION if name == "wibi" else ""))  # fmt: skip
    command.set_defaults(action=_begin, method=name)
    command.add_argument("targets", nargs="*", metavar="TARGET", help="file of g(r), several for one potential of several states; "
                         "or a configuration, .toml")  # fmt: skip
    command.add_argument("--config", metavar="FILE.toml", help="settings; options override them")
    for section, title in SECTIONS.items():
        chosen = [x for x in SETTINGS if x.section == section and name in ONLY.get(x.name, METHODS)]
        if chosen:
            group = command.add_argument_group(f"{section}: {title}")
            for setting in chosen:
                _add(group, setting, name)
    group = command.add_argument_group("while it runs")
    group.add_argument("--print-config", action="store_true", help="print the settings as TOML and stop")
    group.add_argument("--quiet", action="store_true", help="no progress, no summary")


def _add(group: Any, setting: Setting, method: str) -> None:
    names = ("-o", setting.option) if setting.name == "output" else (setting.option,)
    default = ALPHA[method] if setting.name == "alpha" else DEFAULTS[setting.name]
    if isinstance(default, bool):
        default = "yes" if default else "no"
    shown = setting.help if default is None else f"{setting.help} (default {default})"
    kind = {"action": "append"} if setting.name == "initial" else {"type": typed(setting.read)}
    group.add_argument(*names, dest=setting.name, metavar=setting.metavar, help=shown.replace("%", "%%"), **kind)


def _add_others(commands: Any) -> None:
    resume = commands.add_parser("resume", help="go on with a fit that was stopped, killed, or shall go further",
                                 description="Go on with a fit from its last whole round; the result is that of an "
                                 "uninterrupted fit.", epilog="example: cg-inverse resume target-ibi --rounds 60")  # fmt: skip
    resume.set_defaults(action=_resume)
    resume.add_argument("folder", metavar="RUN", help="folder of a fit")
    resume.add_argument("--rounds", type=typed(whole(1)), metavar="N", help="do at most so many rounds in all")
    resume.add_argument(
        "--steps", type=typed(whole(1000)), metavar="STEPS", help="of a round at full length, from now on"
    )
    resume.add_argument(
        "--base", metavar="SPEC", help="what the fit corrects, if its folder does not say it or it is elsewhere now"
    )
    resume.add_argument(
        "--ensemble", type=typed(whole(2)), metavar="N", help="then fit so many times more, to perturbed targets"
    )
    resume.add_argument("--quiet", action="store_true", help="no progress, no summary")

    report = commands.add_parser("report", help="test a fitted potential in independent runs: its transfer card",
                                 description="Simulate a fitted potential anew, longer and elsewhere, and write its transfer "
                                 "card: g, pressure, compressibility, diffusion, stability, cost.",
                                 epilog="example: cg-inverse report target-ibi --elsewhere 0.5,1.0 --elsewhere hot.nc")  # fmt: skip
    report.set_defaults(action=_report)
    report.add_argument("folder", metavar="RUN", help="folder of a fit")
    report.add_argument("--steps", type=typed(whole(1000)), default=100_000, metavar="STEPS",
                        help="per state (default 100000)")  # fmt: skip
    report.add_argument("--elsewhere", action="append", default=[], metavar="RHO,KT|TARGET.nc",
                        help="also at this density and kT, or at another target's; repeat for several")  # fmt: skip
    report.add_argument("--seed", type=typed(whole(0)), default=0, metavar="SEED", help="(default 0)")

    compare = commands.add_parser("compare", help="put several fits side by side", description="Put several fits side by side: "
                                  "a table, and a picture of residuals and potentials.",
                                  epilog="example: cg-inverse compare target-ibi target-imc -o methods.png")  # fmt: skip
    compare.set_defaults(action=_compare)
    compare.add_argument("folders", nargs="+", metavar="RUN", help="folders of fits")
    compare.add_argument("-o", "--output", default="compare.png", metavar="FILE", help="picture (default compare.png)")

    votca = commands.add_parser("import-votca", help="bring a csg_inverse project here", description="Make a target and a "
                                "configuration of VOTCA's settings.xml, and say which command goes on.",
                                epilog="example: cg-inverse import-votca settings.xml --density 33.4")  # fmt: skip
    votca.set_defaults(action=_import_votca)
    votca.add_argument("settings", metavar="settings.xml", help="of csg_inverse; its targets are beside it")
    votca.add_argument("--density", metavar="RHO", help="number density [nm⁻³], or A=…,B=… (default: of conf.gro beside "
                       "it, for one type)")  # fmt: skip
    votca.add_argument("--kT", type=typed(positive), metavar="ENERGY", help="[kJ/mol] (default: the file's kBT)")
    votca.add_argument(
        "-o", "--output", metavar="FOLDER", help="to make (default: the project folder's name with -imported)"
    )
