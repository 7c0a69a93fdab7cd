"""The frame that moves with a group of markers: weighted least-squares rotation and translation in every frame.

Source: Söderkvist and Wedin 1993 (J. Biomech. 26, 1473); the singular value decomposition is Kabsch's (1976).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from viodat.body.rotations import nearest_rotation
from viodat.capture.markers import FloatArray

_SHAPE_ROUNDS = 2
_SHAPE_FRAMES = 50
"""Frames that a mean shape is taken over: any shape near the mean will do as a frame to bridge gaps in."""

_FLATTEST_MM = 10.0
"""Markers nearer than this (rms) to one straight line do not tell the turn about it."""


@dataclass(frozen=True)
class LocalFrame:
    """Motion of a group of markers in N frames.

    Attributes
    ----------
    rotations
        (N, 3, 3): world = rotation @ local + origin.
    origins
        (N, 3) mm.
    """

    rotations: FloatArray
    origins: FloatArray

    def local(self, points: FloatArray) -> FloatArray:
        """World to local, (N, ..., 3) mm."""
        shift = points - self.origins.reshape(self.origins.shape[0], *(1,) * (points.ndim - 2), 3)
        return np.asarray(np.einsum("nji,n...j->n...i", self.rotations, shift))

    def world(self, points: FloatArray) -> FloatArray:
        """Local to world, (N, 3) mm."""
        return np.asarray(np.einsum("nij,nj->ni", self.rotations, points) + self.origins)


def fit_frame(points: FloatArray, shape: FloatArray, weights: FloatArray) -> LocalFrame:
    """Move ``shape`` onto the markers of every frame.

    Parameters
    ----------
    points
        (N, n, 3) mm, world frame, no NaN.
    shape
        (n, 3) mm, the markers in the local frame.
    weights
        (n,) relative weights.
    """
    share = weights / weights.sum()
    shape_centre = share @ shape
    centre = np.einsum("n,fnk->fk", share, points)
    covariance = np.einsum("n,fni,nj->fij", share, points - centre[:, None], shape - shape_centre)
    rotations = nearest_rotation(covariance)
    return LocalFrame(rotations, centre - rotations @ shape_centre)


def mean_shape(points: FloatArray, weights: FloatArray) -> FloatArray:
    """Average shape (n, 3) mm of markers in N frames, (N, n, 3) mm without NaN, in some local frame."""
    points = points[:: -(-points.shape[0] // _SHAPE_FRAMES)]
    shape = points[points.shape[0] // 2]
    for _ in range(_SHAPE_ROUNDS):
        shape = fit_frame(points, shape, weights).local(points).mean(axis=0)
    return np.asarray(shape)


def spans_a_frame(shape: FloatArray) -> bool:
    """Whether markers (n, 3) mm tell all three rotations: at least three, and not on one line."""
    if shape.shape[0] < 3:
        return False
    spread = np.linalg.svd(shape - shape.mean(axis=0), compute_uv=False)
    return bool(spread[1] / np.sqrt(shape.shape[0]) >= _FLATTEST_MM)
