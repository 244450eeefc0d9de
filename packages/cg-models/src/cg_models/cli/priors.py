"""What is known of beads before anything is learned: cores and bonds, from the trajectory itself or as formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from cg_data import Harmonic, Interactions, Potential, pair_of
from cg_data.cli.potentials import FORMULAS, named_potential, names_pair
from cg_models.schnet.bead_frames import BeadFrames, TypePair
from cg_models.schnet.bead_potential import Prior
from cg_models.schnet.cores import core_of

_BINS = 0.02  # of the cutoff, at first; finer where a core rises within too few of them
_STRETCH = 1.5  # times the longest bond seen: as far as a bond is known
_STIFF = 0.2  # of a bond's length: what varies by more is no bond


def prior_of(
    cores: Sequence[str],
    bonds: Sequence[str],
    frames: BeadFrames,
    *,
    cutoff: float,
    inner_cutoff: float,
    kT: float | None,
) -> Prior:
    """Return the prior that --prior and --bonds name."""
    between = (
        _cores(frames, cutoff, _needed(kT, "--prior core"))
        if list(cores) == ["core"]
        else _named(cores, frames, cutoff)
    )
    if not bonds:
        return Prior(between)
    if frames.molecule is None:
        raise ValueError("--bonds are inside molecules, and every bead of this trajectory is a molecule: leave it out")
    if list(bonds) == ["harmonic"]:
        return Prior(between, _bonds(frames, inner_cutoff, _needed(kT, "--bonds harmonic")))
    return Prior(between, _named(bonds, frames, inner_cutoff, cut="plain"))


def longest_inside(frames: BeadFrames) -> float:
    """Return how far [length] beads of one molecule shall see each other: half as far again as they ever were."""
    return _STRETCH * max((float(d.max()) for d in frames.lengths_inside().values()), default=0.0)


def described(prior: Prior, types: Sequence[str]) -> list[str]:
    """Return a line per potential of a prior that is no table."""
    lines = []
    for where, curves in (("between", prior.between), ("inside", prior.inside)):
        for (a, b), curve in curves.items():
            bare = getattr(curve, "source", curve)
            lines.append(f"prior {where} molecules, {types[a]}-{types[b]}: {bare}")
    return lines


def _needed(kT: float | None, what: str) -> float:
    if kT is None:
        raise ValueError(f"{what} is made of distances and kT: give --kT, the trajectory has no velocities that say it")
    return kT


def _cores(frames: BeadFrames, cutoff: float, kT: float) -> dict[TypePair, Potential]:
    """Return the core of every pair of types, of g(r) in bins as fine as it needs."""
    found: dict[TypePair, Potential] = {}
    for finer in (1, 2, 4):
        r, g = frames.distributions(cutoff, round(finer / _BINS))
        try:
            return {pair: core_of(r, each, kT, cutoff=cutoff) for pair, each in g.items()}
        except ValueError as error:
            fault = error
    raise ValueError(f"--prior core: {fault}, or name one: --prior power:sigma=3,exponent=8")
    return found


def _bonds(frames: BeadFrames, inner_cutoff: float, kT: float) -> dict[TypePair, Potential]:
    """Return springs with the mean and variance of the distances inside molecules."""
    found: dict[TypePair, Potential] = {}
    for (a, b), d in frames.lengths_inside().items():
        spread = float(d.std())
        if not 0 < spread < _STIFF * float(d.mean()):
            raise ValueError(
                f"--bonds harmonic: distances {frames.types[a]}-{frames.types[b]} inside molecules are {d.mean():.4g} ± {spread:.2g}, which"
                " no one spring makes: name each, --bonds A-B=harmonic:k=…,r0=…, or learn them, --inner-blocks 1"
            )
        found[a, b] = Harmonic(kT / spread**2, float(d.mean()), cutoff=inner_cutoff)
    return found


def _named(
    texts: Sequence[str], frames: BeadFrames, cutoff: float, *, cut: str = "force-shifted"
) -> dict[TypePair, Potential]:
    """Return potentials by formulas or files, one for all pairs of types or PAIR=SOURCE each."""
    if not texts or list(texts) == ["none"]:
        return {}
    named = named_potential([_completed(text, cutoff, cut) for text in texts])
    names = list(frames.types)
    if isinstance(named, Interactions) and any(names_pair(text) for text in texts):
        return _checked({_numbers(pair, names): curve for pair, curve in named.items()}, cutoff)
    one = next(iter(named.values())) if isinstance(named, Interactions) else named
    return _checked(dict.fromkeys(frames.pairs(), one), cutoff)


def _numbers(pair: tuple[str, str], names: Sequence[str]) -> TypePair:
    if unknown := sorted(set(pair) - set(names)):
        raise ValueError(f"the trajectory has the types {', '.join(names)}, not {', '.join(unknown)}")
    a, b = sorted(names.index(name) for name in pair_of(pair))
    return a, b


def _checked(found: Mapping[TypePair, Potential], cutoff: float) -> dict[TypePair, Potential]:
    for curve in found.values():
        if curve.cutoff > cutoff * (1 + 1e-9):
            raise ValueError(
                f"a prior ends at {curve.cutoff:g}, further than pairs are looked for, {cutoff:g}: give it no larger cutoff"
            )
    return dict(found)


def _completed(text: str, cutoff: float, cut: str) -> str:
    """Return a formula with what a prior needs if it does not say it: a cutoff, and an end without a step.

    >>> _completed("A-B=power:sigma=3", 8.0, "force-shifted")
    'A-B=power:sigma=3,cutoff=8.0,cut=force-shifted'
    """
    pair, equals, source = text.partition("=") if names_pair(text) else ("", "", text)
    name, _, given = source.partition(":")
    if name not in FORMULAS or Path(source).exists():
        return text
    items = [given] if given else []
    if "cutoff" in {f.name for f in fields(FORMULAS[name])} and "cutoff=" not in given:
        items.append(f"cutoff={float(np.float64(cutoff))!r}")
    if "cut=" not in given and name != "wca":
        items.append(f"cut={cut}")
    return f"{pair}{equals}{name}:{','.join(items)}"
