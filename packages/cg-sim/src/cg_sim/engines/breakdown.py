"""What tells that dynamics have broken down, for engines that would go on with it."""

from __future__ import annotations

import numpy as np

from cg_sim.box import Array, widths
from cg_sim.engines.protocol import BlowUp
from cg_sim.state import State

REMEDY = "take a smaller dt, or start from particles that do not overlap"
_LARGEST_MOVE = 0.5  # of the box's smallest width in one step: beyond, images are lost


def check_moving(
    positions: Array, velocities: Array, forces: Array, *, box: Array, dt: float, step: int, last: State
) -> None:
    """Raise BlowUp if a coordinate or force is not finite, or a particle crosses half the box in one step."""
    finite = np.all(np.isfinite(positions) & np.isfinite(velocities) & np.isfinite(forces), axis=1)
    if not np.all(finite):
        lost = tuple(int(k) for k in np.flatnonzero(~finite)[:10])
        raise BlowUp(
            f"at step {step} particle {lost[0]} has a position, velocity or force that is not finite"
            f" ({np.sum(~finite)} of {len(finite)} particles); {REMEDY}",
            step=step, particles=lost, state=last,
        )  # fmt: skip
    speed = np.sqrt(np.max(np.sum(velocities**2, axis=1)))
    limit = _LARGEST_MOVE * float(widths(box).min())
    if speed * dt > limit:
        fastest = int(np.argmax(np.sum(velocities**2, axis=1)))
        raise BlowUp(
            f"at step {step} particle {fastest} moves {speed * dt:.3g} in one step of dt = {dt:.3g}, more than half "
            f"the box's width; {REMEDY}",
            step=step, particles=(fastest,), state=last,
        )  # fmt: skip
