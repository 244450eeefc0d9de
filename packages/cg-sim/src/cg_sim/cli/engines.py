"""`cg-sim engines`: what can run here, and what to install for the rest."""

from __future__ import annotations

import argparse
import json
import shutil
import textwrap

from cg_sim.engines.registry import engine_names, unavailable

ABOUT = {
    "cpu": "pair potentials on processor cores, built in (Numba)",
    "cuda": "pair potentials on an NVIDIA GPU, one large system or many small ones",
    "hoomd": "HOOMD-blue: large systems on GPUs and many nodes",
    "lammps": "LAMMPS through its Python module",
    "ase": "any ASE calculator, networks included",
}


def engines(options: argparse.Namespace) -> int:
    """Print a table of the engines, with the reason and the remedy where one is not available."""
    found = {name: unavailable(name) for name in engine_names()}
    if options.json:
        print(json.dumps({name: {"available": why is None, "why_not": why} for name, why in found.items()}, indent=1))
        return 0
    width = max(60, min(shutil.get_terminal_size().columns, 120))
    for name, why in found.items():
        print(f"{name:<8}{'available' if why is None else 'not here':<11}{ABOUT[name]}")
        if why is not None:
            indent = " " * 19
            print(textwrap.fill(f"→ {' '.join(why.split())}", width, initial_indent=indent, subsequent_indent=indent))
    print("use one with: cg-sim run --engine NAME …")
    return 0
