"""Training many small networks of one architecture at once: folds, seeds and options as one batch of weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state


@dataclass(frozen=True, slots=True)
class Epochs:
    """Adam over `steps` batches of `batch` rows, its rate from `rate` down to a hundredth by a cosine."""

    steps: int = 2000
    batch: int = 256
    rate: float = 1e-3
    decay: float = 0.0
    seed: int = 0


def train_together(
    models: Sequence[nn.Module],
    inputs: Sequence[Tensor],
    loss: Callable[[Tensor, Tensor], Tensor],
    weights: Tensor,
    epochs: Epochs,
) -> Iterator[tuple[int, Tensor]]:
    """Train every model on the rows that `weights` (model, row) gives it; yield the step and each one's loss.

    `inputs` are tensors of all rows, `loss(found, rows)` says the loss of rows, whose indices it is given. Models must be
    alike but for their weights; they hold what was learned when the iterator ends.
    """
    parameters, _ = stack_module_state(list(models))
    parameters = {name: p.detach().clone().requires_grad_() for name, p in parameters.items()}
    shell = deepcopy(models[0]).to("meta")

    def one(p: dict[str, Tensor], given: tuple[Tensor, ...]) -> Tensor:
        found: Tensor = functional_call(shell, p, given)
        return found

    optimizer = torch.optim.AdamW(parameters.values(), lr=epochs.rate, weight_decay=epochs.decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs.steps, eta_min=0.01 * epochs.rate)
    noise, n = torch.Generator().manual_seed(epochs.seed), len(inputs[0])
    for step in range(epochs.steps):
        rows = torch.randperm(n, generator=noise)[: min(epochs.batch, n)]
        found = torch.func.vmap(one, in_dims=(0, None))(parameters, tuple(x[rows] for x in inputs))
        share = weights[:, rows]
        each = (torch.stack([loss(f, rows) for f in found]) * share).sum(dim=1) / share.sum(dim=1).clamp(min=1)
        optimizer.zero_grad()
        each.sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        yield step, each.detach()
    with torch.no_grad():
        for k, model in enumerate(models):
            for name, p in model.named_parameters():
                p.copy_(parameters[name][k])


def folds(groups: Tensor, count: int = 4, seed: int = 0) -> Tensor:
    """Return (count, row) of which fold's turn it is to be left out: rows of one group are on one side.

    >>> out = folds(torch.tensor([0, 0, 1, 1, 2, 3]), 2)
    >>> out.sum(dim=0).tolist(), bool(out[0, 0] == out[0, 1])
    ([1, 1, 1, 1, 1, 1], True)
    """
    names = torch.unique(groups)
    turn = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed)) % count
    of_row = turn[torch.searchsorted(names, groups)]
    return torch.stack([of_row == k for k in range(count)])
