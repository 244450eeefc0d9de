"""Torch in forked processes: the threads of OpenMP do not live on in them, and a child that asked for several would wait for ever."""

from __future__ import annotations

import os
import sys


def watch() -> None:
    """Let torch have one thread in processes that are forked from here on; what it computes is the same."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_one_thread)


def _one_thread() -> None:
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)
