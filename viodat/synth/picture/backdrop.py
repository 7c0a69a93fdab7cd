"""The empty room as one camera sees it: a wooden floor, plain walls with a skirting board and pictures.

World frame, mm, Z up, floor at z = 0. Display values are the square root of linear ones.
"""

from __future__ import annotations

import numpy as np

from viodat.synth.vectors import FloatArray

_LOW = np.array([-4200.0, -4400.0, 0.0])
_HIGH = np.array([4600.0, 4400.0, 3100.0])
_WALL = np.array([[168, 176, 178], [176, 172, 164], [172, 176, 170]], np.float64)
# Along the wall: middle and half width; lowest and highest edge, mm; display RGB.
_PICTURES = (
    (-1900.0, 380.0, 1350.0, 1900.0, (150, 160, 120)),
    (1700.0, 300.0, 1250.0, 2000.0, (120, 140, 170)),
    (3100.0, 420.0, 1400.0, 1900.0, (170, 130, 110)),
)


def backdrop(centre: FloatArray, directions: FloatArray) -> FloatArray:
    """Colour (N, 3), linear from 0 to 1, that rays (N, 3) from ``centre`` (3,) meet."""
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(directions > 0, (_HIGH - centre) / directions, (_LOW - centre) / directions)
    reach = np.where(np.isfinite(reach) & (reach > 0), reach, np.inf)
    face = np.argmin(reach, axis=1)
    at = centre + directions * np.min(reach, axis=1)[:, None]
    floor = (face == 2) & (directions[:, 2] < 0)
    wall = face != 2
    # The side walls have the same pictures the other way round, so that two walls in one view differ.
    along = np.where(face == 0, at[:, 1], -at[:, 0])
    colour = (_WALL[face] / 255) ** 2 * (0.55 + 0.2 * at[:, 2:] / 3100)
    # A soft pool of light on each wall, dark corners.
    colour *= (1.0 - 0.35 * (along / 4400)[:, None] ** 2) * 1.05
    board = wall & (at[:, 2] < 110)
    colour[board] = np.array([0.55, 0.53, 0.5]) * np.where(at[board, 2] > 100, 0.5, 0.9)[:, None]
    for middle, half, low, high, rgb in _PICTURES:
        inside = wall & (np.abs(along - middle) < half) & (at[:, 2] > low) & (at[:, 2] < high)
        print_ = (np.abs(along - middle) < half - 35) & (at[:, 2] > low + 35) & (at[:, 2] < high - 35)
        colour[inside] = np.array([0.05, 0.035, 0.025])
        colour[inside & print_] = (np.array(rgb) / 255) ** 2
    colour[floor] = _planks(at[floor])
    colour[~wall & ~floor] = np.array([0.62, 0.62, 0.6])
    return np.asarray(colour)


def _planks(at: FloatArray) -> FloatArray:
    row = np.floor(at[:, 1] / 140)
    shift = np.mod(row * 0.618, 1.0) * 1800
    board = np.floor((at[:, 0] + shift) / 1800)
    tone = np.mod(np.sin(row * 12.99 + board * 78.2) * 437.58, 1.0)
    grain = np.sin(at[:, 1] * 0.35 + 3 * np.sin(at[:, 0] * 0.004 + row)) * np.sin(at[:, 1] * 0.11 + at[:, 0] * 0.002)
    colour = np.array([0.33, 0.225, 0.14]) * (0.75 + 0.3 * tone + 0.08 * grain)[:, None]
    seam = (np.mod(at[:, 1], 140) < 5) | (np.mod(at[:, 0] + shift, 1800) < 5)
    colour[seam] *= 0.55
    falloff = 1.0 / (1.0 + (at[:, 0] ** 2 + at[:, 1] ** 2) / 6000**2)
    return np.asarray(colour * falloff[:, None])
