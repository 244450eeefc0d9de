"""Fast pair-potential molecular dynamics behind one call: a Numba engine, CUDA, HOOMD-blue, LAMMPS and ASE, and a differentiable integrator.

Nothing is here yet; see the package's README for what is coming.
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
