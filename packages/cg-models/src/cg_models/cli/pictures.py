"""Pictures to files, and a word before any work if they cannot be drawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cg_data import FileError
from cg_data.safe_files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def picture_possible(path: str | None) -> None:
    """Raise ImportError or FileError if a picture is wanted that could not be drawn or written."""
    if path is None:
        return
    from cg_models.plots import require_matplotlib

    require_matplotlib()
    if not Path(path).parent.is_dir():
        raise FileError(path, f"its folder {Path(path).parent} does not exist", remedy="make the folder first")


def save_picture(figure: Figure, path: Path) -> Path:
    """Write a picture in the format of the file's suffix, and return its path."""
    with atomic_path(path) as draft:
        figure.savefig(draft, format=path.suffix.lstrip(".").lower() or "png")
    return path
