"""The parts of the README that are made from results: a few rows of every paper's table, a picture of each, and speeds beside peers.

python docs/readme_parts.py        # writes README.md between its markers, and docs/pictures/
"""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
README, PICTURES, NOTEBOOKS = ROOT / "README.md", ROOT / "docs" / "pictures", ROOT / "notebooks"


@dataclass(frozen=True)
class Paper:
    """A notebook, what its picture says, which of its pictures that is, and rows by how their quantities begin."""

    notebook: str
    title: str
    picture: int
    caption: str
    rows: tuple[str, ...]

    @property
    def number(self) -> str:
        return self.notebook[:2]


PAPERS = (
    Paper("01_boltzmann", "BoltzmaNN", 4, "the pressure of liquids that no network saw, by networks over simulation",
          ("U → P, informed: R², test", "g → U, informed: δ, test", "g → U → P, informed: R², test")),
    Paper("02_benzene", "SchNet, benzene", 5, "g(r) of benzene's centers, one bead a molecule, beside the atoms'",
          ("1 bead, forces and g: first peak of centers, shift", "1 bead, forces and g: first peak of centers, relative height")),
    Paper("03_diffsim", "DiffSim", 10, "water: one potential u₁ − kT u₂ for three temperatures, beside potentials of one",
          ("mixture learned at three x", "water at 388 K: D of the joint fit")),
    Paper("04_aluminium", "wIBI, aluminium", 6, "self-diffusion of liquid aluminium, which no fit was told",
          ("HIP-NN + u, 1023 K: ∫(Δg)²r²dr, how", "HIP-NN + u led to the density, 1023 K: D", "ANI-Al, 1023 K: generations")),
    Paper("05_water", "DeePCG, water", 13, "what pairs alone cannot do: g(r), angles and q̄6 of beads of water",
          ("smooth, corrected by pairs, 512 beads: max |Δg|", "smooth, 64 beads: max |Δg|", "local frames, 6 models of 35280 frames")),
)  # fmt: skip
SPEEDS = (  # file, how the work begins, particles, how the peer begins, in words
    (
        "md_speed",
        "MD, ρ = 0.7, single",
        4000,
        "LAMMPS table",
        "molecular dynamics, tables, 4 000 particles, ours in single precision",
    ),
    ("md_speed", "MD, ρ = 0.7, single", 4000, "HOOMD", "the same"),
    ("md_speed", "MD, ρ = 0.7, single", 4000, "OpenMM", "the same"),
    ("md_speed", "MD, ρ = 0.7, single", 4000, "JAX-MD", "the same"),
    ("replicas", "64 replicas, ρ = 0.7, single", 256, "torch-sim", "64 replicas of 256 particles"),
    ("rdf", "RDF of stored frames, 200 bins to 5σ, measure", 4000, "freud", "g(r) of stored frames"),
    ("inversion", "IBI: to VOTCA's residual", 1000, "VOTCA", "IBI, to the same residual (wall time, below)"),
    ("inversion", "IMC: to VOTCA's residual", 1000, "VOTCA", "IMC, to the residual of that IBI (wall time)"),
    ("differentiable", "epoch, table, T = 120", 256, "JAX-MD", "gradient through 120 steps, a table"),
    ("differentiable", "epoch, pair network, T = 120", 256, "mdgrad, pairMLP", "gradient through 120 steps, a network"),
    ("schnet", "SchNet, training step", 500, "schnetpack", "SchNet, a step of training"),
    ("ani", "ANI-Al, energy and forces, double", 256, "torchani", "ANI-Al, energy and forces"),
    ("hipnn", "HIP-NN, energy and forces", 256, "hippynn", "HIP-NN, energy and forces"),
    (
        "deep",
        "deep potential, 192 atoms of water, energy and forces",
        192,
        "deepmd-kit",
        "deep potential of water, energy and forces",
    ),
    ("deep", "deep potential, 192 atoms of water, step of training", 192, "deepmd-kit", "the same, a step of training"),
)


def table(number: str) -> list[dict[str, Any]]:
    """Return the rows of a paper's closing table."""
    found: list[dict[str, Any]] = json.loads((NOTEBOOKS / "results" / number / "table.json").read_text())
    return found


def only(rows: list[dict[str, Any]], **starts: Any) -> dict[str, Any]:
    """Return the first row whose columns begin so; KeyError if there is none."""
    for row in rows:
        if all(row[k] == v if isinstance(v, int) else str(row[k]).startswith(v) for k, v in starts.items()):
            return row
    raise KeyError(f"no row begins with {starts}")


def picture(paper: Paper) -> bytes:
    """Return the picture of a paper, from its executed notebook."""
    cells = json.loads((NOTEBOOKS / f"{paper.notebook}.ipynb").read_text())["cells"]
    shown = [o["data"]["image/png"] for c in cells for o in c.get("outputs", ()) if "image/png" in o.get("data", {})]
    return base64.b64decode("".join(shown[paper.picture]))


def number(value: float, error: float | None) -> str:
    """Return a number with its error as people write it: as many digits as the error has.

    >>> number(0.01872, 0.0011), number(0.9905, 0.00071), number(34.5683, None), number(5, None)
    ('0.0187 ± 0.0011', '0.99050 ± 0.00071', '34.6', '5')
    """
    if error is None or not error > 0:
        return f"{value:.3g}"
    digits = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def times(ratio: float) -> str:
    """Return how many times in three digits.

    >>> times(3.371), times(21.15), times(1130.4)
    ('3.37', '21.1', '1130')
    """
    return f"{ratio:.0f}" if ratio >= 100 else f"{ratio:.3g}"


def papers() -> str:
    """Return a row for every chosen line, and a picture for every paper."""
    lines = ["| paper | quantity | printed | ours |", "| --- | --- | ---: | ---: |"]
    for paper in PAPERS:
        rows = table(paper.number)
        link = f"[{paper.number} {paper.title}](notebooks/{paper.notebook}.ipynb)"
        reached = f"{link}: {sum(r['reached'] for r in rows)} of {len(rows)} rows reach what was aimed for"
        for k, start in enumerate(paper.rows):
            row = only(rows, quantity=start)
            words = row["quantity"].replace("|", "\\|")
            lines.append(
                f"| {reached if k == 0 else ''} | {words} | {row['paper']} | {number(row['ours'], row['error'])} |"
            )
    shown = "\n".join(f"| ![{p.caption}](docs/pictures/{p.number}.png) | {p.caption} |" for p in PAPERS)
    return "\n".join([*lines, "", "| | |", "| --- | --- |", shown])


def speeds() -> str:
    """Return how many times faster ours is, a row each."""
    lines = ["| work | times faster | than |", "| --- | ---: | --- |"]
    for file, work, particles, peer, words in SPEEDS:
        rows = json.loads((ROOT / "benchmarks" / "results" / f"{file}.json").read_text())
        row = only(rows, work=work, n=particles, peer_version=peer)
        lines.append(f"| {words} | {row['ratio']:.3g} | {row['peer_version']} |")
    return "\n".join(lines)


PARTS = {"papers": papers, "speeds": speeds}


def filled(text: str) -> str:
    """Return the README with its parts made anew."""
    for name, made in PARTS.items():
        before, rest = text.split(f"<!-- {name} -->\n")
        _, after = rest.split(f"<!-- end of {name} -->", 1)
        text = f"{before}<!-- {name} -->\n{made()}\n<!-- end of {name} -->{after}"
    return text


def main() -> None:
    README.write_text(filled(README.read_text()))
    PICTURES.mkdir(exist_ok=True)
    for paper in PAPERS:
        (PICTURES / f"{paper.number}.png").write_bytes(picture(paper))


if __name__ == "__main__":
    main()
