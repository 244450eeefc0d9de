"""From a radial distribution function to the potential that reproduces it: IBI, wIBI, multi-state IBI, IMC, HNC-Newton, relative entropy, DiffSim.

Nothing is here yet; see the package's README for what is coming.
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
