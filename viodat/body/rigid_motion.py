"""Where a cluster of markers is as one rigid body, frame by frame, and the shape that it keeps best.

Positions are mm, NaN in gaps; a frame whose markers do not determine the motion is NaN and nothing raises for it.

Sources: Kabsch 1976 (Acta Cryst A32:922), with the guard against reflections of Umeyama 1991 (IEEE Trans Pattern Anal
13:376); Taylor et al. 2005 (J Orthop Res 23:726), the optimal common shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from viodat.body.geometry import FloatArray

COLLINEAR: Final = 0.05
"""Least spread of a cluster across its longest direction, relative to that along it, for which it has a rotation."""


@dataclass(frozen=True)
class RigidMotion:
    """Where a rigid segment is in each frame: ``x_world = rotation @ x_local + translation``.

    Attributes
    ----------
    rotation
        (F, 3, 3), proper (determinant 1); NaN where the frame's markers do not determine it.
    translation
        (F, 3) mm, world; NaN as ``rotation``.
    residual_mm
        (F,) weighted RMS distance of the markers from the moved reference; NaN as ``rotation``. With three markers a
        cluster can only deform in their plane, so it is small without meaning much.
    centre_mm
        (3,) mm, local: weighted middle of the reference.
    """

    rotation: FloatArray
    translation: FloatArray
    residual_mm: FloatArray
    centre_mm: FloatArray

    def carried(self, local_mm: FloatArray) -> FloatArray:
        """(F, 3) mm, world, of a local point (3,); NaN where the motion is."""
        return np.asarray(self.rotation @ local_mm + self.translation)


def cluster_motion(
    positions_mm: FloatArray, reference_mm: FloatArray, weights: FloatArray | None = None
) -> RigidMotion:
    """Fit the rigid motion of a marker cluster, frame by frame, from whichever of its markers are there.

    Parameters
    ----------
    positions_mm
        (F, M, 3) mm, world, NaN in gaps.
    reference_mm
        (M, 3) mm: the same markers in the local frame; a marker that is NaN here is not used.
    weights
        (M,) not negative; default all 1.

    Returns
    -------
    RigidMotion
        NaN in frames with fewer than three markers, and where those that are there lie on one line
        (:data:`COLLINEAR`), in the frame or in the reference.

    Raises
    ------
    ValueError
        The shapes do not fit each other, or a weight is negative.

    Notes
    -----
    The rotation that minimises Σ w |R a − b|² is U diag(1, 1, d) Vᵀ with U S Vᵀ the singular value decomposition of
    Σ w b aᵀ, a and b seen from their weighted means, and d = det(U Vᵀ), so that no mirror image is found.
    """
    positions = np.asarray(positions_mm, dtype=np.float64)
    reference = np.asarray(reference_mm, dtype=np.float64)
    each = np.ones(len(reference)) if weights is None else np.asarray(weights, dtype=np.float64)
    if positions.ndim != 3 or reference.shape != positions.shape[1:] or reference.shape[1:] != (3,):
        raise ValueError(f"expected positions (F, M, 3), reference (M, 3); got {positions.shape}, {reference.shape}")
    if each.shape != reference.shape[:1] or not (each >= 0).all():
        raise ValueError(f"weights: expected {len(reference)} numbers that are not negative, got {each}")
    known = np.isfinite(reference).all(axis=-1) & (each > 0)
    seen = np.isfinite(positions).all(axis=-1) & known
    enough = seen.sum(axis=1) >= 3
    share = np.where(seen & enough[:, None], each, 0.0)
    share /= np.where(enough, share.sum(axis=1), 1.0)[:, None]
    local = np.where(known[:, None], reference, 0.0)
    world = np.where(seen[..., None], positions, 0.0)
    local_middle = share @ local
    world_middle = np.einsum("fm,fmi->fi", share, world)
    a = local - local_middle[:, None]
    b = world - world_middle[:, None]
    u, s, vt = np.linalg.svd(np.einsum("fm,fmi,fmj->fij", share, b, a))
    s_sign = np.ones_like(s)
    s_sign[:, 2] = np.where(np.linalg.det(u @ vt) < 0, -1.0, 1.0)
    whole = enough & (s[:, 0] > 0) & (s[:, 1] > COLLINEAR**2 * s[:, 0])
    rotation = np.where(whole[:, None, None], (u * s_sign[:, None]) @ vt, np.nan)
    translation = world_middle - np.einsum("fij,fj->fi", rotation, local_middle)
    missed = b - np.einsum("fij,fmj->fmi", rotation, a)
    residual = np.sqrt(np.einsum("fm,fmi->f", share, missed**2))
    total = np.where(known, each, 0.0)
    centre = total @ local / total.sum() if known.any() else np.full(3, np.nan)
    return RigidMotion(rotation, translation, residual, centre)


def common_shape(positions_mm: FloatArray, start_mm: FloatArray, rounds: int = 10) -> FloatArray:
    """Shape that a cluster keeps best through a trial (optimal common shape technique, Taylor et al. 2005).

    Parameters
    ----------
    positions_mm
        (F, M, 3) mm, world, NaN in gaps.
    start_mm
        (M, 3) mm: a first shape, such as the markers of a static pose or of one frame.
    rounds
        How often the median of the markers in the cluster's own frame becomes the next shape.

    Returns
    -------
    (M, 3) mm array
        Lies on ``start_mm`` as well as it can. NaN for a marker that is seen in no frame with two others.
    """
    start = np.asarray(start_mm, dtype=np.float64)
    shape = start
    for _ in range(rounds):
        motion = cluster_motion(positions_mm, shape)
        there = np.isfinite(motion.translation).all(axis=1)
        local = np.einsum(
            "fji,fmj->fmi", motion.rotation[there], positions_mm[there] - motion.translation[there][:, None]
        )
        seen = np.isfinite(local).all(axis=2).any(axis=0)
        shape = np.full_like(start, np.nan)
        if seen.any():
            shape[seen] = np.nanmedian(local[:, seen], axis=0)
    onto = cluster_motion(start[None], shape)
    return np.asarray(shape @ onto.rotation[0].T + onto.translation[0])
