"""Sliders of density and λ over a potential and its g(r), for notebooks."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from cg_data import LennardJones
from cg_data.potentials.pair_potential import Potential
from cg_sim.live.liquid import LiveLiquid, Seen
from cg_sim.live.picture import Picture

DENSITIES = (0.05, 0.9)


class Explorer:
    """A view whose sliders move a liquid: shown by a notebook, `view.seen` is what was last seen.

    λ is how much of the attraction there is: 0 leaves the repulsion of Weeks, Chandler and Andersen.
    """

    def __init__(
        self, potential: Potential | None = None, *, kT: float = 1.0, density: float = 0.5, particles: int = 256
    ) -> None:
        try:
            import ipywidgets as widgets
        except ImportError:
            raise ImportError('sliders need ipywidgets: pip install "cg-sim[view]"') from None

        given = LennardJones(cutoff=2.5).force_shifted() if potential is None else potential
        self._liquid = LiveLiquid(given, kT=kT, particles=particles, density=density)
        self._picture = Picture(kT=kT, reach=max(1.2 * given.cutoff, 3.0))
        words: dict[str, Any] = {"continuous_update": True, "readout_format": ".2f"}
        low, high = min(DENSITIES[0], density), max(DENSITIES[1], density)
        self.density = widgets.FloatSlider(density, min=low, max=high, step=0.01, description="density", **words)
        self.coupling = widgets.FloatSlider(1.0, min=0.0, max=1.2, step=0.02, description="λ", **words)
        self._image = widgets.Image(format="png")
        self._box = widgets.VBox([widgets.HBox([self.density, self.coupling]), self._image])
        self.seen: Seen
        self._follow()
        for slider in (self.density, self.coupling):
            slider.observe(self._follow, names="value")

    @property
    def png(self) -> bytes:
        """The picture as it is now."""
        return bytes(self._image.value)

    def _follow(self, _: object = None) -> None:
        self.seen = self._liquid.at(self.density.value, self.coupling.value)
        self._image.value = self._picture.png(self.seen)

    def _repr_mimebundle_(self, **arguments: Any) -> dict[str, Any]:
        """Return the sliders, and the picture for those who show notebooks without a kernel."""
        return {**self._box._repr_mimebundle_(**arguments), "image/png": b64encode(self.png).decode()}


def explore(
    potential: Potential | None = None, *, kT: float = 1.0, density: float = 0.5, particles: int = 256
) -> Explorer:
    """Return sliders of density and λ over U(r) and g(r) of a liquid that follows them; Lennard-Jones if none is given."""
    return Explorer(potential, kT=kT, density=density, particles=particles)
