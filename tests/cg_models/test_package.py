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
        "FrameStructures",
        "load_deep",
        "read_deepmd",
        "save_deep",
    },
}
REFUSED = """
import sys
sys.modules[sys.argv[1]] = None  # as if it were not installed
import cg_models
for name in cg_models.__all__:
    try:
        getattr(cg_models, name)
    except ImportError as error:
        assert 'pip install "cg-models[' in str(error), f"{name}: {error}"
        print(name)
"""


@pytest.mark.parametrize("package", NEEDS)
def test_what_a_missing_package_takes_away_says_what_to_install(package):
    done = subprocess.run([sys.executable, "-c", REFUSED, package], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    missing = {name for other in NEEDS if other == package or find_spec(other) is None for name in NEEDS[other]}
    assert set(done.stdout.split()) == missing


def test_every_public_name_exists():
    missing = {name for package, names in NEEDS.items() if find_spec(package) is None for name in names}
    for name in set(cg_models.__all__) - missing:
        assert getattr(cg_models, name) is not None
    assert set(dir(cg_models)) == set(cg_models.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Network'"):
        cg_models.Network  # noqa: B018
