"""Networks that read structure and return potentials (BoltzmaNN), or positions and return energies (SchNet, DeePCG).

Nothing is here yet; see the package's README for what is coming.
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
