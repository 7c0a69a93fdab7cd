"""Pictures without faces: only the player's body below the shoulders stays sharp, all else is made unrecognisable.

The 18 joints have no head, and a room has other people in it. So nothing is searched for: what is known to be the
player's body is kept, less a generous place for the head, and everything else is averaged over blocks of a third of a
head. That cannot be undone, since nothing of the picture but the averages is left. A body is known only where a
detector saw it in the picture itself; projected joints lie beside the player when a clock is wrong or a phone was
knocked, so they may take from what is kept, never add. Without detected shoulders the whole picture is averaged.

Pixels follow OpenCV: (0, 0) is the centre of the top left pixel.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from viodat.joints import JOINTS

Image = NDArray[np.uint8]
FloatArray = NDArray[np.float64]

_LENGTHS_M: Final = {
    ("shoulder", "elbow"): 0.29,
    ("elbow", "wrist"): 0.25,
    ("shoulder", "pelvis"): 0.48,
    ("pelvis", "knee"): 0.42,
    ("knee", "ankle"): 0.42,
}
"""Of an adult. Seen at an angle a segment is shorter, so the longest, for its length, tells the scale."""
_SHOULDERS_M: Final = 0.34
_LIMB_M: Final = 0.16
_HEAD_ABOVE_M: Final = 0.35
_HEAD_RADIUS_M: Final = 0.25
"""Head, hair, and how far it leans towards the instrument: all that is nearer than this to the line from the middle of
the shoulders upward."""
_HEAD_M: Final = 0.24
_BLOCKS_PER_HEAD: Final = 3
_BLOCKS_UNKNOWN: Final = 12
"""Blocks along the longer side where the size of a head is not known: it may fill the picture."""
_HANDS: Final = ("index", "pinky", "thumb")


def blur_faces(image: Image, pose2d_px: FloatArray | None, detected_px: FloatArray | None) -> Image:
    """Make everybody in a picture unrecognisable.

    Parameters
    ----------
    image
        (H, W, 3) uint8.
    pose2d_px
        (18, 2) px of ``image``, projected joints, NaN where missing; or None.
    detected_px
        (18, 2) px of ``image``, joints that a detector found in it, NaN where missing; or None.

    Returns
    -------
    (H, W, 3) uint8 array
        Sharp where both sets of joints (or the detected, if no projected joint is known) have the player's trunk below
        the shoulders, arms or legs, and neither can have the head.

    Raises
    ------
    ValueError
        If the picture is not (H, W, 3) uint8 with at least one pixel, or joints are not (18, 2).
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"image: expected (H, W, 3) uint8, got {image.shape} {image.dtype}")
    size = image.shape[:2]
    seen, projected = _known(detected_px, "detected_px"), _known(pose2d_px, "pose2d_px")
    scale = _scale(seen) if seen is not None else None
    if seen is None or scale is None:
        return _averaged(image, max(size) / _BLOCKS_UNKNOWN)
    # Nearer than this the head alone fills half the picture.
    scale = min(scale, 2.0 * max(size))
    hidden = _averaged(image, scale * _HEAD_M / _BLOCKS_PER_HEAD)
    keep = _body(size, seen, scale) & ~_head(size, seen, scale)
    if projected is not None:
        keep &= _body(size, projected, scale) & ~_head(size, projected, scale)
    return np.where(keep[..., None], image, hidden)


def _known(joints: FloatArray | None, name: str) -> FloatArray | None:
    """Give joints with NaN where either coordinate is missing; None where none is known."""
    if joints is None:
        return None
    points = np.array(joints, np.float64)
    if points.shape != (len(JOINTS), 2):
        raise ValueError(f"{name}: expected shape ({len(JOINTS)}, 2), but got {points.shape}")
    points[~np.isfinite(points).all(1)] = np.nan
    return points if np.isfinite(points).any() else None


def _at(joints: FloatArray, name: str) -> FloatArray:
    return np.asarray(joints[JOINTS.index(name)])


def _scale(joints: FloatArray) -> float | None:
    """Pixels per metre at the player; None where no shoulder is known, or nothing that tells it."""
    left, right = _at(joints, "left_shoulder"), _at(joints, "right_shoulder")
    ratios = [float(np.linalg.norm(left - right)) / _SHOULDERS_M]
    for side in ("left", "right"):
        for (a, b), metres in _LENGTHS_M.items():
            distance = np.linalg.norm(_at(joints, f"{side}_{a}") - _at(joints, f"{side}_{b}"))
            ratios.append(float(distance) / metres)
    known = [ratio for ratio in ratios if np.isfinite(ratio)]
    if not np.isfinite([left, right]).all(1).any() or not known or max(known) <= 0:
        return None
    return max(known)


def _body(size: tuple[int, int], joints: FloatArray, scale: float) -> NDArray[np.bool_]:
    """Where trunk, arms and legs are."""
    mask = np.zeros(size, np.uint8)
    width = max(1, round(_LIMB_M * scale))
    trunk = [_at(joints, name) for name in ("left_shoulder", "right_shoulder", "right_pelvis", "left_pelvis")]
    if np.isfinite(trunk).all():
        cv2.fillConvexPoly(mask, cv2.convexHull(_whole(np.array(trunk), size)), 1)
    for side in ("left", "right"):
        pairs = [*_LENGTHS_M, *(("wrist", finger) for finger in _HANDS)]
        for a, b in pairs:
            ends = np.array([_at(joints, f"{side}_{a}"), _at(joints, f"{side}_{b}")])
            if np.isfinite(ends).all():
                start, end = _whole(ends, size).tolist()
                cv2.line(mask, start, end, 1, width)
    return mask > 0


def _head(size: tuple[int, int], joints: FloatArray, scale: float) -> NDArray[np.bool_]:
    """Where the head can be; everywhere if no shoulder is known."""
    shoulders = np.array([_at(joints, "left_shoulder"), _at(joints, "right_shoulder")])
    seen = np.isfinite(shoulders).all(1)
    if not seen.any():
        return np.ones(size, bool)
    middle = shoulders[seen].mean(0)
    hips = np.array([_at(joints, "left_pelvis"), _at(joints, "right_pelvis")])
    hips = hips[np.isfinite(hips).all(1)]
    up = middle - hips.mean(0) if len(hips) else np.array([0.0, -1.0])
    length = float(np.linalg.norm(up))
    # Bent towards the camera, the trunk is short and its direction means little.
    up = up / length if length > 0.5 * _LENGTHS_M["shoulder", "pelvis"] * scale else np.array([0.0, -1.0])
    radius = _HEAD_RADIUS_M + (0.0 if seen.all() else _SHOULDERS_M / 2)
    mask = np.zeros(size, np.uint8)
    start, end = _whole(np.array([middle, middle + up * _HEAD_ABOVE_M * scale]), size).tolist()
    cv2.line(mask, start, end, 1, max(1, round(2 * radius * scale)))
    return mask > 0


def _whole(points: FloatArray, size: tuple[int, int]) -> NDArray[np.int32]:
    """Round, and bring far away points to where drawing still works."""
    reach = 4 * max(size)
    return np.asarray(np.rint(np.clip(points, -reach, reach)), dtype=np.int32)


def _averaged(image: Image, block_px: float) -> Image:
    """Average over blocks, with straight lines from one to the next."""
    height, width = image.shape[:2]
    block = max(2, int(np.ceil(block_px)))
    small = cv2.resize(image, (-(-width // block), -(-height // block)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
