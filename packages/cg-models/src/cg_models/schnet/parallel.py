"""Several processes that learn together, as torchrun starts them: each takes its share, and sums are those of all.

Alone, without `torch.distributed.init_process_group`, a process is the first of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import torch
from torch import Tensor, distributed

T = TypeVar("T")


def together() -> bool:
    """Return whether there are other processes."""
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def first() -> bool:
    """Return whether this process is the one that writes."""
    return not together() or distributed.get_rank() == 0


def share(items: Sequence[T]) -> list[T]:
    """Return the items of this process; together they are all, and their numbers differ by at most one."""
    return list(items[distributed.get_rank() :: distributed.get_world_size()]) if together() else list(items)


def add_up(tensors: Sequence[Tensor]) -> None:
    """Add to each tensor those of the other processes, in one message per kind of numbers."""
    if not together():
        return
    for kind in sorted({t.dtype for t in tensors}, key=str):
        some = [t for t in tensors if t.dtype == kind]
        flat = torch.cat([t.reshape(-1) for t in some])
        distributed.all_reduce(flat)
        for tensor, found in zip(some, torch.split(flat, [t.numel() for t in some]), strict=True):
            tensor.copy_(found.view_as(tensor))


def agree(tensors: Iterable[Tensor]) -> None:
    """Set every tensor to that of the first process."""
    if together():
        for tensor in tensors:
            distributed.broadcast(tensor, src=0)
