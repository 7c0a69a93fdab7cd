"""Vectors and rotations over time: arrays (..., 3) and (..., 3, 3) whose leading axes are instants."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def unit(v: FloatArray) -> FloatArray:
    """``v`` divided by its length along the last axis."""
    return np.asarray(v / np.linalg.norm(v, axis=-1, keepdims=True))


def rejected(v: FloatArray, axis: FloatArray) -> FloatArray:
    """Give the unit vector of what of ``v`` is perpendicular to the unit vector ``axis``."""
    return unit(v - np.sum(v * axis, axis=-1, keepdims=True) * axis)


def turned(yaw: FloatArray, pitch: FloatArray, roll: FloatArray) -> FloatArray:
    """(T, 3, 3) rotation: roll about x, then pitch about y, then yaw about z (rad)."""
    cy, sy, cp, sp, cr, sr = (f(angle) for angle in (yaw, pitch, roll) for f in (np.cos, np.sin))
    rows = [
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
