"""How a decoded picture is turned and mirrored to be shown as it was held: a container's display matrix.

The matrix holds nine 32-bit numbers a b u c d v x y w (ISO 14496-12, 8.3.2): a decoded point (x, y), y
down, is shown at (a x + c y, b x + d y), up to scale and shift. A phone writes only right angles, a selfie
camera possibly a mirroring; anything else is damage and is left out.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_TOLERANCE_DEG = 1.0


@dataclass(frozen=True)
class Orientation:
    """Mirror left-right if ``mirrored``, then turn clockwise by ``rotation_deg``: decoded to displayed."""

    rotation_deg: int = 0
    mirrored: bool = False

    @property
    def swaps_sides(self) -> bool:
        """Whether width and height change places."""
        return self.rotation_deg in (90, 270)

    def displayed(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Give the picture (H, W, 3) as displayed, contiguous."""
        turned = image[:, ::-1] if self.mirrored else image
        return np.ascontiguousarray(np.rot90(turned, k=-(self.rotation_deg // 90)))


def orientation_of(matrix: bytes) -> tuple[Orientation, str | None]:
    """Read a display matrix.

    Parameters
    ----------
    matrix
        36 bytes in the machine's byte order, as FFmpeg hands them over; empty for none.

    Returns
    -------
    orientation
        The nearest right angle.
    note
        A sentence if the matrix is none that a device writes; the picture is then left as decoded.
    """
    if len(matrix) < 36:
        return Orientation(), None
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix[:36])
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    if a * d == b * c or abs(math.hypot(a, b) / math.hypot(c, d) - 1) > 0.02:
        return Orientation(), "the display matrix is neither a turn nor a mirroring and was left out"
    angles = [math.degrees(math.atan2(b, a)), math.degrees(math.atan2(-c, d))]
    quarter = round(angles[0] / 90)
    if any(abs((angle - 90 * quarter + 180) % 360 - 180) > _TOLERANCE_DEG for angle in angles):
        return (
            Orientation(),
            f"the display matrix turns by {angles[0]:.1f}°, no right angle, and was left out",
        )
    return Orientation(quarter % 4 * 90, mirrored), None
