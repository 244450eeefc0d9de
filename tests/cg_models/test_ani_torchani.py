"""ANI potentials beside torchani, which is installed into an environment of its own: it asks for a zarr older than cg-data's."""

from __future__ import annotations

import site
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("vesin")
pytest.importorskip("ase")
if True:  # after the skips
    import cg_models as cm

    from .neurochem_files import crystal, write_potential

ANI_AL = Path(__file__).resolve().parents[3] / "shared/data/ani-al/model/model-Al-75"
SCRIPT = """
import sys
from pathlib import Path
import numpy as np, torch
from torchani import neurochem
from torchani.arch import ANI
home, members, given, answer = Path(sys.argv[1]), int(sys.argv[2]), np.load(sys.argv[3]), sys.argv[4]
computer, symbols = neurochem.load_aev_computer_and_symbols(next(home.glob("*.params")), neighborlist="adaptive")
networks, energies = neurochem.load_ensemble(symbols, home / "train", members), neurochem.load_sae(home / "sae_linfit.dat")
model = ANI(symbols, computer, networks, energies, periodic_table_index=True).double()
x = torch.tensor(given["x"])[None].requires_grad_()
elements = torch.full(x.shape[:2], 13)
energy = model((elements, x), torch.tensor(given["cell"]), torch.tensor([True] * 3)).energies.sum()
(slope,) = torch.autograd.grad(energy, x)
np.savez(answer, energy=energy.item(), forces=-slope[0].numpy())
"""
HARTREE = 27.211386245988


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Return an interpreter that has torchani, and all else from this environment."""
    home = tmp_path_factory.mktemp("torchani") / "env"
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    found = home / "bin/python"
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    place = subprocess.run([str(found), "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    (Path(place) / "here.pth").write_text("\n".join(site.getsitepackages()))
    same = [f"{name}=={version(name).split('+')[0]}" for name in ("torch", "numpy", "ase")]
    pip = [str(found), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "torchani==2.9.0", *same], check=True)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["random", "ANI-Al"])
def test_energies_and_forces_are_torchanis(python, name, tmp_path):
    """To what torchani's parameters, kept in single precision, allow; in a cell of more than two cutoffs, as it asks for."""
    if name == "random":
        write_potential(tmp_path)
    elif not ANI_AL.is_dir():
        pytest.skip("ANI-Al (shared/data/ani-al) is not beside the repository")
    home = tmp_path / "model" if name == "random" else ANI_AL
    atoms = crystal(4, rattle=0.15)
    x, cell = atoms.positions, atoms.cell.array
    np.savez(tmp_path / "given.npz", x=x, cell=cell)
    members = len(list(home.glob("train*")))
    command = [
        str(python),
        "-W",
        "ignore",
        "-c",
        SCRIPT,
        home,
        str(members),
        tmp_path / "given.npz",
        tmp_path / "answer.npz",
    ]
    subprocess.run(command, check=True)
    theirs, ours = np.load(tmp_path / "answer.npz"), cm.ani(home)(x, cell)
    assert ours.energy == pytest.approx(float(theirs["energy"]) * HARTREE, rel=1e-7)
    np.testing.assert_allclose(ours.forces, theirs["forces"] * HARTREE, atol=1e-6 * np.abs(ours.forces).max())
