"""Two processes learn what one learns: uneven batches, frames of different sizes, weights that start apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
distributed = pytest.importorskip("torch.distributed")
if not distributed.is_available():
    pytest.skip("this torch was built without torch.distributed", allow_module_level=True)

SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np, torch
from torch import distributed
from cg_models.schnet.bead_potential import BeadPotential
from cg_models.schnet.force_matching import ForceMatcher, Matching, samples
from cg_models.schnet.graph import graph
from cg_models.schnet.network import SchNet, SchNetOptions

folder, rank = Path(sys.argv[1]), 0
if distributed.is_torchelastic_launched():
    distributed.init_process_group("gloo")
    rank = distributed.get_rank()
noise = np.random.default_rng(0)
graphs, forces, energies = [], [], []
for beads in (12, 30, 9, 21, 16, 25, 11, 14, 18, 10):
    x = noise.random((beads, 3)) * 7
    graphs.append(graph(x, np.full(3, 7.0), 3.0, dtype=torch.float64))
    forces.append(noise.normal(size=(beads, 3)))
    energies.append(float(noise.normal()))
potential = BeadPotential(SchNet(SchNetOptions(cutoff=3.0, features=12, filters=12, blocks=2), seed=1 + rank)).double()
given = [s for g, f, e in zip(graphs, forces, energies) for s in samples(potential, [g], [f], [e])]
settings = Matching(epochs=4, batch=3, energy_weight=0.2, average=0.5)  # of 7 frames: 3, 3 and 1, which leaves one idle
matcher = ForceMatcher(potential, given[:7], given[7:], settings)
epochs = [matcher.epoch(), matcher.epoch()]
matcher.save(folder / "half.safetensors")
if distributed.is_initialized():
    distributed.barrier()
again = ForceMatcher(potential, given[:7], given[7:], settings)
again.load(folder / "half.safetensors")
epochs += list(again.run())
again.save(folder / f"end-of-{rank}.safetensors")
rows = [[e.force, e.validation_force, e.validation_energy] for e in epochs]
weights = {n: p.double().tolist() for n, p in again.averaged.items()}
(folder / f"{rank}.json").write_text(json.dumps({"rows": rows, "weights": weights}))
"""


def learned(folder: Path, *launcher: str) -> list[dict]:
    """Return what each process wrote."""
    folder.mkdir()
    (folder / "learn.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, *launcher, str(folder / "learn.py"), str(folder)],
        capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(path.read_text()) for path in sorted(folder.glob("?.json"))]


def test_two_processes_learn_what_one_learns(tmp_path):
    (alone,) = learned(tmp_path / "one")
    both = learned(tmp_path / "two", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    assert len(both) == 2
    assert both[0] == both[1]
    torch.testing.assert_close(torch.tensor(both[0]["rows"]), torch.tensor(alone["rows"]), rtol=1e-6, atol=0)
    for name, found in both[0]["weights"].items():
        wanted = torch.tensor(alone["weights"][name], dtype=torch.float64)
        torch.testing.assert_close(torch.tensor(found, dtype=torch.float64), wanted, rtol=1e-6, atol=1e-9)
    assert {p.name for p in (tmp_path / "two").glob("*.safetensors")} == {"half.safetensors", "end-of-0.safetensors"}
