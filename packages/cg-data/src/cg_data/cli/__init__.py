"""The `cg-data` command: convert, check, plot, splines, map."""

from cg_data.cli.main import main

__all__ = ["main"]
