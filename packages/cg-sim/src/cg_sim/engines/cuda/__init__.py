"""The `cuda` engine: one large system, or many small ones in one launch, on an NVIDIA GPU."""

from __future__ import annotations

from collections.abc import Sequence

from cg_sim.engines.cuda.device import check_available
from cg_sim.engines.cuda.replicas import BatchSession
from cg_sim.engines.cuda.system import CudaSession
from cg_sim.engines.protocol import Job

__all__ = ["BatchSession", "CudaSession", "check_available", "start", "start_batch"]


def start(job: Job) -> CudaSession:
    """Return the job under way on the GPU, its particles spread over the whole chip.

    The noise is that of the `cpu` engine: in double precision the trajectories of both agree to rounding.
    """
    check_available()
    return CudaSession(job)


def start_batch(jobs: Sequence[Job]) -> BatchSession:
    """Return many small jobs under way side by side on the GPU, a thread block for each.

    Every job has its own state, potential, kT, dt, thermostat and seed; its result is that of the job alone.
    """
    check_available()
    return BatchSession(jobs)
