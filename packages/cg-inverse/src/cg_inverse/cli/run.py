"""The fits of `cg-inverse`: begun by a method's name, gone on with by `resume`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cg_inverse.cli.config import gathered, printed
from cg_inverse.cli.interrupts import stopping
from cg_inverse.cli.live import displaying
from cg_inverse.cli.plan import folder_of, planned
from cg_inverse.cli.settings import SETTINGS
from cg_inverse.cli.summary import found_in
from cg_inverse.cli.targets import preflight, read_targets
from cg_inverse.fits import run_folder
from cg_inverse.fits.fitting import Fit, gone_on, repeated, run_on
from cg_inverse.fits.ledger import Ledger, corrected
from cg_inverse.fits.loop import Step
from cg_inverse.problems.shell_basis import corrects


def begin(options: argparse.Namespace) -> int:
    """Fit; 0 when done, 130 when stopped: then `resume` goes on."""
    given = {s.name: getattr(options, s.name, None) for s in SETTINGS}
    targets, config = list(options.targets), options.config
    if config is None and targets and targets[0].endswith(".toml"):
        config = targets.pop(0)
    settings = gathered(options.method, targets, config, given)
    if options.print_config:
        print(printed(settings), end="")
        return 0
    data = read_targets(settings)
    preflight(data, settings)
    folder = folder_of(settings)
    ledger = planned(settings, data)
    kept = run_folder.create(folder, ledger)
    code = _run(ledger, kept, options.quiet)
    if code == 0 and settings["ensemble"]:
        _repeat(kept, settings["ensemble"], options.quiet)
    return code


def go_on(options: argparse.Namespace) -> int:
    """Go on with the fit in a folder."""
    folder = Path(options.folder)
    ledger = gone_on(run_folder.ledger_of(folder), rounds=options.rounds, steps=options.steps)
    ledger = corrected(ledger, options.base)
    if not options.quiet and not ledger.reason:
        print(f"going on with {folder} at round {ledger.progress.number + 1}", file=sys.stderr)
    kept = run_folder.opened(folder, ledger)
    code = _run(ledger, kept, options.quiet)
    if code == 0 and options.ensemble:
        _repeat(kept, options.ensemble, options.quiet)
    return code


def _run(ledger: Ledger, kept: run_folder.RunFolder, quiet: bool) -> int:
    with displaying(ledger, quiet=quiet) as display, stopping(display.close) as check:

        def progress(step: Step, now: Ledger) -> None:
            display.show(step, now)
            if not now.reason:
                check()

        try:
            found = run_on(ledger, kept, progress)
        except KeyboardInterrupt:
            return _stopped(kept)
        except RuntimeError as error:
            raise RuntimeError(f"{error}; what was found until then is in {kept.path}") from error
    if not quiet:
        _say(found, kept)
    return 0


def _stopped(kept: run_folder.RunFolder) -> int:
    ledger = run_folder.ledger_of(kept.path)
    kept.show(ledger)
    print(f"cg-inverse: stopped after {len(ledger.rounds)} rounds, all in {kept.path}; "
          f"`cg-inverse resume {kept.path}` goes on", file=sys.stderr)  # fmt: skip
    return 130


def _repeat(kept: run_folder.RunFolder, members: int, quiet: bool) -> None:
    found = repeated(Fit(run_folder.ledger_of(kept.path)), members, kept).ensemble
    if quiet or found is None:
        return
    widest = float(found["u_spread"].where(found["r"] > found["r"][len(found["r"]) // 8]).max())
    print(f"{members} repetitions: U spreads by {widest:.3g} at most beyond the core, in {kept.path / 'ensemble.nc'}")
    for name in ("pressure", "diffusion"):
        each = found[name].values
        print(
            f"{name:>12} = {each.mean(axis=0).round(5)} ± {each.std(axis=0, ddof=1).round(5)} {found[name].attrs['units']}"
        )


def _say(found: Fit, kept: run_folder.RunFolder) -> None:
    print("\n".join(found_in(found.history)))
    tables = sorted(p.name for p in kept.path.iterdir() if p.suffix in (".table", ".xvg", ".csv"))
    print(f"written to {kept.path}: {', '.join(['history.nc', *tables])} and more")
    picture = kept.path / "fit.png"
    if picture.exists():
        print(f"picture: {picture}")
    else:
        print('no picture: pip install "cg-inverse[plot]"')
    if not corrects(found.problem):
        print(f"next: cg-inverse report {kept.path}")
