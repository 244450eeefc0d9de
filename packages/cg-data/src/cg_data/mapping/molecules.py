"""Which atoms are one molecule, where the file does not say: ligands go to the nearest center."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.spatial import cKDTree

from cg_data.mapping.whole import heights
from cg_data.schemas import check

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_IMAGES = np.stack(np.meshgrid(*[[-1.0, 0.0, 1.0]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)


def molecules_by_distance(ds: xr.Dataset, *, center: str = "O", ligand: str = "H", per_center: int = 2) -> Ints:
    """Return the molecule index (particle,) of a trajectory whose centers each hold `per_center` ligands.

    Every ligand belongs to the nearest center across the box; the ligands of each center must be `per_center` and the
    same in all frames, else ValueError. Molecules count from 0 in the order of the centers; particles of
    other types follow as molecules of one. Water with all O before all H, as DeePMD writes it:

        ds = ds.assign(molecule=("particle", molecules_by_distance(ds, center="O", ligand="H", per_center=2)))
    """
    check(ds, "trajectory")
    types = ds["type"].values.astype(str)
    centers, ligands = np.flatnonzero(types == center), np.flatnonzero(types == ligand)
    if center == ligand or per_center < 1 or len(ligands) != per_center * len(centers) or not len(centers):
        raise ValueError(
            f"{len(centers)} centers {center!r} cannot hold {len(ligands)} ligands {ligand!r}, {per_center} each; "
            f"the types of the trajectory are {', '.join(sorted(set(types))[:8])}"
        )
    position, box = ds["position"].values, ds["box"].values
    if not len(position):
        raise ValueError("the trajectory has no frame to measure distances in")
    owner = _owners(position[0], box[0], centers, ligands)
    _check_counts(owner, centers, per_center, f"{center} and {ligand}")
    for frame in range(1, len(position)):
        if (moved := np.flatnonzero(_owners(position[frame], box[frame], centers, ligands) != owner)).size:
            raise ValueError(
                f"frame {frame}: {ligand} (particle {ligands[moved[0]]}) is nearest to another {center} than in frame "
                "0; molecules must stay what they are: drop the frame, or set the molecule variable yourself"
            )
    molecule = np.empty(len(types), dtype=np.int64)
    molecule[centers], molecule[ligands] = np.arange(len(centers)), owner
    others = np.flatnonzero((types != center) & (types != ligand))
    molecule[others] = len(centers) + np.arange(len(others))
    return molecule


def _owners(position: Array, box: Array, centers: Ints, ligands: Ints) -> Ints:
    """Return for each ligand the nearest center, 0 to len(centers) − 1, over all images.

    Both are wrapped into the cell, where the nearest image is among the 27 next to it unless it is farther
    than the smallest height of the cell; then there is no telling molecules apart.
    """
    s = position @ np.linalg.inv(box)
    s = s - np.floor(s)
    images = (s[centers][None, :, :] + _IMAGES[:, None, :]).reshape(-1, 3) @ box
    distance, nearest = cKDTree(images).query(s[ligands] @ box)
    if distance.max() >= heights(box).min():
        raise ValueError(f"a ligand is {distance.max():.4g} from the nearest center, more than the cell is high")
    return np.asarray(nearest % len(centers), dtype=np.int64)


def _check_counts(owner: Ints, centers: Ints, per_center: int, what: str) -> None:
    held = np.bincount(owner, minlength=len(centers))
    wrong = np.flatnonzero(held != per_center)
    if wrong.size:
        raise ValueError(
            f"{what}: the center particle {centers[wrong[0]]} is nearest to {held[wrong[0]]} ligands in frame 0, not "
            f"{per_center}; {wrong.size} centers differ. Are the box and the units right, are molecules intact?"
        )
