"""Where and when a published recording belongs: its pose laid over the trial's motion, and its camera from 3D and 2D.

A release that holds the same truth several times, at 100 Hz and at each camera's frames, in 3D and in pixels, says
itself when a camera started and how it projects. Both are found from those numbers alone, with the error that is left.
mm, s, px; NaN is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import rq
from scipy.optimize import least_squares, minimize_scalar
from scipy.signal import fftconvolve
from scipy.spatial.transform import Rotation

from viodat.body.interpolate import at_times
from viodat.camera import Camera, NoDistortion, OpenCVDistortion
from viodat.joints import JOINT_INDEX

FloatArray = NDArray[np.float64]

SAME_MM: Final = 0.5
"""Poses that are no further apart are the same pose: what is left is interpolation."""
_GAIN: Final = 0.9
"""A shift or a turn is believed that brings the error below this share of what it is without."""
_NOT_AT_ALL: Final = 1e12
_FINE_PX: Final = 0.02
_LENS_GAIN: Final = 0.9
"""A lens is kept that brings the error below this share of the pinhole's."""
_MOST_POINTS: Final = 2000
_FEWEST_POINTS: Final = 30
_LEAST_SHARED: Final = 0.5

_PAIRS: Final = tuple(
    (JOINT_INDEX[a], JOINT_INDEX[b])
    for a, b in (
        ("left_wrist", "right_wrist"),
        ("left_wrist", "left_pelvis"),
        ("right_wrist", "right_pelvis"),
        ("right_wrist", "right_shoulder"),
        ("right_elbow", "left_shoulder"),
        ("left_elbow", "right_shoulder"),
    )
)


@dataclass(frozen=True)
class Placing:
    """How a recording's own poses lie over the trial's motion: ``X_own = rotation @ X_trial + translation_mm``.

    Attributes
    ----------
    offset_s
        Time on the trial's clock of the recording's first frame.
    rotation, translation_mm
        (3, 3) and (3,) mm.
    error_mm
        Root mean square distance that is left.
    """

    offset_s: float
    rotation: FloatArray
    translation_mm: FloatArray
    error_mm: float


def place(motion: FloatArray, rate_hz: float, poses: FloatArray, fps: float) -> Placing | None:
    """Find when and how a recording's poses are the trial's.

    Parameters
    ----------
    motion
        (F, 18, 3) mm at ``rate_hz``, from time 0 on.
    poses
        (T, 18, 3) mm, frame k at k / ``fps`` after an unknown start.

    Returns
    -------
    Placing or None
        None if they have nothing in common.
    """
    times = np.arange(len(poses)) / fps
    direct = _rigid(at_times(motion, 0.0, rate_hz, times), poses, 0.0, _LEAST_SHARED * min(len(poses), len(motion)))
    if direct is not None and direct.error_mm <= SAME_MM:
        return direct
    own, trial = _distances(poses), _distances(motion)
    if not np.isfinite(own).any() or not np.isfinite(trial).any():
        return direct
    grid = np.arange(int(times[-1] * rate_hz) + 1) / rate_hz
    lag = _best_lag(trial, at_times(own, 0.0, fps, grid))
    if lag is None:
        return direct
    step = 1.0 / rate_hz

    def apart(offset: float) -> float:
        difference = at_times(trial, 0.0, rate_hz, times + offset) - own
        return float(np.nanmean(difference**2)) if np.isfinite(difference).any() else _NOT_AT_ALL

    start = lag * step
    found = minimize_scalar(apart, bounds=(start - 1.5 * step, start + 1.5 * step), method="bounded",
                            options={"xatol": 1e-6})  # fmt: skip
    shifted = _rigid(at_times(motion, 0.0, rate_hz, times + found.x), poses, float(found.x), 2)
    if direct is None or (shifted is not None and shifted.error_mm < _GAIN * direct.error_mm):
        return shifted
    return direct


def _rigid(trial: FloatArray, own: FloatArray, offset_s: float, fewest: float) -> Placing | None:
    """Turn and shift the trial's poses to a recording's own; not at all where that does as well."""
    known = np.isfinite(trial).all(-1) & np.isfinite(own).all(-1)
    if known.any(-1).sum() < max(fewest, 2):
        return None
    a, b = trial[known], own[known]
    centre_a, centre_b = a.mean(0), b.mean(0)
    u, _, vt = np.linalg.svd((a - centre_a).T @ (b - centre_b))
    turn = vt.T @ np.diag([1.0, 1.0, np.sign(np.linalg.det(vt.T @ u.T))]) @ u.T
    shift = centre_b - turn @ centre_a
    same, moved = _rms(a - b), _rms(a @ turn.T + shift - b)
    if same <= SAME_MM or _GAIN * same <= moved:
        return Placing(offset_s, np.eye(3), np.zeros(3), same)
    return Placing(offset_s, turn, shift, moved)


def _rms(difference: FloatArray) -> float:
    return float(np.sqrt((difference**2).sum(-1).mean()))


def _distances(poses: FloatArray) -> FloatArray:
    """(T, P) mm: distances that no turn of the frame changes."""
    return np.stack([np.linalg.norm(poses[:, a] - poses[:, b], axis=-1) for a, b in _PAIRS], -1)


def _best_lag(trial: FloatArray, own: FloatArray) -> int | None:
    """Find how many steps later ``own`` starts: where the mean square difference is least, if they share half."""
    fewest = _LEAST_SHARED * min(len(trial), len(own))
    cost = np.zeros(len(trial) + len(own) - 1)
    count = np.zeros_like(cost)
    for column in range(trial.shape[1]):
        a, b = trial[:, column], own[:, column]
        there, known = np.isfinite(a).astype(float), np.isfinite(b).astype(float)
        centre = np.nanmean(a) if there.any() else 0.0
        a, b = np.where(there > 0, a - centre, 0.0), np.where(known > 0, b - centre, 0.0)
        cost += _correlate(a**2, known) + _correlate(there, b**2) - 2 * _correlate(a, b)
        count += _correlate(there, known)
    enough = count >= max(fewest * trial.shape[1], 2)
    if not enough.any():
        enough = count >= max(0.5 * count.max(), 2)
        if not enough.any():
            return None
    mean = np.where(enough, cost / np.maximum(count, 1), np.inf)
    return int(np.argmin(mean)) - (len(own) - 1)


def _correlate(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(fftconvolve(a, b[::-1], mode="full"))


@dataclass(frozen=True)
class FittedCamera:
    """A camera from poses in 3D and in pixels, and the root mean square reprojection error, px."""

    camera: Camera
    error_px: float


def fit_camera(name: str, poses: FloatArray, pixels: FloatArray, size_px: tuple[int, int]) -> FittedCamera | None:
    """Find the camera that draws 3D poses where the 2D poses are.

    A pinhole with square pixels; with one radial term of the lens where that is needed.

    Parameters
    ----------
    name
        The camera's id.
    poses, pixels
        (T, 18, 3) mm and (T, 18, 2) px of the same frames.
    size_px
        (width, height) of the picture.

    Returns
    -------
    FittedCamera or None
        Its world frame is that of ``poses``. None if they are too few, or no camera does it (mirrored, flat).
    """
    known = np.isfinite(poses).all(-1) & np.isfinite(pixels).all(-1)
    points, px = poses[known], pixels[known]
    if len(points) < _FEWEST_POINTS:
        return None
    chosen = np.unique(np.linspace(0, len(points) - 1, _MOST_POINTS).astype(int))
    start = _direct_linear(points[chosen], px[chosen])
    if start is None:
        return None
    best: FittedCamera | None = None
    for lens in (False, True):
        fitted = _refined(name, start, points[chosen], px[chosen], size_px, lens=lens)
        if fitted is None:
            continue
        error = _rms(fitted.project(points) - px)
        if np.isfinite(error) and (best is None or error < _LENS_GAIN * best.error_px):
            best = FittedCamera(fitted, error)
        if best is not None and best.error_px <= _FINE_PX:
            break
    return best


def _direct_linear(points: FloatArray, px: FloatArray) -> FloatArray | None:
    """Give f, cx, cy, rotation vector, translation / 1000: a first guess from the direct linear transform."""
    centre, scale = points.mean(0), points.std() or 1.0
    middle, spread = px.mean(0), px.std() or 1.0
    x = np.column_stack([(points - centre) / scale, np.ones(len(points))])
    u, v = ((px - middle) / spread).T
    zero = np.zeros_like(x)
    rows = np.vstack([np.hstack([x, zero, -u[:, None] * x]), np.hstack([zero, x, -v[:, None] * x])])
    _, values, vectors = np.linalg.svd(rows, full_matrices=False)
    if values[-2] < 1e-9 * values[0]:
        return None
    back = np.array([[spread, 0, middle[0]], [0, spread, middle[1]], [0, 0, 1]])
    forth = np.vstack([np.column_stack([np.eye(3) / scale, -centre / scale]), [0, 0, 0, 1]])
    projection = back @ vectors[-1].reshape(3, 4) @ forth
    if np.linalg.det(projection[:, :3]) < 0:
        projection = -projection
    matrix, turn = rq(projection[:, :3])
    signs = np.diag(np.sign(np.diag(matrix)))
    matrix, turn = matrix @ signs, signs @ turn
    shift = np.linalg.solve(matrix, projection[:, 3])
    matrix = matrix / matrix[2, 2]
    if not np.isfinite(matrix).all() or np.linalg.det(turn) < 0 or np.median((points @ turn.T + shift)[:, 2]) <= 0:
        return None
    focal = np.sqrt(matrix[0, 0] * matrix[1, 1])
    return np.concatenate([[focal, matrix[0, 2], matrix[1, 2]], Rotation.from_matrix(turn).as_rotvec(), shift / 1000])


def _refined(
    name: str, start: FloatArray, points: FloatArray, px: FloatArray, size_px: tuple[int, int], *, lens: bool
) -> Camera | None:
    first = np.concatenate([start, [0.0]]) if lens else start

    def residuals(values: FloatArray) -> FloatArray:
        local = Rotation.from_rotvec(values[3:6]).apply(points) + values[6:9] * 1000
        plane = local[:, :2] / np.maximum(local[:, 2:], 1.0)
        if lens:
            plane = plane * (1 + values[9] * (plane**2).sum(-1, keepdims=True))
        return np.asarray((values[0] * plane + values[1:3] - px).ravel())

    values = least_squares(residuals, first, x_scale="jac", max_nfev=200).x
    try:
        return Camera(
            name,
            size_px,
            np.array([[values[0], 0, values[1]], [0, values[0], values[2]], [0, 0, 1.0]]),
            OpenCVDistortion((float(values[9]), 0.0, 0.0, 0.0)) if lens else NoDistortion(),
            Rotation.from_rotvec(values[3:6]).as_matrix(),
            values[6:9] * 1000,
            notes=("fitted to the 3D and 2D poses of the release",),
        )
    except ValueError:
        return None
