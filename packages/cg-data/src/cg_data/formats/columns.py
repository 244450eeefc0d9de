"""Columns of numbers in text files, with the line of every row, and the records that formats exchange."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cg_data.errors import FileError
from cg_data.interactions import Pair
from cg_data.potentials.pair_potential import Array
from cg_data.safe_files import text_lines
from cg_data.units import Units

MAX_ROWS = 2_000_000
_ROUND_OFF = 5e-4
_METADATA = re.compile(r"^[#@;!\s]*([A-Za-z_][\w ().-]*?)\s*=\s*(.+?)\s*$")


@dataclass(frozen=True, slots=True, eq=False)
class TableRows:
    """One pair's table: r [length], U [energy], F [energy/length] or None, and which rows are data."""

    pair: Pair
    r: Array
    u: Array
    f: Array | None = None
    trusted: np.ndarray | None = None
    cutoff: float | None = None  # where the file says so; else the last row

    def rows(self) -> Iterator[tuple[float, float, float]]:
        """Yield (r, U, F) row by row; the force must be there."""
        if self.f is None:
            raise ValueError("this table has no forces")
        yield from zip(self.r.tolist(), self.u.tolist(), self.f.tolist(), strict=True)


@dataclass(frozen=True, slots=True, eq=False)
class TableFile:
    """What a reader of potential tables returns; `units` is None where the file does not say."""

    tables: tuple[TableRows, ...]
    units: Units | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CurveFile:
    """What a reader of distributions returns: g (and its error) per pair name, and what the file says of itself."""

    r: Array
    g: dict[str, Array]
    g_stderr: dict[str, Array] | None = None
    units: Units | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """A rectangle of numbers: values[row, column], the line of each row, trailing words, and comments."""

    path: Path
    values: Array
    lines: np.ndarray
    words: tuple[str, ...]
    comments: tuple[str, ...]

    def fail(self, row: int, what: str, remedy: str) -> FileError:
        """Return the error that names a row's line."""
        return FileError(self.path, what, line=int(self.lines[row]), remedy=remedy)


def read_columns(
    path: str | Path,
    *,
    comment: str = "#@",
    word_column: bool = False,
    at_least: int = 2,
    at_most: int = 64,
    lines: Iterable[tuple[int, str]] | None = None,
) -> Columns:
    """Return the numbers of a text file split at blanks, commas, semicolons or tabs.

    Lines that start with a character of `comment` are kept as comments; `word_column` allows one word at the end
    of each row. All rows have as many columns as the first.
    """
    rows: list[list[float]] = []
    numbers: list[int] = []
    words: list[str] = []
    comments: list[str] = []
    for number, line in text_lines(path) if lines is None else lines:
        text = line.strip()
        if not text or text[0] in comment:
            comments.append(text)
            continue
        tokens = re.split(r"\s*[,;]\s*|\s+", text.split("#", 1)[0].strip())
        word = tokens.pop() if word_column and tokens and not is_number(tokens[-1]) else ""
        row = [_number(path, number, token) for token in tokens]
        width = len(rows[0]) if rows else len(row)
        if len(row) != width or not at_least <= width <= at_most:
            expected = f"{width} as in the rows above" if rows else f"{at_least} or more"
            raise FileError(path, f"has {len(row)} columns, expected {expected}", line=number,
                            remedy="complete or delete this line")  # fmt: skip
        if len(rows) == MAX_ROWS:
            raise FileError(path, f"has more than {MAX_ROWS} rows", line=number, remedy="a table needs thousands")
        rows.append(row)
        numbers.append(number)
        words.append(word)
    if not rows:
        raise FileError(path, "holds no rows of numbers", remedy="is this the right file and format?")
    return Columns(Path(path), np.array(rows), np.array(numbers), tuple(words), tuple(comments))


def is_number(token: str) -> bool:
    """Return whether a token is one number as other programs write it (1e-3, 1.0D0, not 1_000 or nan)."""
    return re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?", token) is not None


def as_number(token: str) -> float:
    """Return the value of a token that `is_number`, Fortran's exponents included.

    >>> as_number("1.5D-3")
    0.0015
    """
    return float(token.lower().replace("d", "e"))


def _number(path: str | Path, line: int, token: str) -> float:
    if re.fullmatch(r"[+-]?(nan|inf(inity)?)", token, re.IGNORECASE):
        raise FileError(path, f"holds {token}", line=line, remedy="every value must be a number; drop the row")
    if not is_number(token):
        raise FileError(path, f"{token[:40]!r} is not a number", line=line, remedy="is the format the right one?")
    value = as_number(token)
    if not np.isfinite(value):
        raise FileError(path, f"{token} is out of range", line=line, remedy="every value must be finite")
    return value


def distances(columns: Columns, column: int = 0) -> Array:
    """Return the r column, checked: not negative, increasing, at least four rows."""
    r = columns.values[:, column]
    if len(r) < 4:
        raise FileError(columns.path, f"holds {len(r)} rows, a curve needs at least 4", remedy="write all of it")
    if r[0] < 0:
        raise columns.fail(0, f"r is negative ({r[0]:.6g})", "distances start at 0 or above")
    steps = np.diff(r)
    if np.any(steps <= 0):
        row = int(np.argmax(steps <= 0)) + 1
        raise columns.fail(row, f"r does not increase ({r[row - 1]:.6g} → {r[row]:.6g})", "sort the rows by r")
    return r


def nonnegative(columns: Columns, column: int) -> Array:
    """Return a column that must not be negative, such as g or its error; down to −5·10⁻⁴ of its maximum reads as 0."""
    values = columns.values[:, column]
    # Spline fits and Fourier transforms leave round-off below zero in the core; anything larger is a mistake.
    values = np.where((values < 0) & (values > -_ROUND_OFF * np.max(np.abs(values))), 0.0, values)
    if np.any(values < 0):
        row = int(np.argmax(values < 0))
        raise columns.fail(row, f"column {column + 1} is negative ({values[row]:.6g})",
                           "a distribution and its error are never below 0; is this a potential?")  # fmt: skip
    return values


def metadata(comments: Sequence[str]) -> dict[str, str]:
    """Return the `key = value` pairs among comment lines.

    >>> metadata(["# kT = 1.5", "# a remark", "@ title 'x'"])
    {'kT': '1.5'}
    """
    found = (_METADATA.match(line) for line in comments)
    return {m.group(1).strip(): m.group(2) for m in found if m}


def units_from(path: str | Path, said: dict[str, str]) -> Units | None:
    """Return the units that metadata name, None if they name none."""
    names = {k: said[f"units_{k}"] for k in ("length", "energy", "mass") if f"units_{k}" in said}
    if not names:
        return None
    try:
        return Units(**names)
    except ValueError as error:
        raise FileError(path, str(error), remedy="correct the units in the file's header") from None


def positive_from(path: str | Path, said: dict[str, str], key: str) -> float | None:
    """Return the positive number that metadata give for `key`, None if they do not."""
    if key not in said:
        return None
    if not is_number(said[key]) or not 0 < as_number(said[key]) < np.inf:
        raise FileError(path, f"{key} = {said[key][:40]!r} is not a positive number", remedy="correct the header")
    return as_number(said[key])


def trusted_rows(path: str | Path, said: dict[str, str], r: Array, key: str = "trusted_from") -> np.ndarray:
    """Return which rows are data: those from the distance on that metadata give under `key`, else all."""
    start = positive_from(path, said, key)
    return np.ones(len(r), bool) if start is None else r >= start * (1 - 1e-9)


def header(units: Units, **facts: object) -> list[str]:
    """Return the comment lines that make a table self-describing."""
    said = {"units_length": units.length, "units_energy": units.energy, "units_mass": units.mass, **facts}
    return [f"# {key} = {value}" for key, value in said.items() if value is not None]
