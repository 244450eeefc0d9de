"""The table that closes every notebook: a row per quantity of the paper, ours beside it, and how to repeat it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Row:
    """`ours` ± `error` beside what the `paper` has; `beat` is what was aimed for, `reached` whether it was."""

    quantity: str
    paper: str
    ours: float | None
    beat: str
    reached: bool
    error: float | None = None
    unit: str = "1"
    scale: str = "laptop"
    seed: str = "0"
    command: str = ""
    minutes: float | None = None
    machine: str = "2 cores"

    def line(self) -> str:
        number = "none" if self.ours is None else f"{self.ours:.4g}"
        error = f" ± {self.error:.2g}" if self.error is not None else ""
        return f"{'✓' if self.reached else '✗'} {self.quantity:66s} {number + error:>20s}  {self.paper}"


def of_replicates(quantity: str, paper: str, values: npt.ArrayLike, **more: Any) -> Row:
    """Return a row of the mean over replicates and their standard deviation."""
    each = np.asarray(values, dtype=float)
    return Row(quantity, paper, float(each.mean()), error=float(each.std(ddof=1)), seed=f"0-{each.size - 1}", **more)


def write(rows: Sequence[Row], file: Path) -> None:
    """Print the rows and write them as JSON, to the file that NOTEBOOK_TABLE names if it is set."""
    text = json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False, default=np.generic.item)
    Path(os.environ.get("NOTEBOOK_TABLE", file)).write_text(text + "\n", encoding="utf-8")
    print("\n".join(row.line() for row in rows))
