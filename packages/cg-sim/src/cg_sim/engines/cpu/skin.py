"""How thick the neighbor list's skin should be, from how long the list has been seen to last."""

from __future__ import annotations

import numpy as np

_ENTRY, _BUILD, _CANDIDATE = 1.7, 30.0, 0.45  # relative costs: one list entry, one particle, one candidate of a build
_FEWEST, _MOST = 0.04, 0.4  # of the cutoff


def first_skin(cutoff: float) -> float:
    """Return the skin to begin with [length]."""
    return 0.12 * cutoff


def best_skin(skin: float, steps: float, cutoff: float, density: float) -> float:
    """Return the skin [length] with the least cost a step, if a list with `skin` lasted `steps` steps.

    The fastest particle is taken to move in proportion to time, so that a list lasts in proportion to its skin. The
    costs are fixed ratios, not timings: the choice, and with it the order of every sum, is the same in every run.
    """
    skins = np.linspace(_FEWEST, _MOST, 73) * cutoff
    reach3 = (cutoff + skins) ** 3 * density
    lasting = np.maximum(steps * skins / skin, 1.0)
    cost = _ENTRY * 4.19 * reach3 + (_BUILD + _CANDIDATE * 27 * reach3) / lasting
    return float(skins[np.argmin(cost)])
