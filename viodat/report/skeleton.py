"""A pose drawn on a picture: bones as anti-aliased lines with a dark rim, joints as discs.

Pixels follow OpenCV: (0, 0) is the centre of the top-left pixel, x right, y down. Joints are the 18 of
:data:`viodat.joints.JOINTS`, bones those of :data:`viodat.joints.BONES`. Colours are (red, green, blue).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from viodat.joints import BONES, JOINT_INDEX, JOINTS

Image = NDArray[np.uint8]
Rgb = tuple[int, int, int]

_RIM: Final[Rgb] = (20, 20, 20)
_SUBPIXEL_BITS: Final = 4
_FURTHEST: Final = 10.0


@dataclass(frozen=True)
class SideColours:
    """Colours of the left side, the right side, and the bones that join both."""

    left: Rgb
    right: Rgb
    middle: Rgb


def rgb(colour: str) -> Rgb:
    """(red, green, blue) of a colour written ``#RRGGBB``."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def draw_skeleton(
    image: Image,
    px: NDArray[np.floating],
    *,
    colour: Rgb | SideColours,
    valid: NDArray[np.bool_] | None = None,
    scale: float = 1.0,
) -> Image:
    """Draw one pose on a copy of a picture.

    Parameters
    ----------
    image
        (H, W, 3) uint8, RGB.
    px
        (18, 2) px, NaN where a joint is missing. A joint further than ten picture sizes from the picture
        counts as missing; one just outside still directs its bones.
    colour
        One colour, or one per side of the body.
    valid
        (18,) bool; joints that are False are not drawn, nor their bones. All if None.
    scale
        Line widths grow with the picture's size; this factor makes them thicker or thinner still.

    Returns
    -------
    (H, W, 3) uint8 array
        The picture with the pose; the input is not changed.

    Raises
    ------
    ValueError
        If an array has another shape or type.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"image: expected (H, W, 3) uint8, got {image.shape} {image.dtype}")
    if px.shape != (len(JOINTS), 2):
        raise ValueError(f"px: expected shape ({len(JOINTS)}, 2), got {px.shape}")
    if valid is not None and valid.shape != (len(JOINTS),):
        raise ValueError(f"valid: expected shape ({len(JOINTS)},), got {valid.shape}")

    canvas = np.ascontiguousarray(image).copy()
    height, width = canvas.shape[:2]
    near = np.isfinite(px).all(axis=1) & (np.abs(np.nan_to_num(px)) <= _FURTHEST * max(height, width)).all(axis=1)
    shown = near if valid is None else near & valid
    at = np.rint(np.where(shown[:, None], px, 0.0) * (1 << _SUBPIXEL_BITS)).astype(np.int64)
    points = [(int(x), int(y)) for x, y in at]
    unit = scale * float(np.hypot(height, width)) / 1000
    thick = max(1, round(3.2 * unit))
    rim = thick + 2 * max(1, round(0.8 * unit))
    radius = max(1, round(3.8 * unit * (1 << _SUBPIXEL_BITS)))

    bones = [(JOINT_INDEX[a], JOINT_INDEX[b]) for a, b in BONES]
    bones = [(a, b) for a, b in bones if shown[a] and shown[b]]
    for a, b in bones:
        cv2.line(canvas, points[a], points[b], _RIM, rim, cv2.LINE_AA, _SUBPIXEL_BITS)
    for a, b in bones:
        cv2.line(canvas, points[a], points[b], _bone_colour(colour, a, b), thick, cv2.LINE_AA, _SUBPIXEL_BITS)
    edge = max(1, round(0.8 * unit)) << _SUBPIXEL_BITS
    for joint in np.flatnonzero(shown).tolist():
        centre, fill = points[joint], _bone_colour(colour, joint, joint)
        cv2.circle(canvas, centre, radius + edge, _RIM, cv2.FILLED, cv2.LINE_AA, _SUBPIXEL_BITS)
        cv2.circle(canvas, centre, radius, fill, cv2.FILLED, cv2.LINE_AA, _SUBPIXEL_BITS)
    return canvas


def _bone_colour(colour: Rgb | SideColours, a: int, b: int) -> Rgb:
    if not isinstance(colour, SideColours):
        return colour
    sides = {JOINTS[a].split("_")[0], JOINTS[b].split("_")[0]}
    if len(sides) > 1:
        return colour.middle
    return colour.left if sides == {"left"} else colour.right
