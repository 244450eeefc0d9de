"""Preflight of an inversion: what cannot work is refused before the first step, with the remedy."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from cg_data import Finding, preflight
from cg_inverse.methods.protocol import Targets
from cg_inverse.problems.spline_problem import Problem


def examined(targets: Targets, cutoff: float | None, *, box: float | None = None) -> tuple[Finding, ...]:
    """Return what preflight finds in one target or several, errors first; of a Problem nothing, it has no targets."""
    if isinstance(targets, Problem):
        return ()
    several: Sequence[xr.Dataset] = [targets] if isinstance(targets, xr.Dataset) else targets
    found = [(data, f) for data in several for f in preflight(data, cutoff=cutoff, box=box)]
    order = {"error": 0, "warning": 1, "info": 2}
    named = [_of(data, f) if len(several) > 1 else f for data, f in found]
    return tuple(sorted(named, key=lambda f: order[f.level]))


def _of(data: xr.Dataset, finding: Finding) -> Finding:
    where = f"{data.attrs.get('source') or 'target'}, {finding.where}"
    return Finding(finding.level, finding.code, where, finding.message, finding.remedy)


def checked(targets: Targets, cutoff: float | None) -> Targets:
    """Return the targets, or raise ValueError with every reason why they cannot be inverted and what to do."""
    errors = [f for f in examined(targets, cutoff) if f.level == "error"]
    if errors:
        raise ValueError("; ".join(f"{f.where}: {f.message}: {f.remedy}" for f in errors))
    return targets
