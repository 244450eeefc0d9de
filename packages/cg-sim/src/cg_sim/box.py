"""Periodic boxes: a 3×3 matrix whose rows are the lattice vectors [length]."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def as_box(given: npt.ArrayLike) -> Array:
    """Return lattice vectors as rows, from one length, three lengths or a 3×3 matrix.

    >>> as_box([2.0, 3.0, 4.0]).diagonal().tolist()
    [2.0, 3.0, 4.0]
    """
    box = np.array(given, dtype=np.float64)
    if box.shape == ():
        box = np.full(3, float(box))
    if box.shape == (3,):
        box = np.diag(box)
    if box.shape != (3, 3):
        raise ValueError(f"a box is one length, three lengths or a 3×3 matrix, got shape {box.shape}")
    if not np.all(np.isfinite(box)) or not np.linalg.det(box) > 0:
        raise ValueError(f"a box needs a positive volume (right-handed lattice vectors as rows), got {box.tolist()}")
    return box


def volume(box: Array) -> float:
    """Return the volume [length³]."""
    return float(np.linalg.det(box))


def widths(box: Array) -> Array:
    """Return the distance between opposite faces along each lattice vector [length].

    >>> widths(as_box([[2.0, 0, 0], [1.0, 1.0, 0], [0, 0, 3.0]])).round(6).tolist()
    [1.414214, 1.0, 3.0]
    """
    return 1.0 / np.linalg.norm(np.linalg.inv(box), axis=0)


def is_orthorhombic(box: Array) -> bool:
    return bool(np.all(box == np.diag(np.diag(box))))


def wrapped(positions: Array, box: Array) -> Array:
    """Return the images of positions inside the box, fractional coordinates in [0, 1)."""
    fraction = positions @ np.linalg.inv(box)
    fraction -= np.floor(fraction)
    fraction[fraction >= 1.0] = 0.0  # −1e-17 − floor(−1e-17) rounds to 1
    return fraction @ box


def nearest_image(difference: Array, box: Array) -> Array:
    """Return difference vectors reduced to |fraction| ≤ 1/2: the nearest image wherever that is within half a width."""
    fraction = difference @ np.linalg.inv(box)
    return (fraction - np.rint(fraction)) @ box


def check_reach(box: Array, reach: float, what: str) -> None:
    """Raise if `reach` [length] is more than half the box's smallest width, where images would be missed."""
    width = float(widths(box).min())
    if reach > 0.5 * width * (1 + 1e-12):
        raise ValueError(
            f"{what} is {reach:.6g}, more than half the box's smallest width {width:.6g}: "
            f"take a larger box (at least {2 * reach:.6g} wide) or a shorter {what}"
        )
