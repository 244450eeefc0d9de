"""`compiled`: Numba functions cached on disk, the cache valid for exactly this source of the whole engine."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"
from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit


@cache
def _sources_digest() -> str:
    """Return a digest of the package's kernels: Numba itself only looks at the file of the outermost function."""
    package = Path(__file__).parents[3]
    folders = (Path(__file__).parent, package / "differentiable" / "kernels")
    files = [package / "noise.py", *(file for folder in folders for file in sorted(folder.glob("*.py")))]
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()


def compiled(function: Callable[..., Any]) -> Any:
    """Return the function compiled on first call, without the interpreter's lock, and cached on disk."""
    dispatcher = njit(nogil=True, cache=True, error_model="numpy")(function)
    file: Any = getattr(dispatcher._cache, "_cache_file", None)
    if hasattr(file, "_source_stamp"):  # private to Numba: without it, edits of inner files need a cleared cache
        file._source_stamp = (file._source_stamp, _sources_digest())
    return dispatcher
