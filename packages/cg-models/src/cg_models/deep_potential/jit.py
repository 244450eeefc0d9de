"""numba's compiler, or what to install for it."""

try:
    from numba import njit as njit
except ImportError:
    raise ImportError('deep potentials need numba: pip install "cg-models[schnet]"') from None
