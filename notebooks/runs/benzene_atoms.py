"""What liquid benzene is with every atom: density, g(r) of centers and of beads, and how molecules move; after benzene_reference.py.

python notebooks/runs/benzene_atoms.py WORK [--motion WORK2] [--hot WORK3]

WORK2: `benzene_reference.py WORK2 --like WORK --step 2 --every 50 --friction 0.01 --frames 1000`, the masses of nature and hardly any friction;
WORK3: `benzene_reference.py WORK3 --like WORK --kelvin 350 --frames 100`. Writes notebooks/results/02/atoms.nc.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import benzene_beads as beads
import numpy as np
import numpy.typing as npt
import xarray as xr
from benzene_scan import BINS, REACH

from cg_models.schnet.trial import distribution

Array = npt.NDArray[np.float64]
MOLAR, AVOGADRO = 78.1121, 0.602214076  # g/mol; of Å³ g/cm³
BLOCKS, LAGS, FIT = 10, 150, (5.0, 15.0)  # of frames for errors; longest lag [frames]; line through the MSD [ps]


def of_g(frames: Array, edge: float, molecule: npt.NDArray[np.intp]) -> tuple[Array, Array, Array]:
    """Return r, g and its standard error by blocks of frames."""
    each = [distribution(part, np.full(3, edge), REACH, BINS, molecule) for part in np.array_split(frames, BLOCKS)]
    g = np.array([found for _, found in each])
    return each[0][0], g.mean(axis=0), g.std(axis=0, ddof=1) / np.sqrt(BLOCKS)


def structure(data: xr.Dataset, per: int, name: str) -> xr.Dataset:
    """Return g of beads of different molecules, or of centers where a molecule is one."""
    x, edge = data.position.values.astype(float), float(data.box.values.flat[0])
    r, g, error = of_g(x, edge, np.repeat(np.arange(x.shape[1] // per), per))
    return xr.Dataset({f"g_{name}": ("r", g), f"g_{name}_error": ("r", error)}, {"r": ("r", r, {"units": "angstrom"})})


def motion(work: Path) -> xr.Dataset:
    """Return the MSD of centers of molecules with its error, by ten spans of the run, and D of the line through it."""
    data = beads.mapped(work, 1, 10**6)
    about = json.loads((work / "about.json").read_text())
    between, edge = about["every"] * about["step"] / 1000, float(data.box.values.flat[0])
    x = data.position.values.astype(float)
    steps = np.diff(x, axis=0)
    x = np.cumsum(steps - edge * np.round(steps / edge), axis=0)
    x -= x.mean(axis=1, keepdims=True)
    lags = np.arange(LAGS + 1)
    msd = np.array([[((part[k:] - part[: len(part) - k]) ** 2).sum(-1).mean() for k in lags]
                    for part in np.array_split(x, max(len(x) // (2 * LAGS), 1))])  # fmt: skip
    chosen = (lags * between >= FIT[0]) & (lags * between <= FIT[1])
    d = np.polyfit(lags[chosen] * between, msd.T[chosen], 1)[0] / 6 * 10  # Å²/ps are 1e-8 m²/s
    root, more = np.sqrt(len(d)), len(d) > 1
    none = np.full(len(lags), np.nan)
    return xr.Dataset(
        {"msd": ("lag", msd.mean(axis=0), {"units": "angstrom**2"}), "msd_error": ("lag", msd.std(axis=0, ddof=1) / root if more else none),
         "diffusion": ((), d.mean(), {"units": "1e-9*m**2/s"}), "diffusion_error": ((), d.std(ddof=1) / root if more else np.nan)},
        {"time": ("lag", lags * between, {"units": "ps"})},
    )  # fmt: skip


def density(work: Path, molecules: int) -> xr.Dataset:
    """Return the mass density at 1 atm, with its error by ten parts of the run."""
    rho = molecules * MOLAR / (np.load(work / "start.npz")["volumes"] * 1000 * AVOGADRO)
    parts = np.array([part.mean() for part in np.array_split(rho, BLOCKS)])
    return xr.Dataset({"density": ((), rho.mean(), {"units": "g/cm**3"}),
                       "density_error": ((), parts.std(ddof=1) / np.sqrt(BLOCKS), {"units": "g/cm**3"})})  # fmt: skip


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("work", type=Path)
    words.add_argument("--motion", type=Path)
    words.add_argument("--hot", type=Path)
    words.add_argument("--folder", type=Path, default=beads.RESULTS)
    options = words.parse_args()
    one, three = (beads.read(f"beads-{per}", options.folder) for per in (1, 3))
    found = [structure(one, 1, "centers"), structure(three, 3, "beads"), density(options.work, one.sizes["particle"])]
    about = {"reference": json.loads((options.work / "about.json").read_text())}
    if options.motion:
        found.append(motion(options.motion))
        about["motion"] = json.loads((options.motion / "about.json").read_text())
    if options.hot:
        found += [structure(beads.mapped(options.hot, per, 10**6), per, f"{name}_hot") for per, name in ((1, "centers"), (3, "beads"))]  # fmt: skip
        about["hot"] = json.loads((options.hot / "about.json").read_text())
    xr.merge(found).assign_attrs(about=json.dumps(about)).to_netcdf(options.folder / "atoms.nc")


if __name__ == "__main__":
    main()
