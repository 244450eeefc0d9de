"""`cg-inverse report` and `compare`: what a potential does, and several beside each other."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

import xarray as xr

from cg_data import load
from cg_data.cli.values import positive
from cg_data.safe_files import atomic_path
from cg_inverse.cli.summary import table
from cg_inverse.fits.run_folder import ledger_of


def report(options: argparse.Namespace) -> int:
    """Write the transfer card of a fit into its folder."""
    from cg_inverse.cards.page import write_card
    from cg_inverse.cards.rows import rows
    from cg_inverse.cards.transfer_card import transfer_card

    folder = Path(options.folder)
    ledger = ledger_of(folder)
    if not len(ledger.rounds):
        raise ValueError(
            f"{folder}: no round is done yet, so there is no potential to test: `cg-inverse resume {folder}`"
        )
    if not ledger.reason:
        print(f"{folder} has not ended: this is the card of its best round until now", file=sys.stderr)
    print(
        f"simulating {options.steps} steps at each state, and at neighboring densities …", file=sys.stderr, flush=True
    )
    words = ["cg-inverse", "report", options.folder, "--steps", str(options.steps), "--seed", str(options.seed)]
    command = shlex.join(words + [word for text in options.elsewhere for word in ("--elsewhere", text)])
    card = transfer_card(
        ledger.potential, ledger.problem, simulation=ledger.liquids, steps=options.steps,
        elsewhere=[_elsewhere(text) for text in options.elsewhere], history=ledger.history, seed=options.seed,
        command=command,
    )  # fmt: skip
    for row in rows(card):
        print(f"{row.quantity:<28}{'   '.join(row.values)} {row.unit}".rstrip())
    for remark in card.remarks:
        print(f"! {remark}")
    print(f"written: {', '.join(str(p) for p in write_card(card, folder, history=ledger.history))}")
    return 0


def _elsewhere(text: str) -> tuple[float, float] | xr.Dataset:
    if Path(text).exists():
        return load(text, "pair-target")
    parts = text.split(",")
    if len(parts) != 2:
        raise ValueError(f"--elsewhere takes DENSITY,KT such as 0.5,1.0, or a target's .nc file, got {text!r}")
    return positive(parts[0]), positive(parts[1])


def compare(options: argparse.Namespace) -> int:
    """Print a table of fits and draw them together."""
    ledgers = {name: ledger_of(name) for name in options.folders}
    empty = [name for name, ledger in ledgers.items() if not len(ledger.rounds)]
    if empty:
        raise ValueError(f"{', '.join(empty)}: no round is done yet; leave it out, or `cg-inverse resume` it first")
    histories: list[Any] = [ledger.history for ledger in ledgers.values()]
    names = [Path(name).resolve().name for name in ledgers]
    print("\n".join(table(names, histories)))
    kinds = {(h.attrs["units_length"], h.attrs["units_energy"], tuple(h["pair"].values)) for h in histories}
    if len(kinds) > 1:
        raise ValueError("fits of different pairs or units cannot be drawn together; the table stands")
    from cg_inverse.pictures.plots import plot_compare

    output = Path(options.output)
    figure = plot_compare(histories, names)
    with atomic_path(output) as draft:
        figure.savefig(draft, format=output.suffix.lstrip(".").lower() or "png")
    print(f"picture: {output}")
    return 0
