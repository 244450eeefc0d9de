"""Sums over a block in an order that depends on its size alone, so that runs repeat bit for bit."""

# mypy: disable-error-code="no-untyped-def,untyped-decorator"
from __future__ import annotations

from numba import cuda


@cuda.jit(device=True)
def block_sum(value, scratch, t, threads):
    """Return the sum of `value` over the threads of a block, a power of two; `scratch` holds one number of each."""
    cuda.syncthreads()
    scratch[t] = value
    cuda.syncthreads()
    half = threads // 2
    while half > 0:
        if t < half:
            scratch[t] += scratch[t + half]
        cuda.syncthreads()
        half //= 2
    return scratch[0]
