"""Points from several views: weighted linear triangulation, its refinement, and the error that is left.

Arrays have the cameras first: pixels are (C, ..., 2), weights and errors (C, ...), points (..., 3) mm in
the world frame. A view whose pixel or weight is NaN, or whose weight is 0, does not count; a point with
fewer than two views is NaN.

Sources: Hartley and Zisserman 2004, section 12.2 (homogeneous linear method); Levenberg 1944 and
Marquardt 1963 (refinement).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viodat.camera.model import Camera

FloatArray = NDArray[np.float64]

_UNDETERMINED = 1e-10
_STEP_MM = 0.1
_ITERATIONS = 50


def triangulate(
    cameras: Sequence[Camera], px: ArrayLike, weights: ArrayLike | None = None, *, refine: bool = False
) -> FloatArray:
    """Find the points that several cameras see.

    The linear method minimises |A h| over unit h with, for each view, the rows w(p₁ − u p₃) and w(p₂ − v
    p₃), where p are the rows of K[R|t] with t in metres and (u, v) is the ideal pixel; the point is
    h₁₋₃/h₄. Its cost is algebraic, so the answer depends a little on the unit of length; metres are what
    Pose2Sim uses. With ``refine`` the answer starts a least-squares fit of w·(reprojection error) in px of
    the real, distorted pictures.

    Parameters
    ----------
    cameras
        C cameras.
    px
        (C, ..., 2) px as drawn, lens and all. Use :meth:`Camera.pinhole` for pixels that are already
        undistorted.
    weights
        (C, ...) ≥ 0, such as a detector's confidence; all 1 if not given.
    refine
        Also minimise the weighted squared reprojection error.

    Returns
    -------
    ndarray
        (..., 3) mm, world frame. NaN where fewer than two views count, where the views do not determine a
        point (the same ray twice), or where the point falls behind one of the cameras that saw it.

    Raises
    ------
    ValueError
        If the shapes do not fit each other.
    """
    pixels, w = _views(cameras, px, weights)
    shape = pixels.shape[1:-1]
    pixels, w = pixels.reshape(len(cameras), -1, 2), w.reshape(len(cameras), -1)
    ideal = np.stack([camera.undistort(pixels[i]) for i, camera in enumerate(cameras)])
    w = np.where(np.isfinite(ideal).all(axis=-1), w, 0.0)
    points = _linear(cameras, np.where(w[..., None] > 0, ideal, 0.0), w)
    points[np.count_nonzero(w > 0, axis=0) < 2] = np.nan
    if refine:
        points = _refined(cameras, points, pixels, w)
    for i, camera in enumerate(cameras):
        behind = (w[i] > 0) & ~(camera.to_camera(points)[..., 2] > 0)
        points[behind] = np.nan
    return points.reshape(*shape, 3)


def reprojection_error(cameras: Sequence[Camera], points_mm: ArrayLike, px: ArrayLike) -> FloatArray:
    """Distance between where points are drawn and where they were seen.

    Parameters
    ----------
    cameras
        C cameras.
    points_mm
        (..., 3) mm, world frame.
    px
        (C, ..., 2) px as drawn.

    Returns
    -------
    ndarray
        (C, ...) px; NaN where the point or the pixel is, or the camera cannot have drawn the point.
    """
    pixels, _ = _views(cameras, px, None)
    drawn = np.stack([camera.project(points_mm) for camera in cameras])
    if drawn.shape != pixels.shape:
        raise ValueError(f"points_mm: expected shape {(*pixels.shape[1:-1], 3)}, got {np.shape(points_mm)}")
    error: FloatArray = np.linalg.norm(drawn - pixels, axis=-1)
    return error


def _views(cameras: Sequence[Camera], px: ArrayLike, weights: ArrayLike | None) -> tuple[FloatArray, FloatArray]:
    pixels = np.asarray(px, dtype=np.float64)
    if pixels.ndim < 2 or pixels.shape[0] != len(cameras) or pixels.shape[-1] != 2:
        raise ValueError(f"px: expected shape ({len(cameras)}, ..., 2) for {len(cameras)} cameras, got {pixels.shape}")
    w = np.ones(pixels.shape[:-1]) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape != pixels.shape[:-1]:
        raise ValueError(f"weights: expected shape {pixels.shape[:-1]}, got {w.shape}")
    if np.any(w < 0):
        raise ValueError(f"weights: expected 0 or more, got {np.nanmin(w):g}")
    return pixels, np.where(np.isfinite(w), w, 0.0)


def _linear(cameras: Sequence[Camera], ideal: FloatArray, w: FloatArray) -> FloatArray:
    rows = []
    for i, camera in enumerate(cameras):
        matrix = camera.projection_matrix.copy()
        matrix[:, 3] /= 1000
        for axis in range(2):
            rows.append(w[i][:, None] * (matrix[axis] - ideal[i, :, axis, None] * matrix[2]))
    if len(rows) < 4:
        return np.full((ideal.shape[1], 3), np.nan)
    _, values, vectors = np.linalg.svd(np.stack(rows, axis=1), full_matrices=False)
    homogeneous = vectors[:, -1, :]
    with np.errstate(all="ignore"):
        points: FloatArray = 1000 * homogeneous[:, :3] / homogeneous[:, 3:]
    undetermined = values[:, 2] <= _UNDETERMINED * values[:, 0]
    points[undetermined | ~np.isfinite(points).all(axis=-1)] = np.nan
    return points


def _refined(cameras: Sequence[Camera], points: FloatArray, px: FloatArray, w: FloatArray) -> FloatArray:
    """Levenberg-Marquardt on all points at once, each with its own damping."""
    points = points.copy()
    active = np.flatnonzero(np.isfinite(points).all(axis=-1))
    damping = np.full(len(points), 1e-4)
    cost = np.full(len(points), np.inf)
    cost[active] = _cost(_residuals(cameras, points[active], px[:, active], w[:, active]))
    active = active[np.isfinite(cost[active])]
    for _ in range(_ITERATIONS):
        if not len(active):
            break
        here, seen, weight = points[active], px[:, active], w[:, active]
        residuals = _residuals(cameras, here, seen, weight)
        jacobian = np.stack(
            [
                (_residuals(cameras, here + step, seen, weight) - _residuals(cameras, here - step, seen, weight))
                / (2 * _STEP_MM)
                for step in _STEP_MM * np.eye(3)
            ],
            axis=-1,
        )
        normal = np.einsum("nri,nrj->nij", jacobian, jacobian)
        gradient = np.einsum("nri,nr->ni", jacobian, residuals)
        diagonal = np.einsum("nii->ni", normal)
        damped = normal + np.einsum("ni,ij->nij", damping[active, None] * diagonal, np.eye(3))
        step_mm = -_solve(damped, gradient)
        new_cost = _cost(_residuals(cameras, here + step_mm, seen, weight))
        better = new_cost <= cost[active]
        points[active[better]] += step_mm[better]
        cost[active[better]] = new_cost[better]
        damping[active] *= np.where(better, 0.1, 10.0)
        # A rejected step is not convergence until damping has made it negligible too.
        settled = np.linalg.norm(step_mm, axis=-1) < 1e-9
        active = active[~settled & np.isfinite(step_mm).all(axis=-1)]
    return points


def _residuals(cameras: Sequence[Camera], points: FloatArray, px: FloatArray, w: FloatArray) -> FloatArray:
    """(N, 2C) px, weighted; 0 for views that do not count, NaN for those that cannot be drawn."""
    parts = [
        np.where(w[i][:, None] > 0, w[i][:, None] * (camera.project(points) - px[i]), 0.0)
        for i, camera in enumerate(cameras)
    ]
    return np.concatenate(parts, axis=-1)


def _cost(residuals: FloatArray) -> FloatArray:
    squared: FloatArray = np.sum(residuals**2, axis=-1)
    return np.where(np.isfinite(squared), squared, np.inf)


def _solve(matrices: FloatArray, vectors: FloatArray) -> FloatArray:
    """Solve (N, 3, 3) systems; NaN where one is singular or not finite."""
    usable = np.asarray(np.isfinite(matrices).all(axis=(1, 2)) & np.isfinite(vectors).all(axis=1))
    usable &= np.abs(np.linalg.det(np.where(usable[:, None, None], matrices, 0.0))) > 0
    solved = np.full_like(vectors, np.nan)
    if usable.any():
        solved[usable] = np.linalg.solve(matrices[usable], vectors[usable][..., None])[..., 0]
    return solved
