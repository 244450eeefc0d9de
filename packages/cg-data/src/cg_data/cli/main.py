"""Arguments of the `cg-data` command; the work is in `cli.actions`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from cg_data.units import GROMACS, LAMMPS_STYLES, Units

_UNITS = {**LAMMPS_STYLES, "gromacs": GROMACS, "votca": GROMACS}
_UNITS_HELP = "lj, real, metal, gromacs, votca, or LENGTH,ENERGY such as nm,kJ/mol"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 on success, 1 on findings or a failure (one line on stderr), 2 on wrong usage."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.action is None:
        parser.print_help(sys.stderr)
        return 2
    action: Callable[[argparse.Namespace], int] = options.action
    try:
        return action(options)
    except (ValueError, TypeError, KeyError, ImportError, OSError, MemoryError) as error:
        text = error.args[0] if isinstance(error, KeyError) and error.args else error
        print(f"cg-data: {text}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("cg-data: interrupted; nothing was written", file=sys.stderr)
        return 130


def units_argument(text: str) -> Units:
    """Return the units of `nm,kJ/mol[,g/mol]` or of a named set."""
    if text in _UNITS:
        return _UNITS[text]
    names = text.split(",")
    if len(names) not in (2, 3):
        raise argparse.ArgumentTypeError(f"{text!r} is not {_UNITS_HELP}")
    try:
        return Units(*names)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def positive(text: str) -> float:
    """Return a positive, finite number."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} must be positive")
    return value


def per_type(text: str) -> float | dict[str, float]:
    """Return one positive number, or one per type from `A=0.2,B=0.6`."""
    if "=" not in text:
        return positive(text)
    items = [item.partition("=") for item in text.split(",")]
    return {name.strip(): positive(value) for name, _, value in items}


def counts(text: str) -> int | dict[str, int]:
    """Return one whole number, or one per type from `A=500,B=200`."""
    given = per_type(text)
    numbers = given.values() if isinstance(given, dict) else [given]
    if any(n != int(n) for n in numbers):
        raise argparse.ArgumentTypeError(f"{text} must be whole numbers")
    return {t: int(n) for t, n in given.items()} if isinstance(given, dict) else int(given)


def _parser() -> argparse.ArgumentParser:
    from cg_data.cli import actions

    parser = argparse.ArgumentParser(
        prog="cg-data",
        description="Pair potentials, targets and trajectories for coarse-graining: convert, check, draw, map.",
        epilog="example: cg-data check rdf.xvg --density 33.4 --kT 2.494 && cg-data plot rdf.xvg "
        "--density 33.4 --kT 2.494 -o rdf.png",
    )
    parser.set_defaults(action=None)
    commands = parser.add_subparsers(metavar="COMMAND")

    def command(
        name: str, action: Callable[[argparse.Namespace], int], help: str, example: str
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".",
                                  epilog=f"example: {example}")  # fmt: skip
        sub.set_defaults(action=action)
        return sub

    convert = command("convert", actions.convert, "convert a table, target or trajectory between formats and units",
                      "cg-data convert CG-CG.pot.new cg.table --to-units real")  # fmt: skip
    convert.add_argument("source", help="file (or DeePMD folder) to read")
    convert.add_argument("result", help="file to write; its suffix chooses the format")
    _kind(convert)
    convert.add_argument("--to", metavar="FORMAT", help="format to write, if the suffix does not say")
    convert.add_argument("--to-units", type=units_argument, metavar="UNITS", help=_UNITS_HELP)
    convert.add_argument("--n", type=int, default=2000, help="rows of a table up to the cutoff (default 2000)")
    convert.add_argument("--inner", choices=("linear", "power", "error"), default="linear",
                         help="how a table continues below its first row (default linear force)")  # fmt: skip
    _facts(convert)

    check = command("check", actions.check, "say before any run what is wrong or risky about files",
                    "cg-data check rdf.csv --density 0.7 --kT 1 --cutoff 2.5")  # fmt: skip
    check.add_argument("files", nargs="+", metavar="FILE")
    _kind(check)
    _facts(check)
    check.add_argument("--cutoff", type=positive, help="cutoff of the potential to be found")
    check.add_argument("--box", type=positive, help="shortest width of the reference's box")
    check.add_argument("--json", action="store_true", help="print findings as JSON")

    plot = command("plot", actions.plot, "draw a target, a table or a set of potentials",
                   "cg-data plot rdf.csv --density 0.7 --kT 1 -o rdf.png")  # fmt: skip
    plot.add_argument("source")
    plot.add_argument("-o", "--output", help="picture to write (default: the source's name with .png)")
    _kind(plot)
    _facts(plot)

    splines = command("splines", actions.splines, "make random spline potentials as in the BoltzmaNN paper",
                      "cg-data splines --seed 1 -o splines.nc --picture splines.png")  # fmt: skip
    splines.add_argument("-n", type=int, default=657, help="how many (default 657)")
    splines.add_argument("--hard-cores", type=int, help="how many with a WCA core (default 344 of 657)")
    splines.add_argument("--seed", type=int, default=0)
    splines.add_argument("--points", type=int, default=50, help="points of each table on [0, 5σ] (default 50)")
    splines.add_argument("-o", "--output", required=True, help="netCDF file to write")
    splines.add_argument("--picture", help="PNG to write")

    mapped = command("map", actions.map_files, "map an atomistic trajectory to beads, forces included",
                     "cg-data map water.dump water.toml -o beads.nc")  # fmt: skip
    mapped.add_argument("source", help="atomistic trajectory")
    mapped.add_argument("mapping", help="mapping file, TOML or VOTCA's XML")
    mapped.add_argument(
        "-o", "--output", required=True, help="trajectory to write (.nc, .xyz, .dump, .gsd or a folder)"
    )
    mapped.add_argument("--optimal-forces", action="store_true", help="use the noise-optimal linear force map")
    mapped.add_argument(
        "--ignore-names", action="store_true", help="atoms are in the mapping's order, whatever their types are called"
    )
    mapped.add_argument("--from", dest="source_format", metavar="FORMAT", help="format of the trajectory")
    mapped.add_argument("--units", type=units_argument, metavar="UNITS", help=f"of the trajectory: {_UNITS_HELP}")
    mapped.add_argument("--types", help="names of LAMMPS atom types 1, 2, …: O,H")
    return parser


def _kind(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as", dest="kind", choices=("target", "table", "trajectory"), help="what the file holds")
    parser.add_argument("--from", dest="source_format", metavar="FORMAT", help="its format, if the suffix does not say")
    parser.add_argument("--units", type=units_argument, metavar="UNITS", help=f"what its numbers mean: {_UNITS_HELP}")
    parser.add_argument("--pair", help="pair to take from a file with several, A-B")


def _facts(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("facts about a target that its file does not hold")
    group.add_argument("--pairs", help="names of the file's columns in order: A-A,A-B")
    group.add_argument("--density", type=per_type, help="number density, or A=…,B=…")
    group.add_argument("--kT", type=positive, help="thermal energy in the file's energy unit")
    group.add_argument("--particles", type=counts, help="number of particles, or A=…,B=…")
    group.add_argument("--normalization", choices=("N^2", "N(N-1)"), help="how like pairs were counted")
