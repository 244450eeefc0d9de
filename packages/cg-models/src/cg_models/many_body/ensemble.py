"""Several small networks of the same shape, evaluated as one: energies of atoms by each of them, and slopes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import celu

_ALPHA = 0.1  # of NeuroChem's activation 9, CELU


class Ensemble(nn.Module):
    """Networks with layers of weights (network, in, out) and biases (network, 1, out), CELU between them."""

    def __init__(self, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> None:
        super().__init__()
        for k, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            self.register_buffer(f"weight_{k}", weight)
            self.register_buffer(f"bias_{k}", bias)
        self.layers = len(weights)

    @property
    def weights(self) -> list[Tensor]:
        return [self.get_buffer(f"weight_{k}") for k in range(self.layers)]

    @property
    def size(self) -> int:
        """How many networks there are."""
        return len(self.weights[0])

    def forward(self, vectors: Tensor) -> Tensor:
        """Return energies (network, atom) of environments (atom, feature)."""
        return self._outputs(vectors)[0]

    def slopes(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Return energies (network, atom) and their slopes (network, atom, feature)."""
        energies, hidden = self._outputs(vectors)
        back = self.weights[-1].transpose(1, 2).expand(-1, len(vectors), -1)
        for values, weight in zip(reversed(hidden), reversed(self.weights[:-1]), strict=True):
            # The slope of CELU is 1, or exp(z/α) = 1 + CELU(z)/α below 0.
            back = torch.bmm(back * (values / _ALPHA).clamp_(max=0).add_(1), weight.transpose(1, 2))
        return energies, back

    def _outputs(self, vectors: Tensor) -> tuple[Tensor, list[Tensor]]:
        values, hidden = vectors.expand(self.size, -1, -1), []
        for k, weight in enumerate(self.weights):
            values = torch.baddbmm(self.get_buffer(f"bias_{k}"), values, weight)
            if k < self.layers - 1:
                values = celu(values, _ALPHA)
                hidden.append(values)
        return values[..., 0], hidden
