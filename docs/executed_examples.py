"""Runs every Python and shell example of a page as it stands: `python docs/executed_examples.py docs/start.md`.

The examples of a page share an empty folder and run in the page's order, so that a later one may read the files of an
earlier one; names are not shared. Blocks of other languages and indented blocks are not run. As a Sphinx extension it runs
all pages of the site before they are read; what fails is a warning, and warnings fail the build.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SIDE_BY_SIDE = 2  # pages at once


@dataclass(frozen=True, slots=True)
class Example:
    """One block: its language, its code and the line of the page where its code begins."""

    language: str
    code: str
    line: int


def examples(page: Path) -> list[Example]:
    """Return the blocks of a page that are run."""
    text = page.read_text(encoding="utf-8")
    return [Example(m[1], m[2], text.count("\n", 0, m.start(2)) + 1) for m in _BLOCK.finditer(text)]


def run(page: Path) -> None:
    """Run a page's examples in the present folder; whatever one of them raises is raised."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for example in examples(page):
        sys.stderr.write(f"-- {page.name}, line {example.line}\n")
        if example.language == "sh":
            subprocess.run(["bash", "-euo", "pipefail", "-c", example.code], env=environment, check=True)
            continue
        code = compile("\n" * (example.line - 1) + example.code, str(page), "exec")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", "Setting the shape on a NumPy array", DeprecationWarning)  # ASE 3.29
            exec(code, {"__name__": "__main__"})


def failure(page: Path) -> str:
    """Return what a page's examples say if one of them fails, run in a process and a folder of their own; else nothing."""
    settings = {**os.environ, "MPLBACKEND": "Agg", "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, __file__, str(page.resolve())], cwd=folder, env=settings, capture_output=True, text=True
        )
    return "" if done.returncode == 0 else f"an example fails:\n{done.stdout[-1000:]}{done.stderr[-3000:]}"


def _digest(page: Path) -> str:
    """Return what names a page's examples and the packages that they use."""
    found = hashlib.sha256(repr(examples(page)).encode())
    for source in sorted(ROOT.glob("packages/*/src/**/*.py")):
        found.update(source.read_bytes())
    return found.hexdigest()


def _check(app: Any, env: Any, _: list[str]) -> None:
    from sphinx.util import logging

    if not app.config.run_examples:
        return
    logger = logging.getLogger(__name__)
    passed = Path(app.doctreedir) / "examples-that-ran.txt"
    known = set(passed.read_text().split()) if passed.exists() else set()
    pages = {name: Path(env.doc2path(name)) for name in sorted(env.found_docs)}
    waiting = {name: page for name, page in pages.items() if page.suffix == ".md" and examples(page)}
    digests = {name: _digest(page) for name, page in waiting.items()}
    waiting = {name: page for name, page in waiting.items() if digests[name] not in known}
    logger.info("running %d examples of %d pages", sum(len(examples(p)) for p in waiting.values()), len(waiting))
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        for name, said in zip(waiting, pool.map(failure, waiting.values()), strict=True):
            if said:
                logger.warning(said, location=name, type="example")
            else:
                known.add(digests[name])
    passed.write_text("\n".join(sorted(known)))


def setup(app: Any) -> dict[str, bool]:
    app.add_config_value("run_examples", True, "", bool)
    app.connect("env-before-read-docs", _check)
    return {"parallel_read_safe": True}


if __name__ == "__main__":
    for name in sys.argv[1:]:
        run(Path(name))
