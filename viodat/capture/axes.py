"""Which axes of a marker file are the world's X, Y and Z (Z up): for formats that leave it to the user.

``"zxy"`` says that the world's X is the file's z, its Y the file's x and its Z the file's y. A minus turns
an axis round: ``"x-zy"`` makes a Y-up world Z-up, with Y = −z. Mirrored axes are refused: the world stays
right-handed.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

_AXES = re.compile(r"(-?[xyz])(-?[xyz])(-?[xyz])")


def axes_matrix(axes: str) -> NDArray[np.float64]:
    """Give the (3, 3) rotation R with ``X_world = R @ X_file``; for rows of points, ``points @ R.T``.

    Examples
    --------
    >>> axes_matrix("zxy") @ [1.0, 2.0, 3.0]
    array([3., 1., 2.])

    Raises
    ------
    ValueError
        If ``axes`` is not three different axes, or mirrors.
    """
    if fault := axes_fault(axes):
        raise ValueError(fault)
    return _matrix(axes)


def axes_fault(axes: str) -> str | None:
    """Say what is wrong with ``axes``, or None."""
    found = _AXES.fullmatch(axes)
    if found is None or {axis[-1] for axis in found.groups()} != {"x", "y", "z"}:
        return f'\'{axes[:20]}\' is not x, y and z in some order, as in "zxy" or "x-zy"'
    if np.linalg.det(_matrix(axes)) < 0:
        return f"'{axes}' mirrors the world (left becomes right); turn one axis round with a minus"
    return None


def _matrix(axes: str) -> NDArray[np.float64]:
    rows = [np.eye(3)["xyz".index(axis[-1])] * (-1 if axis[0] == "-" else 1) for axis in _AXES.findall(axes)[0]]
    return np.array(rows, dtype=np.float64)
