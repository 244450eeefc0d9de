"""g(r) with 200 bins to 5σ: of stored frames, beside freud and MDAnalysis, and on the fly every 50 steps."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from statistics import median

from measuring import Effort, Program, interleaved
from results import Row, compared
from starting_points import frames, liquid

SIZES, DENSITY, BINS, R_MAX, EVERY = (4000, 32_000), 0.7, 200, 5.0, 50
FRAMES = 5


def rows(effort: Effort) -> Iterator[Row]:
    for n in SIZES[: 1 if effort.quick else None]:
        yield from _stored(n, effort)
        for precision in ("single", "double"):
            yield from _on_the_fly(n, precision, effort)


def _stored(n: int, effort: Effort) -> Iterator[Row]:
    options = {"frames": str(frames(n, DENSITY, FRAMES)), "bins": BINS, "r_max": R_MAX}
    verbs = ("measure", "pair_histogram")
    programs = [Program(verb, "rdf_ours", {**options, "verb": verb}) for verb in verbs]
    programs += [Program("freud", "rdf_freud", options, "analysis")]
    if n == SIZES[0]:  # a frame of 32 000 takes it seven seconds
        programs += [Program("MDAnalysis InterRDF", "rdf_mdanalysis", options, "analysis")]
    found = interleaved(programs, effort)
    _same_pairs(found["measure"].facts["pairs"], found["freud"].facts["pairs"] if "freud" in found else None)
    for verb in verbs:
        for peer in ("freud", "MDAnalysis InterRDF"):
            if peer in found:
                work = f"RDF of stored frames, {BINS} bins to {R_MAX:g}σ, {verb}"
                yield compared(work, found[verb], found[peer], "frames per CPU second", n)


def _same_pairs(ours: int, theirs: int | None) -> None:
    """Say so if freud, in single precision, does not count the same pairs but for those at r_max."""
    if theirs is not None and abs(ours - theirs) > 1e-5 * ours + 2:
        print(f"other work: {ours} pairs here, {theirs} in freud", file=sys.stderr)


def _on_the_fly(n: int, precision: str, effort: Effort) -> Iterator[Row]:
    options = {"start": str(liquid(n, DENSITY)), "replicas": 1, "precision": precision, "multiple": 2 * EVERY}
    plain = Program("no sample", "batch_ours", {**options, "sample_every": 0})
    energy = Program("energy", "batch_ours", {**options, "sample_every": EVERY})
    both = Program("g(r)", "batch_ours", {**options, "sample_every": EVERY, "r_max": R_MAX})
    found = interleaved([plain, energy, both], effort)
    for name, without in (("g(r)", "energy"), ("energy", "no sample")):
        kept = [a / b for a, b in zip(found[name].rates, found[without].rates, strict=True)]
        work = f"share of the run that {name} every {EVERY} steps takes, {precision} precision"
        yield Row(work, 100 * (1 - median(kept)), None, f"the same run with {without}", None, "% of CPU time", n)
