"""Arguments of the `cg-models` command; the work is in the module of each verb."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from cg_data.cli.main import units_argument
from cg_data.cli.values import positive, text, typed, whole

UNITS_HELP = "lj, real, metal, gromacs, votca, or LENGTH,ENERGY such as nm,kJ/mol"

_INVERT = """\
examples:
  cg-models invert rdf.csv --density 0.5 --kT 1 -o u.table
  cg-models invert rdf.xvg --density 33.4 --kT 2.494 --particles 4000 -o u.xvg --picture u.png
  cg-models invert rdf.nc -o u.npz --network paper

g must be known up to 5 σ, better in bins of 0.05 σ than in wider ones; what its file says of density, kT and particles need not
be said again. Where the networks learned of nothing alike, the answer is a refusal (exit code 1), not a guess.
"""

_PRESSURE = """\
examples:
  cg-models pressure lj:cutoff=2.5 --density 0.1 --kT 1.5
  cg-models pressure wca --density 0.2 0.4 0.6 0.8
  cg-models pressure u.xvg --density 33.4 --kT 2.494 --sigma 0.3

A potential is a table of any format that cg-data reads, in the units of the file, or a formula as of cg-sim run --potential. U must
end within 5 σ. Where the networks learned of nothing alike, or liquids would not be one phase, the answer is a refusal (exit
code 1), not a guess.
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
        print(f"cg-models: {message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("cg-models: interrupted; nothing was written", file=sys.stderr)
        return 130


def _invert(options: argparse.Namespace) -> int:
    from cg_models.cli.invert import invert

    return invert(options)


def _pressure(options: argparse.Namespace) -> int:
    from cg_models.cli.pressure import pressure

    return pressure(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cg-models",
        description="Networks from g(r) to U(r), and from U(r) to P.",
        epilog="example: cg-models invert rdf.csv --density 0.5 --kT 1 -o u.table",
    )
    parser.set_defaults(action=None)
    commands = parser.add_subparsers(metavar="COMMAND")
    _add_invert(commands)
    _add_pressure(commands)
    return parser


def _command(commands: Any, name: str, action: Callable[[argparse.Namespace], int], about: str, examples: str) -> Any:
    found = commands.add_parser(name, help=about, allow_abbrev=False, description=f"{about[0].upper()}{about[1:]}.",
                                formatter_class=argparse.RawDescriptionHelpFormatter, epilog=examples)  # fmt: skip
    found.set_defaults(action=action)
    return found


def _add_invert(commands: Any) -> None:
    invert = _command(commands, "invert", _invert, "find the pair potential of a g(r) by trained networks, with its error", _INVERT)  # fmt: skip
    invert.add_argument("source", metavar="RDF", help="file of g(r) that cg-data reads: .csv, .xvg, .dist.tgt, .nc")
    invert.add_argument("-o", "--output", required=True, metavar="TABLE", type=typed(text),
                        help="table to write; its suffix chooses the format: .table, .xvg, .npz, .csv, .pot")  # fmt: skip
    invert.add_argument("--density", type=typed(positive), help="number density, unless the file says it")
    invert.add_argument("--kT", type=typed(positive), metavar="ENERGY", help="unless the file says it")
    invert.add_argument("--particles", type=typed(whole(2)), metavar="N", help="in the periodic box that g is from: a "
                        "fixed number bends the tail of g; say it if fewer than some ten thousand")  # fmt: skip
    invert.add_argument("--normalization", choices=("N^2", "N(N-1)"), help="how pairs were counted (default N^2)")
    invert.add_argument("--units", type=units_argument, metavar="UNITS", help=f"of the file: {UNITS_HELP}")
    invert.add_argument("--from", dest="source_format", metavar="FORMAT", help="of g, if the suffix does not say")
    invert.add_argument("--pair", metavar="A-A", help="to take from a file with several")
    _add_networks(invert, "where g begins, or a fifth of its reach")
    invert.add_argument("--format", metavar="FORMAT", help="of the table, if the suffix does not say")
    invert.add_argument("--rows", type=typed(whole(4)), default=2000, metavar="N", help="of the table (default 2000)")
    invert.add_argument("--to-units", type=units_argument, metavar="UNITS", help="of the table (default: those of g)")
    invert.add_argument("--picture", metavar="FILE.png", help="draw U with its errors beside −kT ln g")


def _add_pressure(commands: Any) -> None:
    pressure = _command(commands, "pressure", _pressure, "say the pressure of a potential by trained networks, with its error", _PRESSURE)  # fmt: skip
    pressure.add_argument("potential", metavar="POTENTIAL", type=typed(text), help="a table file, or a formula")
    pressure.add_argument("--density", type=typed(positive), nargs="+", required=True, metavar="RHO",
                          help="number density; several make a table")  # fmt: skip
    pressure.add_argument("--kT", type=typed(positive), metavar="ENERGY", help="(default 1, in reduced units)")
    pressure.add_argument("--units", type=units_argument, metavar="UNITS", help=f"of the file: {UNITS_HELP}")
    _add_networks(pressure, "1, in reduced units")


def _add_networks(command: Any, sigma: str) -> None:
    command.add_argument("--sigma", type=typed(positive), metavar="LENGTH",
                         help=f"unit of length: networks see up to 5 of it (default {sigma})")  # fmt: skip
    command.add_argument("--network", choices=("informed", "paper"), default="informed",
                         help="this project's, told what theories say (default), or paper 01's")  # fmt: skip
