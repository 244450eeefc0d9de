"""Where kernels run: what is missing if they cannot, how compiled functions get there, how kernels are launched."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from types import FunctionType
from typing import Any

if find_spec("numba_cuda") is None:
    raise ImportError("the cuda engine needs numba-cuda: pip install \"cg-sim[cuda]\" (or use engine='cpu')")

from numba import config, cuda
from numba.core.errors import NumbaPerformanceWarning

SIMULATED = bool(config.ENABLE_CUDASIM)  # kernels run as Python threads
THREADS = 4 if SIMULATED else 128  # per block, where a kernel does not care; a power of two
SHARED_MEMORY = 48 * 1024  # bytes that every device gives a block without being asked


def check_available() -> None:
    """Raise if kernels cannot be compiled or run here."""
    if SIMULATED or cuda.is_available():
        return
    error = cuda.cuda_error()
    cause = str(error).strip() if error else "no usable device, or NVVM is missing: pip install 'numba-cuda[cu13]'"
    raise RuntimeError(f"the cuda engine finds no GPU that it can use; use engine='cpu' ({cause})")


def crowded(threads: int, resident: int) -> Any:
    """Return a decorator for kernels with blocks of `threads`, of which `resident` shall fit on a multiprocessor."""
    return cuda.jit if SIMULATED else cuda.jit(launch_bounds=(threads, resident))


def rebound(function: Any, **replacements: Any) -> Any:
    """Return a CPU-compiled function as a device function, the functions that it calls replaced by device ones."""
    plain: FunctionType = function.py_func
    namespace = {**plain.__globals__, **replacements}
    return cuda.jit(device=True)(FunctionType(plain.__code__, namespace, plain.__name__, plain.__defaults__))


def blocks(n: int) -> int:
    """Return the number of blocks with a thread for each of n things."""
    return (n + THREADS - 1) // THREADS


def launch(kernel: Any, grid: int, threads: int, *arguments: Any, shared: int = 0) -> None:
    """Run a kernel with `shared` bytes of dynamic shared memory per block; returns before it is done."""
    configured = _fresh if SIMULATED else _configured
    configured(kernel, grid, threads, shared)(*arguments)


def _fresh(kernel: Any, grid: int, threads: int, shared: int) -> Callable[..., None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumbaPerformanceWarning)  # small grids are small on purpose
        configured: Callable[..., None] = kernel[grid, threads, 0, shared]
        return configured


_configured = cache(_fresh)
