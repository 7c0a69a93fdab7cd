"""Which frames calibrate a limb: those in which its joints stand most differently from one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.body.geometry import FloatArray
from viodat.body.skeleton.starting_poses import starting_poses
from viodat.body.skeleton.tree import Pose, Tree
from viodat.capture.markers import MarkerTrial

ROM_FRAMES: Final = 110
TRIAL_FRAMES: Final = 40
TRIAL_FRAMES_ALONE: Final = 110
"""Frames of the trial where there is no range-of-motion trial."""

DISTINCT_RAD: Final = 0.35
"""Postures are alike if the turns of all joints, as one vector, differ by less (20 degrees). viodat's choice: soft
tissue errs alike in like postures, and a range-of-motion trial has about twenty that differ, a take a handful."""

_CANDIDATES: Final = 1200
_LEAST_VISIBLE: Final = 0.6


@dataclass(frozen=True)
class CalibrationFrames:
    """Frames of a limb.

    Attributes
    ----------
    pose
        First guess of their poses.
    observed
        (N, M, 3) mm, NaN where missing.
    counts
        How many are of the range-of-motion trial, and of the trial.
    postures
        How many postures among them differ by more than :data:`DISTINCT_RAD` from one another.
    """

    pose: Pose
    observed: FloatArray
    counts: tuple[int, int]
    postures: int


def calibration_frames(
    tree: Tree, centres: FloatArray, trial: MarkerTrial, rom: MarkerTrial | None
) -> CalibrationFrames | None:
    """Choose frames of the range-of-motion trial and of the trial; None if neither shows the limb's root."""
    poses, markers, counts = [], [], []
    wanted = (ROM_FRAMES, TRIAL_FRAMES) if rom is not None else (0, TRIAL_FRAMES_ALONE)
    for source, count in zip((rom, trial), wanted, strict=True):
        chosen = _of_trial(tree, centres, source, count) if source is not None else None
        counts.append(len(chosen[0]) if chosen else 0)
        if chosen:
            poses.append(chosen[0])
            markers.append(chosen[1])
    if not poses:
        return None
    pose = Pose(np.concatenate([p.root for p in poses]), np.concatenate([p.rotation for p in poses]))
    posture = _posture(tree, pose)
    return CalibrationFrames(pose, np.concatenate(markers), (counts[0], counts[1]), distinct(posture, DISTINCT_RAD))


def _of_trial(tree: Tree, centres: FloatArray, trial: MarkerTrial, count: int) -> tuple[Pose, FloatArray] | None:
    stride = max(trial.n_frames // _CANDIDATES, 1)
    observed = np.stack([trial.marker(label) for label in tree.labels], axis=1)[::stride]
    visible = np.isfinite(observed).all(axis=-1).mean(axis=1) >= _LEAST_VISIBLE
    pose = starting_poses(tree, centres, observed)
    if pose is None or not visible.any():
        return None
    frames = np.flatnonzero(visible)
    kept = frames[farthest(_posture(tree, pose)[frames], count)]
    return pose[kept], observed[kept]


def _posture(tree: Tree, pose: Pose) -> FloatArray:
    """(N, 3(S - 1)) rad: the turn of each segment on its parent."""
    turns = tree.turns(pose)
    return np.concatenate([turns[parent, s] for s, parent in enumerate(tree.parents) if parent >= 0], axis=-1)


def distinct(points: FloatArray, radius: float) -> int:
    """How many of (N, K) points can be picked, each time the farthest, until none is farther than ``radius``."""
    count, distance = 1, np.sum((points - points[0]) ** 2, axis=1)
    while distance.max() > radius**2:
        distance = np.minimum(distance, np.sum((points - points[np.argmax(distance)]) ** 2, axis=1))
        count += 1
    return count


def farthest(points: FloatArray, count: int) -> NDArray[np.int64]:
    """Pick at most ``count`` of (N, K) points, each the farthest from those before it (Gonzalez 1985); give indices."""
    if len(points) <= count:
        return np.arange(len(points))
    chosen = [0]
    distance = np.sum((points - points[0]) ** 2, axis=1)
    while len(chosen) < count:
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.sum((points - points[chosen[-1]]) ** 2, axis=1))
    return np.sort(np.array(chosen))
