"""Boxes as LAMMPS and HOOMD-blue want them: a lower-triangular matrix of lattice vectors, and the rotation to it."""

from __future__ import annotations

import numpy as np

from cg_sim.box import Array


def standard_cell(box: Array) -> tuple[Array, Array]:
    """Return (L, Q) with box = L Q: L lower-triangular with a positive diagonal, Q a rotation.

    A row vector r of the box is r Qᵀ beside L. A box that is standard already gives itself and exactly 1.

    >>> cell, turn = standard_cell(np.array([[0.0, 2.0, 0], [-3.0, 0, 0], [0, 0, 4.0]]))
    >>> cell.round(12).diagonal().tolist(), bool(np.allclose(cell @ turn, [[0, 2, 0], [-3, 0, 0], [0, 0, 4]]))
    ([2.0, 3.0, 4.0], True)
    """
    if np.array_equal(box, np.tril(box)) and np.all(np.diagonal(box) > 0):
        return np.array(box), np.eye(3)
    q, r = np.linalg.qr(box.T)
    sign = np.sign(np.diagonal(r))
    return np.tril(r.T * sign), (q * sign).T


def images(positions: Array, cell: Array) -> Array:
    """Return the whole numbers of lattice vectors that separate positions from their images in [0, 1) of the cell."""
    return np.floor(positions @ np.linalg.inv(cell))
