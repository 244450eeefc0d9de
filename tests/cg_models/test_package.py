"""The package installs, imports and says its version; its content comes with the next releases."""

from __future__ import annotations

import importlib.metadata

import cg_models


def test_version():
    assert importlib.metadata.version("cg-models") == cg_models.__version__
