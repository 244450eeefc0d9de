"""The noise and the thermostats of the CPU engine as device functions: one source, the same numbers to rounding."""

# mypy: disable-error-code="no-untyped-def,untyped-decorator"
from __future__ import annotations

import math

from numba import cuda

from cg_sim import noise
from cg_sim.engines.cpu.kernels import thermostats
from cg_sim.engines.cuda.device import rebound


@cuda.jit(device=True)
def log_uniform(word):
    """Return ln((word + ½)/2³²): the CPU's polynomial picks a double's bits, which device code cannot."""
    return math.log((word + 0.5) / 4294967296.0)


philox = rebound(noise.philox)
turn = rebound(noise.turn)
gaussians = rebound(noise.gaussians, philox=philox, turn=turn, log_uniform=log_uniform)

chain_half_step = rebound(thermostats.chain_half_step, push=rebound(thermostats.push))
_gamma_variate = rebound(thermostats.gamma_variate, philox=philox, gaussians=gaussians, log_uniform=log_uniform)
rescaling_factor = rebound(thermostats.rescaling_factor, gaussians=gaussians, gamma_variate=_gamma_variate)
