"""Drafts of files that a killed run could not remove."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path


def sweep(files: Iterable[Path]) -> None:
    """Remove the drafts, named as `atomic_path` names them, of these files: a run that writes them is not elsewhere."""
    for file in files:
        draft = re.compile(rf"\.{re.escape(file.name[:32])}\.[a-z0-9_]{{8}}{re.escape(file.suffix)}")
        for found in file.parent.iterdir():
            if draft.fullmatch(found.name):
                found.unlink(missing_ok=True)
