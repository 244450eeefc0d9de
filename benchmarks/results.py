"""What a benchmark reports: rows with the same fields everywhere, one JSON file per benchmark."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cache
from pathlib import Path

import llvmlite.binding
from measuring import Measured
from peers import HERE

RESULTS = HERE / "results"


@cache
def cpu() -> str:
    """Return the processor's name and the instruction set that LLVM compiles for."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else 'unknown'} ({llvmlite.binding.get_host_cpu_name()})"


@dataclass(frozen=True)
class Row:
    """Medians of `ours` and of the `peer`, in `unit`; `ratio` says how many times better ours is."""

    work: str
    ours: float
    peer: float | None
    peer_version: str
    ratio: float | None
    unit: str
    n: int
    threads: int = 1
    cpu: str = field(default_factory=cpu)
    date: str = field(default_factory=lambda: date.today().isoformat())


def compared(
    work: str, ours: Measured, peer: Measured, unit: str, n: int, *, scale: float = 1.0, threads: int = 1
) -> Row:
    """Return the row of two programs measured together; rates are divided by `scale`."""
    version = f"{peer.name} {peer.version}".strip()
    return Row(work, ours.rate / scale, peer.rate / scale, version, ours.ratio(peer), unit, n, threads)


def write(name: str, rows: Sequence[Row]) -> Path:
    """Write results/<name>.json, figures rounded to what repetitions bear out."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    text = ",\n".join(f"  {as_json(row)}" for row in rows)
    path.write_text(f"[\n{text}\n]\n")
    return path


def as_json(row: Row) -> str:
    """Return the row as one line."""
    values = {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in asdict(row).items()}
    return json.dumps(values, ensure_ascii=False)
