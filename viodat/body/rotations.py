"""Rotations over time as arrays of matrices: exponential, logarithm, and what a small turn changes in them.

Matrices are (..., 3, 3) and map a segment's coordinates to the world's; rotation vectors are (..., 3) rad. A small
turn acts from the left, R ← exp(δ) R, so δ is in world coordinates. Sources: Sola, Deray and Atchuthan 2018 (arXiv
1812.01537), appendix B, for SO(3)'s Jacobians.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from viodat.body.geometry import FloatArray

_SMALL_RAD = 1e-4
_NEAR_HALF_RAD = 0.05


def exp(vectors: FloatArray) -> FloatArray:
    """(..., 3, 3) rotations by (..., 3) rotation vectors, rad."""
    flat = np.asarray(vectors).reshape(-1, 3)
    return np.asarray(Rotation.from_rotvec(flat).as_matrix().reshape(*vectors.shape, 3))


def log(matrices: FloatArray) -> FloatArray:
    """(..., 3) rotation vectors, rad, of length at most π."""
    twice_sine = np.stack(
        [
            matrices[..., 2, 1] - matrices[..., 1, 2],
            matrices[..., 0, 2] - matrices[..., 2, 0],
            matrices[..., 1, 0] - matrices[..., 0, 1],
        ],
        axis=-1,
    )
    sine = np.linalg.norm(twice_sine, axis=-1) / 2
    angle = np.arctan2(sine, (np.trace(matrices, axis1=-2, axis2=-1) - 1) / 2)
    factor = np.where(angle < _SMALL_RAD, 0.5, angle / (2 * np.maximum(sine, _SMALL_RAD / 2)))
    out = np.asarray(twice_sine * factor[..., None])
    # Near half a turn the sine no longer tells the axis.
    near_half = angle > np.pi - _NEAR_HALF_RAD
    if near_half.any():
        out[near_half] = Rotation.from_matrix(matrices[near_half]).as_rotvec()
    return out


def nearest_rotation(matrices: FloatArray) -> FloatArray:
    """(..., 3, 3) the rotation R with the largest trace of Rᵀ M, never a reflection.

    For M = Σ w x aᵀ it turns the points a onto the points x, both seen from their weighted means, as well as can be
    (Kabsch 1976; Umeyama 1991 for the guard: markers in a plane fit their mirror image, too).
    """
    u, _, vt = np.linalg.svd(matrices)
    guard = np.sign(np.linalg.det(u @ vt))
    u[..., :, 2] *= guard[..., None]
    return np.asarray(u @ vt)


def skew(vectors: FloatArray) -> FloatArray:
    """(..., 3, 3) matrices [v]× with [v]× w = v × w."""
    out = np.zeros((*vectors.shape, 3))
    out[..., 0, 1], out[..., 0, 2] = -vectors[..., 2], vectors[..., 1]
    out[..., 1, 0], out[..., 1, 2] = vectors[..., 2], -vectors[..., 0]
    out[..., 2, 0], out[..., 2, 1] = -vectors[..., 1], vectors[..., 0]
    return out


def left_jacobian_inverse(vectors: FloatArray) -> FloatArray:
    """(..., 3, 3) J with log(exp(ε) exp(v)) ≈ v + J ε for small ε; ``vectors`` are v (..., 3), shorter than 2π."""
    angle = np.linalg.norm(vectors, axis=-1)
    safe = np.maximum(angle, _SMALL_RAD)
    # 1/θ² − (1 + cos θ)/(2θ sin θ), written with the half angle so that it stays finite at θ = π.
    factor = np.where(angle < _SMALL_RAD, 1 / 12, (1 - 0.5 * safe / np.tan(0.5 * safe)) / safe**2)
    turn = skew(vectors)
    return np.asarray(np.eye(3) - 0.5 * turn + factor[..., None, None] * (turn @ turn))
