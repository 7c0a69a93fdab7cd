"""The least-squares problem behind :mod:`viodat.camera.resection`: a pose, a lateness, and a constant for each joint.

Residuals are detected − projected(pose, time) − constant, in px of the distorted picture. Gauss-Newton with
Levenberg's damping, Student-t weights against outliers (Lange, Little and Taylor 1989, JASA 84, 881-896), normal priors
on constants, time and place. A pose to start from comes from SQPnP within RANSAC (Terzakis and Lourakis 2020, ECCV;
OpenCV).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from viodat.camera.model import Camera
from viodat.camera.sightings import LEAST_SIGHTINGS, Sightings

FloatArray = NDArray[np.float64]

LASTING_S: Final = 3.0
"""How long a detector's error of one joint lasts; so a long recording is not taken for a sure one."""

BIAS_MM: Final = 30.0
"""Standard deviation, per axis, of the constant by which a detector's point lies beside its joint centre."""

MOVED_SIGMA_MM: Final = 100.0
"""Of a camera that had a pose: how far somebody who knocks it moves it, per axis. How far it turns is left open."""

LATE_SIGMA_S: Final = 0.03
"""Standard deviation of the time by which the pictures' times are late, beforehand."""

_FOCAL_SIGMA: Final = 0.15
"""Of the logarithm of a focal length that is guessed from the picture's size."""

_MOST_FRAMES: Final = 150
_FREEDOM: Final = 4.0
_LEAST_NOISE_PX: Final = 0.5
_ITERATIONS: Final = 40
_STEP: Final = 1e-5
FAR_SHARE: Final = 0.03
"""Of the picture's longer side: a start that leaves more, in the median, is not the right one."""


@dataclass(frozen=True, eq=False)
class State:
    """A camera, a lateness (s) and the joints' constants (J, 2) px."""

    camera: Camera
    late_s: float
    bias: FloatArray

    def moved(self, step: FloatArray, focal: bool) -> State:
        """Turn by ``step[:3]`` rad (camera axes), shift by ``step[3:6]`` m (world), and so on."""
        camera, joints = self.camera, len(self.bias)
        rotation = Rotation.from_rotvec(step[:3]).as_matrix() @ camera.rotation
        matrix = camera.matrix
        if focal:
            matrix = matrix * np.array([[np.exp(step[7])] * 2 + [1.0]] * 2 + [[1.0] * 3])
        centre = camera.centre_mm + 1000 * step[3:6]
        turned = replace(camera, matrix=matrix, rotation=rotation, translation_mm=-rotation @ centre)
        return State(turned, self.late_s + step[6], self.bias + step[7 + focal :].reshape(joints, 2))


@dataclass(frozen=True, eq=False)
class Problem:
    """What is fitted, thinned to some hundred frames: (N, J) each, 0 weight where something is missing."""

    sightings: Sightings
    rows: NDArray[np.int64]
    px: FloatArray
    weight: FloatArray
    count: FloatArray
    bias_sigma_px: float
    focal: bool
    reference: Camera
    shift_precision: float

    @classmethod
    def of(cls, camera: Camera, sightings: Sightings, has_pose: bool, focal: bool) -> Problem:
        """Make the problem of a camera; ``has_pose`` says that it stood where it says, or near."""
        known = sightings.known
        frames = np.flatnonzero(known.any(axis=1))
        rows = frames[:: -(-len(frames) // _MOST_FRAMES)]
        weight = np.where(known, sightings.weight, 0.0)[rows]
        # A joint's sightings count as often as the detector's errors are fresh in them.
        seconds = float(sightings.times_s[rows[-1]] - sightings.times_s[rows[0]])
        share = np.minimum(1.0, (1 + seconds / LASTING_S) / np.maximum((weight > 0).sum(axis=0), 1))
        extent = np.nanmedian(np.linalg.norm(np.nanstd(sightings.px[rows], axis=1), axis=-1))
        size_mm = np.nanmedian(np.linalg.norm(np.nanstd(sightings.points_mm[rows], axis=1), axis=-1))
        bias_sigma = BIAS_MM * float(extent / max(size_mm, 1.0))
        precision = (MOVED_SIGMA_MM / 1000) ** -2 if has_pose else 0.0
        px = np.where(known[rows][..., None], sightings.px[rows], 0.0)
        return cls(sightings, rows, px, weight * share, known.sum(axis=0), bias_sigma, focal, camera, precision)

    def points(self, late_s: float) -> FloatArray:
        """(N, J, 3) mm: the points when the pictures were really taken, ``late_s`` before their times."""
        times = self.sightings.times_s
        at = times[self.rows] - late_s
        last = np.clip(np.searchsorted(times, at), 1, len(times) - 1)
        share = ((at - times[last - 1]) / (times[last] - times[last - 1]))[:, None, None]
        places = self.sightings.points_mm
        return np.asarray((1 - share) * places[last - 1] + share * places[last])

    def residuals(self, state: State) -> FloatArray:
        """(N, J, 2) px, NaN where the camera cannot have drawn the point."""
        drawn = state.camera.project(self.points(state.late_s))
        return np.asarray(self.px - drawn - state.bias)

    def priors(self, state: State) -> tuple[FloatArray, FloatArray]:
        """Values of what has a prior and its precision, in the order of the parameters."""
        shift_m = (state.camera.centre_mm - self.reference.centre_mm) / 1000
        values: list[ArrayLike] = [np.zeros(3), shift_m, [state.late_s]]
        precision: list[ArrayLike] = [np.zeros(3), np.full(3, self.shift_precision), [LATE_SIGMA_S**-2]]
        if self.focal:
            values.append([float(np.log(state.camera.matrix[0, 0] / self.reference.matrix[0, 0]))])
            precision.append([_FOCAL_SIGMA**-2])
        values.append(state.bias.ravel())
        precision.append(np.full(state.bias.size, self.bias_sigma_px**-2))
        return (
            np.concatenate([np.asarray(part) for part in values]),
            np.concatenate([np.asarray(part) for part in precision]),
        )


@dataclass(frozen=True, eq=False)
class Solution:
    """What was found.

    Attributes
    ----------
    state
        Camera, lateness and constants.
    covariance
        (P, P) of turn (rad), shift (m), lateness (s), logarithm of the focal length if sought, and constants (px).
    robust
        (N, J) weights that the sightings had in the end.
    cost
        Negative logarithm of the posterior, up to a constant.
    median_px
        Median distance of sightings from what is drawn.
    """

    state: State
    covariance: FloatArray
    robust: FloatArray
    cost: float
    median_px: float


def solve(problem: Problem, start: Camera) -> Solution | None:
    """Minimise from a start; None where too little is before the camera, or does not determine it."""
    try:
        return _minimised(problem, start)
    except np.linalg.LinAlgError:
        return None


def _minimised(problem: Problem, start: Camera) -> Solution | None:
    state = State(start, 0.0, np.zeros((problem.px.shape[1], 2)))
    noise = np.inf
    damping, cost, normal = 1e-3, np.inf, np.empty((0, 0))
    robust = np.zeros_like(problem.weight)
    for _ in range(_ITERATIONS):
        left = problem.residuals(state)
        squared = np.square(left).sum(-1)
        used = (problem.weight > 0) & np.isfinite(squared)
        if used.sum() < LEAST_SIGHTINGS / 2:
            return None
        # The scale follows the fit downwards only, so that the cost can settle.
        noise = min(noise, max(float(np.sqrt(np.median(squared[used]) / 1.386)), _LEAST_NOISE_PX))
        cost = _cost(problem, state, squared, noise)
        robust = np.where(used, problem.weight * (_FREEDOM + 2) / (_FREEDOM + squared / noise**2), 0.0)
        jacobian = _jacobian(problem, state, left)
        weighted = jacobian * (robust / noise**2)[..., None, None]
        normal = np.einsum("njcp,njcq->pq", weighted, jacobian)
        gradient = np.einsum("njcp,njc->p", weighted, np.nan_to_num(left))
        values, precision = problem.priors(state)
        normal += np.diag(precision)
        gradient += precision * values
        step, better = np.zeros(len(values)), False
        for _ in range(8):
            step = -np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-9), gradient)
            moved = state.moved(step, problem.focal)
            again = np.square(problem.residuals(moved)).sum(-1)
            better = _cost(problem, moved, again, noise) <= cost
            damping = max(damping * (0.1 if better else 10.0), 1e-12)
            if better:
                state = moved
                break
        if not better or float(np.sqrt(step @ normal @ step)) < 1e-3:
            break
    covariance = np.asarray(np.linalg.inv(normal), dtype=np.float64)
    squared = np.square(problem.residuals(state)).sum(-1)
    median_px = float(np.sqrt(np.median(squared[(problem.weight > 0) & np.isfinite(squared)])))
    return Solution(state, covariance, robust, _cost(problem, state, squared, noise), median_px)


def _cost(problem: Problem, state: State, squared: FloatArray, noise: float) -> float:
    """Negative logarithm of the posterior, up to a constant; a point that cannot be drawn counts as far away."""
    far = max(problem.reference.size_px)
    each = np.log1p(np.where(np.isfinite(squared), squared, far**2) / (_FREEDOM * noise**2))
    values, precision = problem.priors(state)
    return float(0.5 * (_FREEDOM + 2) * (problem.weight * each).sum() + 0.5 * (precision * values**2).sum())


def _jacobian(problem: Problem, state: State, left: FloatArray) -> FloatArray:
    """(N, J, 2, P) change of the residuals with the parameters; 0 where they are missing."""
    own, joints = 7 + problem.focal, len(state.bias)
    out = np.zeros((*left.shape, own + 2 * joints))
    for k in range(own):
        step = np.zeros(own + 2 * joints)
        step[k] = _STEP
        out[..., k] = (problem.residuals(state.moved(step, problem.focal)) - left) / _STEP
    for j in range(joints):
        for c in range(2):
            out[:, j, c, own + 2 * j + c] = -1.0
    return np.where(np.isfinite(out), out, 0.0)


def starts(camera: Camera, problem: Problem, focal: bool) -> list[Camera]:
    """Poses from SQPnP within RANSAC, for one focal length or several."""
    import cv2

    points, used = problem.points(0.0), problem.weight > 0
    used &= np.isfinite(points).all(-1)
    found: list[Camera] = []
    for factor in (0.8, 1.0, 1.25) if focal else (1.0,):
        scaled = replace(camera, matrix=camera.matrix * np.array([[factor, factor, 1.0]] * 2 + [[1.0] * 3]))
        ideal = scaled.undistort(problem.px)
        good = used & np.isfinite(ideal).all(-1)
        if good.sum() < LEAST_SIGHTINGS / 2:
            continue
        ok, turn, shift, _ = cv2.solvePnPRansac(
            np.ascontiguousarray(points[good]),
            np.ascontiguousarray(ideal[good]),
            scaled.matrix,
            None,
            reprojectionError=FAR_SHARE * max(camera.size_px),
            iterationsCount=300,
            flags=cv2.SOLVEPNP_SQPNP,
        )
        if ok:
            rotation = Rotation.from_rotvec(turn.ravel()).as_matrix()
            found.append(replace(scaled, rotation=rotation, translation_mm=shift.ravel()))
    return found
