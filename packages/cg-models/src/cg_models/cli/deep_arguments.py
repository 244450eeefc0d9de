"""Arguments of `cg-models deep`; nothing here waits for torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cg_data.cli.values import positive, text, typed, whole
from cg_models.cli.readers import frames_slice, not_negative, share, sizes

EXAMPLES = """\
examples:
  cg-models deep data_0 data_1 data_2 -o water.safetensors --cutoff 6 --steps 100000 --atomistic
  cg-models deep beads.nc -o beads.safetensors --cutoff 6 --environments frame --prior core --kT 0.02844 --batch 4
  cg-models deep beads.nc -o beads.safetensors --cutoff 6 --prior core --kT 0.02844 --batch 4 --resume

Trajectories are any that cg-data reads, with forces, of the same atoms: DeePMD folders among others. All numbers are in their units.
--atomistic learns energies, too, and virials where the files have them, with deepmd-kit's weights; else forces alone count, eq. 9 of DeePCG.
A checkpoint is kept at every report; after Ctrl-C or a kill, the same command with --resume goes on bit for bit. What was learned
is for cm.load_deep, cm.calculator, cm.ensemble. Exit code 130 when stopped.
"""


def add(command: Callable[..., Any], action: Callable[..., int], units: Callable[[str], Any], units_help: str) -> None:
    """Add the command's arguments."""
    deep = command("deep", action, "teach a deep potential (DeePMD, DeePCG) by energies and forces", EXAMPLES)
    deep.add_argument("trajectories", nargs="+", metavar="TRAJECTORY", help="with forces")
    deep.add_argument("-o", "--output", required=True, type=typed(text), metavar="FILE.safetensors", help="to write")
    deep.add_argument("--from", dest="source_format", metavar="FORMAT", help="of the trajectories, if the suffix does not say")  # fmt: skip
    deep.add_argument("--units", type=units, metavar="UNITS", help=f"what their numbers mean: {units_help}")
    deep.add_argument("--types", metavar="A,B", help="names of types without names, in order")
    deep.add_argument("--frames", type=typed(frames_slice), metavar="START:STOP:STEP", help="that are read of each")
    group = deep.add_argument_group("what is learned")
    group.add_argument("--cutoff", required=True, type=typed(positive), metavar="LENGTH")
    group.add_argument("--environments", choices=("smooth", "frame"), default="smooth", help="DeepPot-SE (default), or the local frames of DeePCG")  # fmt: skip
    group.add_argument("--smooth-from", type=typed(not_negative), metavar="LENGTH", help="(default: a twelfth of the cutoff)")  # fmt: skip
    group.add_argument("--embedding", type=typed(sizes), default=(25, 50, 100), metavar="N,N,…", help="of smooth ones (default 25,50,100)")  # fmt: skip
    group.add_argument("--axes", type=typed(whole(1)), default=16, metavar="N", help="of smooth ones (default 16)")
    group.add_argument("--full", type=typed(whole(0)), default=16, metavar="N", help="nearest neighbors of each type with directions, of local frames (default 16)")  # fmt: skip
    group.add_argument("--fitting", type=typed(sizes), metavar="N,N,…", help="(default 240,240,240; of local frames 120,60,30,15)")  # fmt: skip
    group.add_argument("--prior", action="append", default=[], metavar="core|SOURCE", help="a repulsion where there are no data: core "
                       "(of g(r)), a formula such as power:sigma=3,exponent=8, or a table file; or repeat A-B=SOURCE")  # fmt: skip
    group.add_argument("--kT", type=typed(positive), metavar="ENERGY", help="for --prior core")
    group = deep.add_argument_group("how it is learned")
    group.add_argument("--atomistic", action="store_true", help="energies count, too")
    group.add_argument("--steps", type=typed(whole(1)), default=100_000, metavar="N", help="(default 100000)")
    group.add_argument("--batch", type=typed(whole(1)), default=1, metavar="FRAMES", help="(default 1)")
    group.add_argument("--rate", type=typed(positive), default=1e-3, help="of learning, at first (default 0.001)")
    group.add_argument("--last-rate", type=typed(positive), default=1e-6, help="at the end (default 1e-6)")
    group.add_argument("--validate-share", type=typed(share), default=0.1, metavar="SHARE", help="of the frames, by chance, that are not learned from (default 0.1)")  # fmt: skip
    group.add_argument("--report", type=typed(whole(1)), default=1000, metavar="STEPS", help="between checkpoints (default 1000)")  # fmt: skip
    group.add_argument("--seed", type=typed(whole(0)), default=0, help="(default 0)")
    group.add_argument("--resume", action="store_true", help="go on from the checkpoint if there is one, bit for bit")
    group.add_argument("--quiet", action="store_true", help="no progress")
