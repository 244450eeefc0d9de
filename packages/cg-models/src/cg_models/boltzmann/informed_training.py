"""Teaching the informed networks: theory's liquids first, by the thousand and with the noise of a run; then simulated ones."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from cg_data import shell_volumes
from cg_models.boltzmann.informed_potential import InformedPotential
from cg_models.boltzmann.informed_pressure import InformedPressure
from cg_models.boltzmann.options import CAP
from cg_models.boltzmann.table import LiquidTable, R

_SMALL = 0.02  # kT, and of a pressure: errors below count as squares, above as absolute values
_FAR = 2.0  # kT: more than this mean error of a simulated row teaches no more
_TOGETHER = 0.5  # of the energy's error
_SHELLS = torch.tensor(shell_volumes(R), dtype=torch.float32)
_DILUTE = 0.3  # of ρ: what a pressure's error is a share of where P is near 0


def learn_potential(
    model: InformedPotential, theory: LiquidTable, runs: LiquidTable | None = None, *, steps: int, batch: int = 256,
    share: float = 0.5, rate: float = 2e-3, decay: float = 1e-3, seed: int = 0,
) -> Iterator[float]:  # fmt: skip
    """Train in place; yield the loss of each step. With `runs`, a `share` of the loss is theirs, and a quarter of the rows.

    `theory` are liquids by theory with noise as counted, each as often as there is noise to learn from.
    """
    noise = torch.Generator().manual_seed(seed)
    simulated = batch // 4 if runs is not None else 0
    for optimizer in _steps(model, steps, rate, decay):
        loss = _off(model, theory[torch.randint(len(theory), (batch - simulated,), generator=noise)]).mean()
        if runs is not None:
            some = runs[torch.randint(len(runs), (simulated,), generator=noise)]
            loss = (1 - share) * loss + share * _off(model, some).clamp(max=_FAR).mean()
        _learn(loss, model, optimizer)
        yield float(loss.detach())


def _off(model: InformedPotential, some: LiquidTable) -> Tensor:
    """Return each row's error of U, and of the energy of a particle as a share of P/ρ, in which errors of one sign add up."""
    known = some.u <= CAP
    off = torch.where(known, model(some.g, some.gamma, some.density) - some.u, 0.0)
    energy = 0.5 * some.density * (off * some.g.clamp(max=1) * _SHELLS).sum(dim=1)
    share = energy / (1 + some.pressure.abs() / some.density)
    return _robust(off).sum(dim=1) / known.sum(dim=1) + _TOGETHER * _robust(share)


def learn_pressure(
    model: InformedPressure, table: LiquidTable, estimates: Tensor, *, steps: int = 1500, batch: int = 128,
    rate: float = 3e-3, decay: float = 3e-2, seed: int = 0,
) -> Iterator[float]:  # fmt: skip
    """Train in place on rows and what theories say of them; yield the loss of each step."""
    noise = torch.Generator().manual_seed(seed)
    for optimizer in _steps(model, steps, rate, decay):
        rows = torch.randint(len(table), (batch,), generator=noise)
        some = table[rows]
        found = model(some.u, some.density, estimates[rows])
        off = (found - some.pressure) / (some.pressure.abs() + _DILUTE * some.density)
        loss = _robust(off).clamp(max=1.0).mean()
        _learn(loss, model, optimizer)
        yield float(loss.detach())


def _robust(off: Tensor) -> Tensor:
    return torch.sqrt(off**2 + _SMALL**2) - _SMALL


def _steps(model: nn.Module, steps: int, rate: float, decay: float) -> Iterator[torch.optim.Optimizer]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    for _ in range(steps):
        yield optimizer
        schedule.step()


def _learn(loss: Tensor, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
