"""The package installs, imports and says its version; its content comes with the next releases."""

from __future__ import annotations

import importlib.metadata

import cg_inverse


def test_version():
    assert importlib.metadata.version("cg-inverse") == cg_inverse.__version__
