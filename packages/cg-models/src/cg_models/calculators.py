"""ASE calculators of the models that atoms can be moved by."""

from __future__ import annotations

from typing import Any

from cg_models.deep_potential.stored import StoredDeep
from cg_models.many_body.ani import Ani
from cg_models.many_body.hipnn import HipNN
from cg_models.schnet.storage import StoredBeads

Movable = StoredBeads | StoredDeep | Ani | HipNN


def calculator(model: Movable, *, skin: float = 1.0) -> Any:
    """Return the ASE calculator of what `load_beads`, `load_deep`, `read_deepmd`, `ani` or `hipnn` read; skin in the model's own length."""
    if isinstance(model, Ani | HipNN):
        from cg_models.many_body.calculator import ManyBodyCalculator

        return ManyBodyCalculator(model, skin=skin)
    if isinstance(model, StoredDeep):
        from cg_models.deep_potential.calculator import DeepCalculator

        return DeepCalculator(model.potential, model.types, model.units, skin=skin)
    if isinstance(model, StoredBeads):
        from cg_models.schnet.calculator import BeadCalculator

        return BeadCalculator(model.potential, model.types, model.units, skin=skin)
    raise TypeError(
        f"a calculator is made of what load_beads, load_deep, read_deepmd, ani or hipnn read, got {type(model).__name__}"
    )
