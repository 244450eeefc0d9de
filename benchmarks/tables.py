"""The tables of README.md, made from results/*.json: `python benchmarks/tables.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from peers import HERE

README, RESULTS = HERE / "README.md", HERE / "results"
_HEAD = "| work | N | threads | ours | theirs | unit | ratio | compared with |\n| --- | ---: | ---: | ---: | ---: | --- | ---: | --- |"


def update() -> None:
    """Replace what stands between `<!-- NAME -->` and `<!-- end -->` in README.md by the table of results/NAME.json."""
    text = README.read_text()
    for path in sorted(RESULTS.glob("*.json")):
        opening = f"<!-- {path.stem} -->"
        if opening in text:
            before, rest = text.split(opening, 1)
            text = f"{before}{opening}\n{table(path)}\n<!-- end -->{rest.split('<!-- end -->', 1)[1]}"
    README.write_text(text)


def table(path: Path) -> str:
    """Return the Markdown table of one file of results, with the machine and the date."""
    rows = json.loads(path.read_text())
    made = f"{rows[0]['cpu']}, {max(row['date'] for row in rows)}"
    return "\n".join([_HEAD, *map(_line, rows), "", made])


def _line(row: dict[str, Any]) -> str:
    cells = [
        row["work"], f"{row['n']:,}".replace(",", " "), row["threads"], _number(row["ours"]), _number(row["peer"]),
        row["unit"], _ratio(row["ratio"]), row["peer_version"],
    ]  # fmt: skip
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}" if value < 10 else f"{value:.0f}"


if __name__ == "__main__":
    update()
