"""The one exception of our own: a file that cannot be read, said in a way that tells what to do."""

from __future__ import annotations

from pathlib import Path


class FileError(ValueError):
    """A file is not what it should be: `path`, `line` (from 1; None for the whole file), what, remedy.

    >>> print(FileError("g.csv", "g is negative (-0.2)", line=7, remedy="subtract no baseline from g"))
    g.csv, line 7: g is negative (-0.2); subtract no baseline from g
    """

    def __init__(self, path: str | Path, what: str, *, line: int | None = None, remedy: str = "") -> None:
        self.path, self.what, self.line, self.remedy = str(path), what, line, remedy
        super().__init__(self.path, what, line, remedy)

    def __str__(self) -> str:
        where = self.path if self.line is None else f"{self.path}, line {self.line}"
        return f"{where}: {self.what}" + (f"; {self.remedy}" if self.remedy else "")


def missing_extra(package: str, extra: str, purpose: str) -> ImportError:
    """Return an ImportError that names the pip command for an optional dependency.

    >>> str(missing_extra("gsd", "gsd", "reading .gsd files"))
    'reading .gsd files needs gsd: pip install "cg-data[gsd]"'
    """
    return ImportError(f'{purpose} needs {package}: pip install "cg-data[{extra}]"')
