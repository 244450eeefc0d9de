"""The package installs, imports and says its version; its content comes with the next releases."""

from __future__ import annotations

import importlib.metadata

import cg_sim


def test_version():
    assert importlib.metadata.version("cg-sim") == cg_sim.__version__
