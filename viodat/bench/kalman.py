"""A Kalman filter over predicted poses: joints move with constant acceleration, and all that is predicted is observed.

VioPose's published numbers have it on, so they are to be compared with filtered predictions, and the other models'
with filtered ones as well. Its covariances do not depend on what is seen: the gains follow from the rate and a
joint's weight alone, and are the same for its three axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viodat.bench.compiled import compiled
from viodat.bench.joint_sets import VIODAT18, JointSet
from viodat.errors import MetricError

Float64 = NDArray[np.float64]

RATE_HZ: Final = 30.0
"""Rate whose frames velocities and accelerations are counted in."""

WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "ankle": 10.0,
        "elbow": 1.0,
        "pelvis": 0.1,
        "knee": 1.0,
        "shoulder": 0.1,
        "wrist": 10.0,
        "index": 10.0,
        "pinky": 10.0,
        "thumb": 10.0,
    }
)
"""VioPose's variance of process and of measurement, by joint without its side."""
_DEFAULT_WEIGHT: Final = 1.0


def kalman(
    pose: ArrayLike,
    velocity: ArrayLike | None,
    acceleration: ArrayLike | None,
    rate_hz: float,
    weights: Mapping[str, float] = WEIGHTS,
    joints: JointSet = VIODAT18,
) -> Float64:
    """Filter a recording's predicted poses, forward in time.

    Parameters
    ----------
    pose
        (T, J, 3) mm.
    velocity, acceleration
        (T, J, 3) mm per frame and per frame², as the model predicts them. None: the differences of ``pose``, forward,
        their last values repeated: as VioPose's targets are made from the truth. So a model that predicts poses alone
        goes through the same filter; it sees two frames ahead then.
    rate_hz
        Of the frames; a step is 30 / ``rate_hz``.
    weights
        Variance by joint without its side (``wrist``); 1 for joints that are not among them.
    joints
        The J joints.

    Returns
    -------
    ndarray
        (T, J, 3) mm. The first frame is as it was given; where a frame is not finite, neither are those after it.

    Raises
    ------
    MetricError
        Shapes differ, there are fewer than 3 frames to take differences of, or ``rate_hz`` is not above 0.

    Notes
    -----
    Per joint and axis the state is x = (position, velocity, acceleration), F = [[1, d, d²/2], [0, 1, d], [0, 0, 1]],
    Q = R = w I, P[0] = I, x[0] = z[0]; for t ≥ 1: P⁻ = F P Fᵀ + Q, K = P⁻ (P⁻ + R)⁻¹, x = F x + K (z - F x),
    P = (I - K) P⁻.
    """
    seen = np.asarray(pose, dtype=np.float64)
    if seen.ndim != 3 or seen.shape[1:] != (len(joints), 3):
        raise MetricError(f"expected poses (T, {len(joints)}, 3), but got {seen.shape}")
    if not rate_hz > 0:
        raise MetricError(f"expected a rate above 0 Hz, but got {rate_hz}")
    if (velocity is None or acceleration is None) and 0 < len(seen) < 3:
        raise MetricError(f"expected 3 frames or more to take differences of, but got {len(seen)}")
    if not len(seen):
        return seen.copy()
    moved = _differences(seen, 1) if velocity is None else np.asarray(velocity, dtype=np.float64)
    bent = _differences(seen, 2) if acceleration is None else np.asarray(acceleration, dtype=np.float64)
    for name, values in (("velocity", moved), ("acceleration", bent)):
        if values.shape != seen.shape:
            raise MetricError(f"expected {name} of the poses' shape {seen.shape}, but got {values.shape}")
    by_joint = joints.weights(weights, _DEFAULT_WEIGHT)
    different = sorted(set(by_joint))
    step = RATE_HZ / rate_hz
    gains = np.stack([_gains(weight, step, len(seen)) for weight in different])
    which = np.array([different.index(weight) for weight in by_joint])
    observed = np.stack([seen, moved, bent], axis=-1)
    filtered = np.empty_like(seen)
    _filter(observed, gains, which, _motion(step), filtered)
    return filtered


def _differences(values: Float64, order: int) -> Float64:
    found = np.diff(values, order, axis=0)
    return np.concatenate([found, found[-order:] if len(found) >= order else np.repeat(found[-1:], order, axis=0)])


def _motion(step: float) -> Float64:
    return np.array([[1.0, step, step**2 / 2], [0.0, 1.0, step], [0.0, 0.0, 1.0]])


def _gains(weight: float, step: float, frames: int) -> Float64:
    """Give (T, 3, 3) gains; those of the first frame are not used."""
    motion, noise = _motion(step), weight * np.eye(3)
    covariance = np.eye(3)
    gains = np.zeros((frames, 3, 3))
    for t in range(1, frames):
        before = motion @ covariance @ motion.T + noise
        gains[t] = np.linalg.solve(before + noise, before).T
        covariance = before - gains[t] @ before
        if t > 1 and np.array_equal(gains[t], gains[t - 1]):
            # It has come to rest.
            gains[t:] = gains[t]
            break
    return gains


@compiled
def _filter(observed: Any, gains: Any, which: Any, motion: Any, filtered: Any) -> None:
    frames, joints, axes, _ = observed.shape
    for j in range(joints):
        for axis in range(axes):
            x0, x1, x2 = observed[0, j, axis, 0], observed[0, j, axis, 1], observed[0, j, axis, 2]
            filtered[0, j, axis] = x0
            for t in range(1, frames):
                gain = gains[which[j], t]
                x0 = x0 + motion[0, 1] * x1 + motion[0, 2] * x2
                x1 = x1 + motion[1, 2] * x2
                e0 = observed[t, j, axis, 0] - x0
                e1 = observed[t, j, axis, 1] - x1
                e2 = observed[t, j, axis, 2] - x2
                x0 += gain[0, 0] * e0 + gain[0, 1] * e1 + gain[0, 2] * e2
                x1 += gain[1, 0] * e0 + gain[1, 1] * e1 + gain[1, 2] * e2
                x2 += gain[2, 0] * e0 + gain[2, 1] * e1 + gain[2, 2] * e2
                filtered[t, j, axis] = x0
