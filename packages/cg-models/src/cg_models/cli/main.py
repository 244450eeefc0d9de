"""Arguments of the `cg-models` command; the work is in the module of each verb."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from cg_data.cli.main import units_argument
from cg_data.cli.values import one_or_per_type, positive, text, typed, whole
from cg_models.cli import deep_arguments
from cg_models.cli.readers import frames_slice, not_negative, share

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

_TRAIN = """\
examples:
  cg-models train beads.nc -o beads.safetensors --cutoff 8 --prior core --kT 0.596
  cg-models train beads.nc -o beads.safetensors --cutoff 8 --prior core --kT 0.596 --epochs 300 --resume
  cg-models train chains.dump -o chains.safetensors --cutoff 8 --units real --types A,B --mass A=42,B=72 --kT 0.596 \\
            --prior A-A=power:sigma=3,exponent=8 --prior A-B=core.table --bonds harmonic

A trajectory is any that cg-data reads, with forces: .nc of cg-data map, .dump, .gsd, .xyz, a DeePMD folder. All numbers are in its units.
A checkpoint is kept after every epoch; after Ctrl-C or a kill, the same command with --resume goes on bit for bit. A prior keeps
beads apart where there are no data; "core" makes one of g(r). At the end a short simulation says whether what was learned runs.
Exit code 1 if it does not, 130 when stopped.
"""

_EVALUATE = """\
examples:
  cg-models evaluate beads.safetensors beads.nc --kT 0.596
  cg-models evaluate beads.safetensors other.nc --kT 0.596 --trial-steps 20000 --picture beads.png
  cg-models evaluate beads.safetensors other.dump --units metal --types A,B --no-trial

A trajectory in other units is turned into the potential's. Forces at fixed beads vary: what is left of the error may be that and no fault.
Exit code 1 if the potential breaks down in the trial.
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
    except (ValueError, TypeError, KeyError, ImportError, OSError, MemoryError, RuntimeError, ArithmeticError) as error:
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


def _train(options: argparse.Namespace) -> int:
    from cg_models.cli.train import train

    return train(options)


def _deep(options: argparse.Namespace) -> int:
    from cg_models.cli.deep import deep

    return deep(options)


def _evaluate(options: argparse.Namespace) -> int:
    from cg_models.cli.evaluate import evaluate

    return evaluate(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cg-models",
        description="Networks from g(r) to U(r), from U(r) to P, and from positions of beads to forces.",
        epilog="example: cg-models invert rdf.csv --density 0.5 --kT 1 -o u.table",
    )
    parser.set_defaults(action=None)
    commands = parser.add_subparsers(metavar="COMMAND")
    _add_invert(commands)
    _add_pressure(commands)
    _add_train(commands)
    _add_evaluate(commands)
    deep_arguments.add(partial(_command, commands), _deep, units_argument, UNITS_HELP)
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


def _add_train(commands: Any) -> None:
    train = _command(commands, "train", _train, "teach a network forces on beads, and try whether it runs", _TRAIN)
    _add_trajectory(train)
    train.add_argument("-o", "--output", required=True, type=typed(text), metavar="FILE.safetensors", help="to write")
    group = train.add_argument_group("what is learned, and what is known before")
    group.add_argument("--cutoff", required=True, type=typed(positive), metavar="LENGTH", help="of the network")
    group.add_argument("--prior", action="append", default=[], metavar="core|SOURCE", help="between molecules: core (of g(r)), a "
                       "formula such as power:sigma=3,exponent=8, or a table file; or repeat A-B=SOURCE")  # fmt: skip
    group.add_argument("--bonds", action="append", default=[], metavar="harmonic|SOURCE", help="inside molecules: harmonic (springs "
                       "of the distances found), or a formula such as harmonic:k=100,r0=2; or repeat A-B=SOURCE")  # fmt: skip
    group.add_argument("--alike", action="store_true", help="forget molecules: all beads see one another")
    for name, default, about in (("features", 128, "of a bead"), ("blocks", 3, "of interaction"), ("radial", 20, "functions of distance")):  # fmt: skip
        group.add_argument(
            f"--{name}", type=typed(whole(1)), default=default, metavar="N", help=f"{about} (default {default})"
        )
    group.add_argument("--filters", type=typed(whole(1)), metavar="N", help="(default: as many as features)")
    group.add_argument(
        "--inner-blocks", type=typed(whole(0)), default=0, metavar="N", help="inside molecules (default 0)"
    )
    group.add_argument("--inner-cutoff", type=typed(positive), metavar="LENGTH", help="inside molecules (default: half as far "
                       "again as beads of one ever were)")  # fmt: skip
    group = train.add_argument_group("how it is learned")
    group.add_argument(
        "--energy-weight",
        type=typed(not_negative),
        default=0.0,
        metavar="λ",
        help="of energies beside forces (default 0)",
    )
    group.add_argument("--epochs", type=typed(whole(1)), default=100, metavar="N", help="at most (default 100)")
    group.add_argument("--batch", type=typed(whole(1)), default=10, metavar="FRAMES", help="(default 10)")
    group.add_argument("--rate", type=typed(positive), default=1e-3, help="of learning, at first (default 0.001)")
    group.add_argument("--last-rate", type=typed(positive), default=1e-5, help="at the end (default 1e-5)")
    group.add_argument(
        "--patience", type=typed(whole(1)), metavar="EPOCHS", help="stop when validation has not improved for so many"
    )
    group.add_argument(
        "--validate-share", type=typed(share), default=0.1, metavar="SHARE", help="of the frames (default 0.1)"
    )
    group.add_argument("--split", choices=("block", "random"), default="block", help="validate with the end of the trajectory "
                       "(default), or with random frames, which flatter")  # fmt: skip
    group.add_argument(
        "--gap", type=typed(whole(0)), default=0, metavar="FRAMES", help="left out before the block (default 0)"
    )
    group.add_argument(
        "--floor",
        type=typed(positive),
        metavar="FORCE",
        help="by which forces at fixed beads vary: shown beside errors",
    )
    group.add_argument("--resume", action="store_true", help="go on from the checkpoint if there is one, bit for bit")
    group.add_argument("--quiet", action="store_true", help="no progress")
    _add_trial(train)


def _add_evaluate(commands: Any) -> None:
    evaluate = _command(commands, "evaluate", _evaluate, "compare a taught network with a trajectory, and try whether it runs", _EVALUATE)  # fmt: skip
    evaluate.add_argument("model", metavar="FILE.safetensors", help="that cg-models train or save_beads wrote")
    _add_trajectory(evaluate)
    _add_trial(evaluate)
    evaluate.add_argument(
        "--picture", metavar="FILE.png", help="draw forces, and g(r) of the trial beside the trajectory's"
    )


def _add_trajectory(command: Any) -> None:
    command.add_argument("trajectory", metavar="TRAJECTORY", help="of beads, with forces")
    command.add_argument(
        "--from", dest="source_format", metavar="FORMAT", help="its format, if the suffix does not say"
    )
    command.add_argument("--units", type=units_argument, metavar="UNITS", help=f"what its numbers mean: {UNITS_HELP}")
    command.add_argument("--types", metavar="A,B", help="names of LAMMPS types 1, 2, …")
    command.add_argument("--frames", type=typed(frames_slice), metavar="START:STOP:STEP", help="that are read")
    command.add_argument(
        "--kT", type=typed(positive), metavar="ENERGY", help="(default: of the velocities, if there are any)"
    )
    command.add_argument(
        "--mass", type=typed(one_or_per_type), metavar="MASS|A=…,B=…", help="(default: the trajectory's)"
    )
    command.add_argument("--device", default="cpu", metavar="cpu|cuda", help="where the network is (default cpu)")
    command.add_argument("--seed", type=typed(whole(0)), default=0, help="(default 0)")


def _add_trial(command: Any) -> None:
    group = command.add_argument_group("a trial: a short simulation at kT, from frames of the trajectory")
    group.add_argument("--no-trial", action="store_true", help="none")
    group.add_argument("--trial-steps", type=typed(whole(1)), default=1000, metavar="STEPS", help="(default 1000)")
    group.add_argument(
        "--dt", type=typed(positive), metavar="TIME", help="[length·√(mass/energy)] (default: by the forces)"
    )
    group.add_argument("--friction", type=typed(positive), metavar="1/TIME", help="(default 0.01/dt)")
