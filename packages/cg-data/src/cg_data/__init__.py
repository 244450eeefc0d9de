"""Pair potentials, spline tables, targets and datasets for coarse-graining.

Names are imported on first use, so that `import cg_data` costs milliseconds.
"""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "potentials.pair_potential": ("PairPotential", "Potential"),
    "potentials.formulas": (
        "LennardJones", "WCA", "ModifiedMorse", "PowerLaw", "Yukawa", "GaussianCore", "Harmonic",
    ),
    "potentials.combined": ("Sum", "Scaled", "Shifted", "ForceShifted", "SmoothCut"),
    "potentials.curves": ("Curve", "akima", "cubic_spline", "b_spline", "tabulated"),
    "pair_table": ("PairTable",),
    "interactions": ("Interactions", "as_interactions", "pair_name", "pair_of"),
    "units": ("Units", "factor", "thermal_energy"),
    "errors": ("FileError",),
}  # fmt: skip
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__version__ = "0.1.0"
__all__ = ["__version__", *_HOME_OF]


def __getattr__(name: str) -> object:
    if name in _HOME_OF:
        value: object = getattr(import_module(f"cg_data.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'cg_data' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
