"""One epoch of learning through dynamics, forward and backward, beside autograd in PyTorch, JAX-MD and mdgrad."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from measuring import Effort, Measured, Program, interleaved
from results import Row, compared
from starting_points import liquid

DENSITY = 0.7
CASES = ((256, 120), (256, 300), (864, 120))
LONG = 3000
UNIT = "epochs per CPU second"
SAME = 0.01  # of the loss: rounding grows over an epoch


def rows(effort: Effort) -> Iterator[Row]:
    effort = replace(effort, rounds=min(effort.rounds, 3))
    for n, steps in CASES[:1] if effort.quick else CASES:
        yield from _compared("table", _tables(n, steps), n, steps, effort)
        once = replace(effort, rounds=1)  # these take seconds to a minute an epoch
        yield from _compared("table", [_mdgrad("LJ parameters", "lj", n, steps)], n, steps, once)
        if (n, steps) == CASES[0] and not effort.quick:
            yield from _compared("table", [_mdgrad("pairTab of 1000 values", "table", n, steps)], n, steps, once)
            yield from _compared("pair network", _networks(n, steps), n, steps, once)
        yield from _backward(n, steps, effort)
    if not effort.quick:
        yield from _long(CASES[-1][0], effort)


def _tables(n: int, steps: int) -> list[Program]:
    torch = [
        _program(f"PyTorch eager {name}, cubic table, NVT", "epoch_torch", n, steps, "torch-sim", dtype=dtype)
        for name, dtype in (("f64", "float64"), ("f32", "float32"))
    ]
    return [*torch, _program("JAX-MD f32, cubic table, NVT", "epoch_jax", n, steps, "jax-md", potential="table")]


def _networks(n: int, steps: int) -> list[Program]:
    """Return programs that ask a network for every pair at every step; ours asks for a table's knots once."""
    return [
        _mdgrad("pairMLP", "network", n, steps),
        _program("JAX-MD f32, network, NVT", "epoch_jax", n, steps, "jax-md", potential="network"),
    ]


def _mdgrad(name: str, potential: str, n: int, steps: int) -> Program:
    return _program(f"mdgrad, {name}, NVT", "epoch_mdgrad", n, steps, "mdgrad", potential=potential)


def _compared(sort: str, peers: Sequence[Program], n: int, steps: int, effort: Effort) -> Iterator[Row]:
    found = interleaved([_ours(n, steps, sort), *peers], effort)
    ours = found.pop("ours")
    for peer in found.values():
        if "cubic table" in peer.name:
            _check(ours, peer)
        yield compared(f"epoch, {sort}, T = {steps}", ours, peer, UNIT, n)


def _check(ours: Measured, peer: Measured) -> None:
    """Say on the error stream where a program that has our table finds another loss or gradient."""
    for fact in ("loss", "slope"):
        mine, theirs = ours.facts[fact], peer.facts[fact]
        if abs(theirs - mine) > SAME * mine:
            print(f"{peer.name} does other work: {fact} {theirs:.4g}, ours {mine:.4g}", file=sys.stderr, flush=True)


def _backward(n: int, steps: int, effort: Effort) -> Iterator[Row]:
    found = interleaved([_ours(n, steps, "table", part=part, name=part) for part in ("forward", "backward")], effort)
    forward, backward = found["forward"], found["backward"]
    ratio = forward.ratio(backward)
    work = f"epoch, table, T = {steps}: backward over forward"
    yield Row(work, 1e3 / backward.rate, 1e3 / forward.rate, "its forward part", ratio, "ms of CPU time", n)


def _long(n: int, effort: Effort) -> Iterator[Row]:
    """Compare a long epoch with checkpoints, which runs everything twice, with a short one without."""
    short = CASES[-1][1]
    programs = [_ours(n, short, "table", name="short"), _ours(n, LONG, "table", name="long", checkpoints=True)]
    found = interleaved(programs, effort)
    ns = {k: 1e9 / found[k].rate / (n * t) for k, t in (("short", short), ("long", LONG))}
    work = f"epoch, table, T = {LONG} with checkpoints: cost per atom and step"
    yield Row(work, ns["long"], ns["short"], f"T = {short} without", ns["short"] / ns["long"], "ns of CPU time", n)
    work = f"epoch, table, T = {LONG} with checkpoints: memory above the interpreter's"
    yield Row(work, found["long"].facts["bytes"] / 1e6, None, "", None, "MB", n)


def _ours(n: int, steps: int, sort: str, *, part: str = "epoch", name: str = "ours", **options: Any) -> Program:
    return _program(name, "epoch_ours", n, steps, None, potential=sort, part=part, **options)


def _program(name: str, script: str, n: int, steps: int, peer: str | None, **options: Any) -> Program:
    return Program(name, script, {"start": str(liquid(n, DENSITY)), "steps": steps, **options}, peer)
