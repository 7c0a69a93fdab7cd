"""How a video's size relates to the size its camera was calibrated at: what may be assumed, what is refused.

Sizes are (width, height) in px. Nothing in a video says whether it was scaled or cropped, so a guess is
made only where its worst case is small, and it always says both sizes and what it assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from viodat.errors import ConfigError

Fit = Literal["guess", "scale", "crop", "letterbox"]
"""How a calibrated picture became a video's: by a guess from the sizes, stretched, cut equally on opposite sides, or
scaled as a whole with black bars on the rest."""

_KEPT_AT_LEAST = 0.9
"""A crop that leaves less of either side is not guessed at."""


@dataclass(frozen=True)
class SizeChange:
    """What was done to the calibrated picture: scaled as a whole, or cut equally on opposite sides.

    Attributes
    ----------
    scaled
        True if scaled, False if cropped at scale 1.
    left, top
        px cut off at the left (and as much at the right) and at the top (and at the bottom).
    assumption
        Both sizes and what is assumed, as a sentence without its full stop.
    """

    scaled: bool
    left: float
    top: float
    assumption: str


def size_change(camera_id: str, calibrated: tuple[int, int], video: tuple[int, int]) -> SizeChange:
    """Decide how a calibrated picture became a video of another size.

    Same aspect to one pixel: scaled. Otherwise, where the video is up to a tenth smaller: cropped at scale
    1, equally on both sides, which of all crops has the smallest worst case (half of what is missing).

    Raises
    ------
    ConfigError
        If neither explains the sizes: portrait against landscape, a larger picture of another aspect, or a
        crop of more than a tenth.
    """
    (old_width, old_height), (width, height) = calibrated, video
    sizes = f"its video is {width} x {height} px but it was calibrated at {old_width} x {old_height} px"
    where = f"camera {camera_id}"
    if width < 1 or height < 1:
        raise ConfigError(f"{sizes}; expected a width and height of at least 1 px", where=where)
    scale = (width * height / (old_width * old_height)) ** 0.5
    if abs(old_width * scale - width) <= 1 and abs(old_height * scale - height) <= 1:
        return SizeChange(True, 0.0, 0.0, f"{sizes}; assumed that the picture was scaled by {scale:.4g}")
    if (width > height) != (old_width > old_height):
        raise ConfigError(
            f"{sizes}: one is portrait, the other landscape, so the video's display rotation is not that of "
            "the calibration's pictures",
            where=where,
            mend="Calibrate from pictures turned as the video is, or turn the calibration (Camera.turned).",
        )
    if _KEPT_AT_LEAST * old_width <= width <= old_width and _KEPT_AT_LEAST * old_height <= height <= old_height:
        left, top = (old_width - width) / 2, (old_height - height) / 2
        cut = " and ".join(
            f"{amount:g} px at the {sides}"
            for amount, sides in ((left, "left and right"), (top, "top and bottom"))
            if amount
        )
        assumption = f"{sizes}; assumed that {cut} were cut off, which may be wrong by as much"
        return SizeChange(False, left, top, assumption)
    raise ConfigError(
        f"{sizes}, which neither scaling nor a small crop explains",
        where=where,
        mend="Calibrate the camera in the video's own mode, or convert the calibration to the video's size.",
    )
