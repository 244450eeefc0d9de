"""ASE calculators of the models that atoms can be moved by."""

from __future__ import annotations

from typing import Any

from cg_models.many_body.ani import Ani
from cg_models.schnet.storage import StoredBeads


def calculator(model: StoredBeads | Ani, *, skin: float = 1.0) -> Any:
    """Return the ASE calculator of what `load_beads` or `ani` read; skin in the model's own length, Å of ANI."""
    if isinstance(model, Ani):
        from cg_models.many_body.ani_calculator import AniCalculator

        return AniCalculator(model, skin=skin)
    if isinstance(model, StoredBeads):
        from cg_models.schnet.calculator import BeadCalculator

        return BeadCalculator(model.potential, model.types, model.units, skin=skin)
    raise TypeError(f"a calculator is made of what load_beads or ani read, got {type(model).__name__}")
