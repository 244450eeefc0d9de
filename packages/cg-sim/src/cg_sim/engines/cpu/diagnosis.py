"""What went wrong when the compiled loop stops: the step, the particles, how near or how fast."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from cg_sim.box import Array, is_orthorhombic, nearest_image, widths, wrapped
from cg_sim.engines.cpu.kernels import loop
from cg_sim.engines.protocol import BlowUp
from cg_sim.state import State

_REMEDY = "take a smaller dt, or a start without overlaps"


class Wreck(NamedTuple):
    """What the loop left; nothing in it needs to be finite."""

    step: int
    positions: Array
    velocities: Array
    box: Array


def diagnosis(code: int, broken: Wreck, good: State | None, settings: loop.Settings) -> BlowUp:
    """Return the error to raise; `good` is the last state known to be sound."""
    start = "" if good is None else f" (last good state: step {good.step})"
    match code:
        case loop.TOO_NEAR:
            i, j, r = closest_pair(broken)
            what = (
                f"step {broken.step}: particles {i} and {j} are {r:.4g} apart, nearer than two such come "
                f"in equilibrium; {_REMEDY}{start}"
            )
            return BlowUp(what, step=broken.step, particles=(i, j), state=good)
        case loop.TOO_FAR:
            i = fastest(broken)
            speed = float(np.hypot.reduce(np.abs(broken.velocities[i])))
            what = f"step {broken.step}: particle {i} moves {speed * settings.dt:.4g} in one step; {_REMEDY}{start}"
            return BlowUp(what, step=broken.step, particles=(i,), state=good)
        case loop.TOO_SMALL:
            what = (
                f"step {broken.step}: the box has shrunk to a width of {widths(broken.box).min():.4g}, less than twice the "
                f"cutoff {settings.cutoff:.4g}; take more particles, or check the target pressure{start}"
            )
            return BlowUp(what, step=broken.step, state=good)
        case loop.TOO_WILD:
            what = (
                f"step {broken.step}: the barostat would change the box by more than {loop.WILD:.0%} in one move; take a "
                f"larger tau, a smaller compressibility, or a pressure nearer to the system's{start}"
            )
            return BlowUp(what, step=broken.step, state=good)
        case _:
            raise ValueError(f"the loop returned the unknown code {code}")


def fastest(broken: Wreck) -> int:
    """Return the particle with the largest speed, the first that is not finite if there is one."""
    with np.errstate(over="ignore", invalid="ignore"):
        speed2 = np.sum(broken.velocities**2, axis=1) + 0 * np.sum(broken.positions, axis=1)
    return int(np.argmax(np.where(np.isfinite(speed2), speed2, np.inf)))


def closest_pair(broken: Wreck) -> tuple[int, int, float]:
    """Return the two particles nearest to each other and their distance [length]."""
    x, box = wrapped(broken.positions, broken.box), broken.box
    there = np.flatnonzero(np.isfinite(x).all(axis=1))
    if len(there) < 2:
        return 0, 0, np.inf
    if is_orthorhombic(box):
        r, k = cKDTree(x[there], boxsize=np.diag(box)).query(x[there], k=2)
        i = int(np.argmin(r[:, 1]))
        return int(there[i]), int(there[k[i, 1] if k[i, 1] != i else k[i, 0]]), float(r[i, 1])
    best = (0, 0, np.inf)
    for i in range(len(x) - 1):
        distance = np.linalg.norm(nearest_image(x[i + 1 :] - x[i], box), axis=1)
        j = int(np.argmin(distance))
        if distance[j] < best[2]:
            best = (i, i + 1 + j, float(distance[j]))
    return best
