"""2D keypoint files beside a recording, as a detector's user would save them: ``P05C01T28.keypoints.npz``, json or csv.

33 landmarks per frame in MediaPipe's order, px of the displayed picture (x right, y down, the centre of the top left
pixel is (0, 0)), a confidence each, and the frame's presentation stamp. Missing is NaN (null in JSON, empty in CSV),
with confidence 0. The same detections give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viodat.files import atomic_path, write_text
from viodat.synth.vectors import FloatArray

LAYOUT: Final = "mediapipe33"
_EYES: Final = tuple(f"{side}_eye{part}" for side in ("left", "right") for part in ("_inner", "", "_outer"))
_SIDED: Final = (
    *("ear", "mouth", "shoulder", "elbow", "wrist", "pinky", "index", "thumb"),
    *("hip", "knee", "ankle", "heel", "foot_index"),
)
LANDMARKS: Final[tuple[str, ...]] = (
    "nose",
    *_EYES,
    *(f"{side}_{name}" for name in _SIDED for side in ("left", "right")),
)
"""Names of the 33 landmarks of MediaPipe Pose, in its order."""

_PX_DIGITS, _CONFIDENCE_DIGITS = 3, 4


def write_npz(
    path: Path, px: FloatArray, confidence: FloatArray, pts: NDArray[np.int64], size: tuple[int, int]
) -> None:
    """Write arrays.

    Parameters
    ----------
    path
        The file; its folder is created.
    px, confidence
        (F, 33, 2) px, NaN where missing, and (F, 33).
    pts
        (F,) presentation stamps in the video's time base.
    size
        (width, height) px of the picture.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            keypoints_px=px.astype(np.float32),
            confidence=confidence.astype(np.float32),
            layout=np.array(LAYOUT),
            pts=np.asarray(pts, dtype=np.int64),
            image_size_px=np.array(size, dtype=np.int64),
        )


def write_json(
    path: Path, px: FloatArray, confidence: FloatArray, pts: NDArray[np.int64], size: tuple[int, int]
) -> None:
    """Write the same fields as :func:`write_npz` in one JSON object; px to 0.001, confidence to 0.0001."""
    points: list[Any] = np.round(px, _PX_DIGITS).tolist()
    content = {
        "layout": LAYOUT,
        "image_size_px": list(size),
        "pts": np.asarray(pts).tolist(),
        "keypoints_px": [[[None if x != x else x for x in point] for point in row] for row in points],
        "confidence": np.round(confidence, _CONFIDENCE_DIGITS).tolist(),
    }
    write_text(path, json.dumps(content, separators=(",", ":"), allow_nan=False) + "\n")


def write_csv(
    path: Path, px: FloatArray, confidence: FloatArray, pts: NDArray[np.int64], size: tuple[int, int]
) -> None:
    """Write one row per frame and landmark; the table has no place for the picture's size."""
    del size
    lines = ["frame,pts,joint,x,y,confidence"]
    for frame, (points, rated, stamp) in enumerate(zip(px, confidence, pts, strict=True)):
        for name, (x, y), sure in zip(LANDMARKS, points, rated, strict=True):
            place = "," if np.isnan(x) else f"{x:.{_PX_DIGITS}f},{y:.{_PX_DIGITS}f}"
            lines.append(f"{frame},{stamp},{name},{place},{sure:.{_CONFIDENCE_DIGITS}f}")
    write_text(path, "\n".join(lines) + "\n")


KEYPOINT_FORMATS: Final[
    Mapping[str, Callable[[Path, FloatArray, FloatArray, NDArray[np.int64], tuple[int, int]], None]]
] = {"npz": write_npz, "json": write_json, "csv": write_csv}
"""Writers by the ending of the file's name."""
