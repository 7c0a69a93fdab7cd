"""Camera pictures of a take sheet: cropped to the player, scaled to a tile, both skeletons on top.

Pixels follow OpenCV: (0, 0) is the centre of the top-left pixel. A tile shows the player as large as it can:
the projected pose (the detected one where there is none) with a margin decides what part of it is kept.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from viodat.report.skeleton import Image, SideColours, draw_skeleton, rgb
from viodat.report.style import DETECTED, LEFT, RIGHT

FloatArray = NDArray[np.float64]

TRUTH_COLOURS: Final = SideColours(left=rgb(LEFT), right=rgb(RIGHT), middle=(235, 235, 235))
DETECTED_COLOUR: Final = rgb(DETECTED)

_MARGIN: Final = 1.35
_LEAST_SHARE: Final = 0.3
_PAPER: Final = 238


def draw_tile(image: Image, truth_px: FloatArray, detected_px: FloatArray, size: tuple[int, int]) -> Image:
    """Make the picture of one tile.

    Parameters
    ----------
    image
        (H, W, 3) uint8, RGB.
    truth_px, detected_px
        (18, 2) px of ``image``, NaN where missing: joints projected from 3D, and found by a detector.
    size
        Width and height of the tile in pixels.

    Returns
    -------
    (height, width, 3) uint8 array
        Where the crop reaches beyond the picture, the tile is light grey.

    Raises
    ------
    ValueError
        If the picture is not (H, W, 3) uint8 with at least one pixel.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"image: expected (H, W, 3) uint8, got {image.shape} {image.dtype}")
    width, height = size
    left, top, crop_width, crop_height = crop_box(image.shape[1], image.shape[0], truth_px, detected_px, width / height)
    zoom = width / crop_width
    x0, x1 = max(0, int(np.floor(left))), min(image.shape[1], int(np.ceil(left + crop_width)))
    y0, y1 = max(0, int(np.floor(top))), min(image.shape[0], int(np.ceil(top + crop_height)))
    part = np.ascontiguousarray(image[y0:y1, x0:x1])
    if zoom < 1:
        # Shrink by area first: an affine warp alone would pick single pixels and flicker with detail.
        shrunk = max(1, round(part.shape[1] * zoom)), max(1, round(part.shape[0] * zoom))
        part = cv2.resize(part, shrunk, interpolation=cv2.INTER_AREA)
    scale_x, scale_y = part.shape[1] / (x1 - x0), part.shape[0] / (y1 - y0)
    # Edges of pixels scale about zero; the centre of pixel 0 is half a pixel from its edge.
    grow_x, grow_y = zoom / scale_x, zoom / scale_y
    warp = np.array(
        [
            [grow_x, 0, (x0 - left) * zoom + grow_x / 2 - 0.5],
            [0, grow_y, (y0 - top) * zoom + grow_y / 2 - 0.5],
        ],
        dtype=np.float64,
    )
    tile = np.asarray(
        cv2.warpAffine(
            part,
            warp,
            (width, height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(_PAPER,) * 3,
        ),
        dtype=np.uint8,
    )
    corner = np.array([left, top])
    truth, detected = ((px + 0.5 - corner) * zoom - 0.5 for px in (truth_px, detected_px))
    tile = draw_skeleton(tile, truth, colour=TRUTH_COLOURS, scale=1.6)
    return draw_skeleton(tile, detected, colour=DETECTED_COLOUR, scale=0.8)


def crop_box(
    width: int, height: int, truth_px: FloatArray, detected_px: FloatArray, aspect: float
) -> tuple[float, float, float, float]:
    """Part of a picture to show, as left, top, width, height in px, with width / height = ``aspect``.

    It holds the player with a margin, is never smaller than 30 % of the picture, and stays inside the picture
    wherever the picture is large enough. Without a joint in the picture it holds the whole picture.
    """
    box = _joints_box(width, height, truth_px)
    if box is None:
        box = _joints_box(width, height, detected_px)
    if box is None:
        box = (0.0, 0.0, float(width), float(height))
        margin = 1.0
    else:
        margin = _MARGIN
    x0, y0, x1, y1 = box
    least = _LEAST_SHARE * min(width, height)
    crop_height = max((y1 - y0) * margin, (x1 - x0) * margin / aspect, least)
    crop_height = min(crop_height, max(height, width / aspect))
    crop_width = crop_height * aspect
    return (
        _place((x0 + x1) / 2, crop_width, width),
        _place((y0 + y1) / 2, crop_height, height),
        crop_width,
        crop_height,
    )


def _joints_box(width: int, height: int, px: FloatArray) -> tuple[float, float, float, float] | None:
    known = px[np.isfinite(px).all(axis=1)]
    known = known[((known >= 0) & (known <= (width - 1, height - 1))).all(axis=1)]
    if known.size == 0:
        return None
    (x0, y0), (x1, y1) = known.min(axis=0), known.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def _place(centre: float, length: float, available: int) -> float:
    if length >= available:
        return (available - length) / 2
    return float(np.clip(centre - length / 2, 0, available - length))


def median_distance_px(truth_px: FloatArray, detected_px: FloatArray) -> float | None:
    """Median distance between projected and detected joints in px of the picture; None if none has both."""
    distance = np.linalg.norm(truth_px - detected_px, axis=1)
    distance = distance[np.isfinite(distance)]
    return float(np.median(distance)) if distance.size else None
