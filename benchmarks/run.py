"""Run the benchmarks: `python benchmarks/run.py [NAME …] [--quick]`.

Each prints its rows as JSON lines and writes results/<name>.json; then the tables of README.md are made anew. A quick
run leaves cases out, takes less than three minutes, and writes nothing.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from measuring import Effort
from results import as_json, write
from tables import update

NAMES = (
    "md_speed",
    "threads",
    "replicas",
    "rdf",
    "scaling",
    "start_up",
    "pair_loop",
    "inversion",
    "leaderboard",
    "water",
    "differentiable",
    "schnet",
    "ani",
    "hipnn",
    "deep",
)
QUICK = Effort(seconds=0.2, rounds=2, quick=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare the speed of cg-sim with its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(NAMES)}; all if none is named")
    parser.add_argument("--quick", action="store_true", help="fewer cases, shorter, results not kept")
    given = parser.parse_args()
    unknown = set(given.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}: there are {', '.join(NAMES)}")
    effort = QUICK if given.quick else Effort()
    failed = [name for name in given.names or NAMES if not _run(name, effort)]
    if not given.quick:
        update()
    return 1 if failed else 0


def _run(name: str, effort: Effort) -> bool:
    """Return whether the benchmark gave rows; one that fails does not stop the others."""
    rows = []
    try:
        for row in import_module(f"{name}.run").rows(effort):
            print(as_json(row), flush=True)
            rows.append(row)
    except Exception as error:
        print(f"{name} failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        return False
    if rows and not effort.quick:
        write(name, rows)
    return bool(rows)


if __name__ == "__main__":
    sys.exit(main())
