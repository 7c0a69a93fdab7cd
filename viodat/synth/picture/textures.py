"""Pictures laid over a figure's solids: a face, and the top of a violin.

Each is RGBA; colours are linear (display value squared), alpha says how much of the surface below is covered.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

FACE, VIOLIN_TOP = 0, 1
SIZE = 256
_FINE = 4  # drawn larger and shrunk, so that edges are smooth


@cache
def atlas() -> NDArray[np.float32]:
    """(2, 256, 256, 4) linear RGBA from 0 to 1, layers FACE and VIOLIN_TOP."""
    return np.stack([_face(), _violin_top()])


class _Sheet:
    """A canvas of 1 × 1 (x right, y down) on which shapes cover what is below."""

    def __init__(self) -> None:
        self.side = SIZE * _FINE
        self.rgba = np.zeros((self.side, self.side, 4), np.float32)

    def cover(self, mask: NDArray[np.uint8], rgb: tuple[int, int, int], alpha: float, blur: float) -> None:
        smooth = cv2.GaussianBlur(mask, (0, 0), max(blur * self.side, 0.5)).astype(np.float32)[..., None] / 255 * alpha
        colour = (np.array(rgb, np.float32) / 255) ** 2
        under = self.rgba[..., 3:]
        total = smooth + under * (1 - smooth)
        mixed = (colour * smooth + self.rgba[..., :3] * under * (1 - smooth)) / np.maximum(total, 1e-6)
        self.rgba = np.concatenate([mixed, total], axis=-1)

    def ellipse(
        self,
        centre: tuple[float, float],
        radii: tuple[float, float],
        rgb: tuple[int, int, int],
        *,
        alpha: float = 1.0,
        blur: float = 0.0,
        arc: tuple[float, float] = (0.0, 360.0),
        thick: float = 0.0,
        turned: float = 0.0,
    ) -> None:
        mask = np.zeros((self.side, self.side), np.uint8)
        at = (round(centre[0] * self.side), round(centre[1] * self.side))
        size = (round(radii[0] * self.side), round(radii[1] * self.side))
        line = round(thick * self.side) if thick else cv2.FILLED
        cv2.ellipse(mask, at, size, turned, arc[0], arc[1], 255, line)
        self.cover(mask, rgb, alpha, blur)

    def finished(self) -> NDArray[np.float32]:
        return np.asarray(cv2.resize(self.rgba, (SIZE, SIZE), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _face() -> NDArray[np.float32]:
    """Front of a head, forehead at the top; columns 0.5 is the middle."""
    sheet = _Sheet()
    for side in (-1.0, 1.0):
        eye = (0.5 + side * 0.2, 0.46)
        sheet.ellipse((0.5 + side * 0.26, 0.66), (0.1, 0.07), (205, 105, 90), alpha=0.28, blur=0.03)
        sheet.ellipse(eye, (0.115, 0.07), (120, 75, 60), alpha=0.45, blur=0.02)
        sheet.ellipse(eye, (0.082, 0.036), (238, 234, 230))
        sheet.ellipse(eye, (0.034, 0.035), (70, 45, 30))
        sheet.ellipse(eye, (0.016, 0.018), (8, 8, 8))
        sheet.ellipse((eye[0] + 0.012, eye[1] - 0.013), (0.007, 0.007), (255, 255, 255))
        sheet.ellipse(eye, (0.088, 0.042), (35, 22, 18), arc=(190, 350), thick=0.014)
        sheet.ellipse(eye, (0.084, 0.038), (120, 75, 62), arc=(20, 160), thick=0.008, alpha=0.7)
        brow = (0.5 + side * 0.21, 0.4)
        sheet.ellipse(brow, (0.115, 0.05), (48, 32, 22), arc=(205, 335), thick=0.026, blur=0.003, turned=side * 4)
        sheet.ellipse((0.5 + side * 0.035, 0.635), (0.022, 0.012), (95, 45, 38), alpha=0.8, blur=0.004)
        sheet.ellipse((0.5 + side * 0.055, 0.56), (0.02, 0.09), (150, 95, 75), alpha=0.35, blur=0.012)
    sheet.ellipse((0.5, 0.762), (0.105, 0.027), (172, 72, 70), blur=0.004)
    sheet.ellipse((0.5, 0.75), (0.11, 0.014), (95, 30, 32), arc=(0, 180), thick=0.01)
    sheet.ellipse((0.5, 0.825), (0.08, 0.016), (130, 80, 65), alpha=0.4, blur=0.01)
    return sheet.finished()


def _violin_top() -> NDArray[np.float32]:
    """Top of a violin, scroll to the right: 0 to 360 mm in columns, 220 mm in rows."""
    sheet = _Sheet()
    sheet.ellipse((0.5, 0.5), (0.6, 0.34), (205, 128, 52), alpha=0.6, blur=0.09)
    for side in (-1.0, 1.0):
        middle = (0.455, 0.5 + side * 0.185)
        sheet.ellipse(middle, (0.1, 0.018), (28, 12, 6), turned=side * -7)
        for end in (-1.0, 1.0):
            knob = (middle[0] + end * 0.1, middle[1] - side * end * 0.025 + side * end * 0.02)
            sheet.ellipse(knob, (0.016, 0.024), (28, 12, 6))
    return sheet.finished()
