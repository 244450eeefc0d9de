"""`cg-sim plot`, and the picture of a run."""

from __future__ import annotations

import argparse
from pathlib import Path

import xarray as xr

from cg_data import load
from cg_data.safe_files import atomic_path


def plot(options: argparse.Namespace) -> int:
    """Draw a saved run."""
    output = Path(options.output or Path(options.source).with_suffix(".png").name)
    print(f"{options.source} → {save_picture(load(options.source, 'run'), output)}")
    return 0


def save_picture(data: xr.Dataset, path: Path) -> Path:
    """Write the picture of a run in the format of the file's suffix, and return its path."""
    from cg_sim.plots import plot_run

    figure = plot_run(data)
    with atomic_path(path) as draft:
        figure.savefig(draft, format=path.suffix.lstrip(".").lower() or "png")
    return path
