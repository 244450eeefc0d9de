"""A deep potential with names and units. Of its own, so that what asks whether it has one need not import kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cg_data import Units

if TYPE_CHECKING:
    from cg_models.deep_potential.potential import DeepPotential


@dataclass(frozen=True, slots=True, eq=False)
class StoredDeep:
    """A potential, the names of its types in their order, and its units: what an engine or a calculator asks for."""

    potential: DeepPotential
    types: tuple[str, ...]
    units: Units
