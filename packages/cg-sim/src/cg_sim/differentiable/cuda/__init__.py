"""Rollouts on an NVIDIA GPU: many at once, a thread block for each, forward and back."""

from __future__ import annotations

from collections.abc import Sequence

from cg_sim.differentiable.rollout import Replica, Rollout, end_of
from cg_sim.differentiable.trajectory import Trajectory
from cg_sim.engines.cuda.device import check_available


def run(plans: Sequence[Trajectory]) -> tuple[Rollout, ...]:
    """Return the rollouts of plans that share thermostat, dt, steps and every; their states need not be alike.

    Their paths stay in the device's memory as long as one of the rollouts lives: 48 bytes per particle and step.
    """
    from cg_sim.differentiable.cuda.batch import Batch

    check_available()
    if any(plan.segment < plan.steps for plan in plans):
        raise ValueError("checkpoints=True needs engine='cpu': leave it out, or take fewer steps, on the GPU")
    if not plans:
        return ()
    batch = Batch(plans)
    return tuple(
        Rollout(*frames, end_of(plan, *frames[:2]), plan.every, plan.settings.dt, Replica(batch, r))
        for r, (plan, frames) in enumerate(zip(plans, batch.frames(), strict=True))
    )
