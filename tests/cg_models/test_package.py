"""The package says its version, names everything it has, and does not wait for torch."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from importlib.util import find_spec

import pytest

import cg_models


def test_version():
    assert importlib.metadata.version("cg-models") == cg_models.__version__


def test_import_is_light():
    code = "import sys, cg_models; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


NEEDS = {
    "ase": {"BeadCalculator", "ManyBodyCalculator", "DeepCalculator", "Sum"},
    "numba": {
        "DeepCalculator",
        "DeepErrors",
        "DeepPotential",
        "DeepTrainer",
        "DeepTraining",
        "load_deep",
        "read_deepmd",
        "save_deep",
    },
}


def test_every_public_name_exists_or_says_what_to_install():
    missing = {name for package, names in NEEDS.items() if find_spec(package) is None for name in names}
    for name in cg_models.__all__:
        if name in missing:
            with pytest.raises(ImportError, match=r'pip install "cg-models\['):
                getattr(cg_models, name)
        else:
            assert getattr(cg_models, name) is not None
    assert set(dir(cg_models)) == set(cg_models.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Network'"):
        cg_models.Network  # noqa: B018
