"""From what a detector says about everybody in the picture to the keypoints of the performer.

The common last step of every source: clean the points, follow one person
(:func:`viodat.pose2d.tracking.choose_person`), take the 18 joints.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viodat.errors import CaptureError
from viodat.joints import JOINT_INDEX, MIRROR
from viodat.pose2d.keypoints import Keypoints, cleaned
from viodat.pose2d.layouts import LAYOUTS, to_joints
from viodat.pose2d.tracking import choose_person

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MOST_PEOPLE = 64
"""More detections in one frame than this are damage or a crowd in which nobody can be followed."""

_SWAP_STEP = 0.05
"""A step shorter than this share of the body's size is too small to tell an exchange of sides by."""


def performer(
    points_px: FloatArray,
    confidence: FloatArray | None,
    layout: str,
    *,
    where: Path | str,
    source: str,
    pts: IntArray | None = None,
    frame: IntArray | None = None,
    image_size_px: tuple[int, int] | None = None,
    fingers: tuple[FloatArray, FloatArray] | None = None,
    notes: tuple[str, ...] = (),
) -> Keypoints:
    """Choose the performer among detected people and take the 18 joints.

    Parameters
    ----------
    points_px, confidence
        (N, P, K, 2) px and (N, P, K) (or None): up to P people in each of N frames, as the detector wrote
        them (:func:`viodat.pose2d.keypoints.cleaned` says what counts as missing).
    layout
        Name of the list of K points.
    where
        The file, for messages.
    fingers
        Points and confidences of hands found apart from the body, (N, P, 18, 2) and (N, P, 18) in the order
        of the joints, NaN but for fingers; they fill joints that the layout lacks.
    source, pts, frame, image_size_px, notes
        As in :class:`~viodat.pose2d.keypoints.Keypoints`.

    Raises
    ------
    CaptureError
        More than 64 people in a frame, or a coordinate beyond any picture.
    """
    if points_px.shape[1] > MOST_PEOPLE:
        raise CaptureError(
            f"{points_px.shape[1]} people in one frame; expected at most {MOST_PEOPLE}",
            where=where,
            mend="Keep the detections that can be the performer.",
        )
    points, rated, said = cleaned(points_px, confidence, where=where)
    choice = choose_person(points, rated)
    px, own_rated = to_joints(_own(points, choice.index), _own(rated, choice.index), layout)
    if fingers is not None:
        finger_px, finger_rated, _ = cleaned(*fingers, where=where)
        extra = _own(finger_px, choice.index)
        fill = np.isnan(px).any(axis=-1) & np.isfinite(extra).all(axis=-1)
        px[fill], own_rated[fill] = extra[fill], _own(finger_rated, choice.index)[fill]
    all_notes = [*notes, *said, *choice.notes]
    seen = np.asarray(np.isfinite(px).all(axis=-1))
    absent = [joint for joint in LAYOUTS[layout].absent if not seen[:, JOINT_INDEX[joint]].any()]
    if absent:
        all_notes.append(f"layout {layout} has no {', '.join(absent)}: missing throughout")
    swaps = _side_swaps(px)
    if swaps:
        all_notes.append(f"left and right change places {swaps} times between frames: left as detected")
    if not seen.any():
        all_notes.append(f"nobody was detected in any of {px.shape[0]} frames")
    return Keypoints(px, own_rated, pts, frame, image_size_px, layout, source, tuple(all_notes))


def _side_swaps(px: FloatArray) -> int:
    """Count the steps between frames that are far shorter with left and right exchanged."""
    known = px[np.isfinite(px).any(axis=(1, 2))]
    if known.shape[0] < 2:
        return 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        size = np.hypot(*(np.nanmax(known, axis=1) - np.nanmin(known, axis=1)).T)[:-1]
        straight = np.nanmedian(np.linalg.norm(known[1:] - known[:-1], axis=-1), axis=-1)
        crossed = np.nanmedian(np.linalg.norm(known[1:] - known[:-1][:, list(MIRROR)], axis=-1), axis=-1)
    return int(((straight > _SWAP_STEP * size) & (crossed < 0.5 * straight)).sum())


def _own(values: FloatArray, index: IntArray) -> FloatArray:
    """Take the chosen person out of axis 1: (N, P, ...) -> (N, ...), NaN where the index is -1."""
    if values.shape[1] == 0:
        return np.full((values.shape[0], *values.shape[2:]), np.nan)
    chosen = np.array(values[np.arange(values.shape[0]), np.maximum(index, 0)])
    chosen[index < 0] = np.nan
    return chosen
