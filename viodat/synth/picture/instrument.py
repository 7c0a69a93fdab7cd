"""A violin and a bow: where their parts are, and the solids that show them.

Violin frame: origin at the end button, on the level of the ribs' lower edge; x towards the scroll, y to the left of who
looks along x with the top up (so the G string is at +y), z out of the top. Bow frame: origin where the hair meets the
frog, x along the hair towards the tip, z from the hair to the stick. All constants are mm of a full-size (4/4) violin
and bow; smaller ones are the same times ``scale``. Positions are mm, world frame.

Body 356 mm, stop 195 mm and neck 130 mm are luthiers' standard; string length, spacing at the bridge and the bridge's
curve come from :mod:`viodat.synth.music.violin`. Bow stick 745 mm, hair 650 mm. Other measures are viodat's choice.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from viodat.synth.music.violin import HAIR_MM, INCLINE_RAD, STRING_MM, STRINGS
from viodat.synth.picture.solids import Finish, Modeller
from viodat.synth.picture.textures import VIOLIN_TOP
from viodat.synth.vectors import FloatArray, rejected, unit

Place = tuple[float, float, float]

END_BUTTON: Final[Place] = (0.0, 0.0, 15.0)
"""Middle of the end button: half-way up the ribs."""
BRIDGE_RADIUS_MM: Final = 42.0
"""Radius of the bridge's curve, in the plane square to x."""
BRIDGE: Final[Place] = (161.0, 0.0, 78.0)
"""Crown of the bridge, between D and A: 195 mm (the stop) from the body's upper edge; 33 mm above the top."""
_NUT_Z = 38.0
NUT: Final[Place] = (
    BRIDGE[0] + float(np.sqrt(STRING_MM**2 - (BRIDGE[2] - _NUT_Z) ** 2)),
    0.0,
    _NUT_Z,
)
"""Middle of the nut, on the level of the strings: the string length from the bridge's crown, so at x = 486.6."""
NUT_SPACING_MM: Final = 5.5
"""From string to string at the nut."""
CONTACT: Final[Place] = (
    BRIDGE[0] + 30.0 * (NUT[0] - BRIDGE[0]) / STRING_MM,
    0.0,
    BRIDGE[2] + 30.0 * (NUT[2] - BRIDGE[2]) / STRING_MM,
)
"""A usual place of the bow: 30 mm from the bridge, between D and A."""
CHIN_REST: Final[Place] = (42.0, 44.0, 58.0)
"""Where the jaw lies: middle of the chin rest's cup, left of the tailpiece, on its upper surface."""
SHOULDER_REST: Final[Place] = (62.0, 12.0, -42.0)
"""Where the violin stands on the left shoulder and collarbone: middle of the shoulder rest's lower side."""
FINGERBOARD_END: Final[Place] = (216.0, 0.0, 67.0)
"""The fingerboard's lower end, upper surface: 270 mm from the nut."""
NECK_WIDE_MM: Final = (24.0, 32.0)
"""Width of the neck at the nut and where it meets the body (x = 356 mm)."""
SCROLL: Final[Place] = (572.0, 0.0, 12.0)
"""Middle of the scroll."""

BOW_MM: Final = 745.0
"""Length of the stick with its button."""
FROG_MM: Final = 46.0
"""Length of the frog: it reaches from x = -46 to 0 in the bow's frame; the thumb's corner is at x = 0."""
STICK_MM: Final = (21.0, 24.0)
"""Height of the stick's middle line above the hair at the frog and at the tip; half-way it is 9 mm."""

_BUTTON_X = 670.0 - BOW_MM
_VARNISH = Finish((150, 74, 28), gloss=0.8, texture=VIOLIN_TOP)
_MAPLE = Finish((158, 84, 36), gloss=0.6)
_EBONY = Finish((30, 26, 26), gloss=0.5)
_STRING = Finish((128, 122, 112), gloss=0.5)
_BRIDGE = Finish((214, 178, 120))
_STICK = Finish((98, 44, 20), gloss=0.5)
_HAIR = Finish((238, 234, 222))
_SILVER = Finish((190, 190, 188), gloss=0.8)
# Middle and half sizes of the three bouts in x and y.
_BOUTS = ((88.0, 88.0, 103.0), (182.0, 100.0, 56.0), (277.0, 79.0, 84.0))
_PIECES = 6


def string_at(string: int, from_nut_mm: ArrayLike, scale: float = 1.0) -> FloatArray:
    """Where a point of a string is in the violin's frame.

    Parameters
    ----------
    string
        0 = G … 3 = E.
    from_nut_mm
        Scalar or (T,) distance from the nut, mm of the scaled violin: ``scale * STRING_MM`` is the bridge.
    scale
        Size of the violin, 1 is full size.

    Returns
    -------
    (3,) or (T, 3) mm. The bow's contact is at ``scale * STRING_MM - bridge_mm``. The four strings' own lengths differ
    from ``STRING_MM`` by less than 0.5 mm.
    """
    aside = 1.5 - string
    at_nut = np.array([NUT[0], aside * NUT_SPACING_MM, NUT[2] - _drop(aside * NUT_SPACING_MM)])
    lean = INCLINE_RAD[STRINGS[string]]
    low = BRIDGE_RADIUS_MM * (1 - np.cos(lean))
    at_bridge = np.array([BRIDGE[0], BRIDGE_RADIUS_MM * np.sin(lean), BRIDGE[2] - low])
    share = np.asarray(from_nut_mm, dtype=np.float64)[..., None] / (scale * STRING_MM)
    return np.asarray(scale * (at_nut + share * (at_bridge - at_nut)))


def _drop(aside_mm: float) -> float:
    """How far the bridge's curve lies below its crown."""
    return float(BRIDGE_RADIUS_MM - np.sqrt(BRIDGE_RADIUS_MM**2 - aside_mm**2))


def add_violin(modeller: Modeller, origin: FloatArray, axes: FloatArray, scale: float) -> None:
    """Add a violin of ``scale`` (1 is full size) at ``origin`` (T, 3), ``axes`` (T, 3, 3) in columns."""

    def at(x: float, y: float, z: float) -> FloatArray:
        return np.asarray(origin + axes @ (scale * np.array([x, y, z])))

    def rod(start: Place, end: Place, radii_mm: tuple[float, float], finish: Finish, flat: float) -> None:
        sized = (radii_mm[0] * scale, radii_mm[1] * scale)
        modeller.limb(at(*start), at(*end), sized, finish, across=axes[..., 1], flat=flat)

    for x, rx, ry in _BOUTS:
        mapping = np.array([[rx / 360, 0, 0, x / 360], [0, -ry / 220, 0, 0.5], [0, 0, 1.0, -0.15]])
        modeller.ellipsoid(at(x, 0, 19), axes, (rx * scale, ry * scale, 27 * scale), _VARNISH, mapping=mapping)
    rod((340, 0, 26), (486, 0, 27), (14, 11), _MAPLE, 0.8)
    rod((FINGERBOARD_END[0] + 20, 0, 59), (480, 0, 34), (20, 12), _EBONY, 0.3)
    rod((487, 0, 26), (560, 0, 14), (12, 9), _MAPLE, 1.0)
    modeller.ellipsoid(at(*SCROLL), axes, (17 * scale, 15 * scale, 17 * scale), _MAPLE)
    for x, side in ((505, 1.0), (520, -1.0), (535, 1.0), (550, -1.0)):
        rod((x, 0, 20), (x - 4, side * 38, 22), (3.5, 6.0), _EBONY, 1.0)
    rod((12, 0, 45), (102, 0, 57), (14, 20), _EBONY, 0.3)
    rod((BRIDGE[0], -16, 46), (BRIDGE[0], 16, 46), (5, 5), _BRIDGE, 1.0)
    rod((BRIDGE[0], -14, 66), (BRIDGE[0], 14, 66), (7, 7), _BRIDGE, 1.0)
    # The four strings are thinner than a pixel: a band, half as light, stands for them.
    rod((104, 0, 62), (BRIDGE[0], 0, 76), (9, 15), _STRING, 0.1)
    rod((BRIDGE[0], 0, 75), (NUT[0] - 2, 0, NUT[2]), (15, 9), _STRING, 0.08)
    cup = CHIN_REST[0], CHIN_REST[1], CHIN_REST[2] - 9
    modeller.ellipsoid(at(*cup), axes, (40 * scale, 38 * scale, 9 * scale), _EBONY)
    rod((8, 20, 4), (8, 20, 46), (8, 8), _SILVER, 0.5)


def bow_axes(frog: FloatArray, tip: FloatArray, up: FloatArray) -> FloatArray:
    """(T, 3, 3) the bow's frame from the ends of its hair (T, 3), with the stick on the side of ``up`` (T, 3)."""
    along = unit(tip - frog)
    out = rejected(up, along)
    return np.stack([along, np.cross(out, along), out], axis=-1)


def add_bow(modeller: Modeller, origin: FloatArray, axes: FloatArray, scale: float) -> None:
    """Add a bow of ``scale`` (1 is full size) at ``origin`` (T, 3), ``axes`` (T, 3, 3) in columns."""

    def at(x: float, z: float) -> FloatArray:
        return np.asarray(origin + axes @ (scale * np.array([x, 0.0, z])))

    def rod(
        start: tuple[float, float],
        end: tuple[float, float],
        radii_mm: tuple[float, float],
        finish: Finish,
        flat: float = 1.0,
        across: Literal[1, 2] = 1,
    ) -> None:
        sized = (radii_mm[0] * scale, radii_mm[1] * scale)
        modeller.limb(at(*start), at(*end), sized, finish, across=axes[..., across], flat=flat)

    def stick(x: float) -> tuple[float, float]:
        share = x / HAIR_MM
        return x, STICK_MM[0] + (STICK_MM[1] - STICK_MM[0]) * share - 54 * max(share * (1 - share), 0.0)

    # In pieces: a long thin solid that lies aslant fills its box of pixels badly.
    for i in range(_PIECES):
        a, b = HAIR_MM * i / _PIECES, HAIR_MM * (i + 1) / _PIECES
        rod((a, 0), (b, 0), (5.5, 5.5), _HAIR, 0.25)
        rod(stick(a), stick(b), (4.6 - 1.2 * i / _PIECES, 4.4 - 1.2 * i / _PIECES), _STICK)
    rod(stick(_BUTTON_X + 12), stick(0), (4.6, 4.6), _STICK)
    rod(stick(_BUTTON_X + 4), stick(_BUTTON_X + 12), (4.6, 4.6), _SILVER)
    rod((-FROG_MM + 8, 9), (-8, 9), (9, 9), _EBONY, 0.7, 2)
    rod((-4, 3), (3, 2), (6, 6), _SILVER, 0.6)
    rod((HAIR_MM + 4, 3), (HAIR_MM + 12, 24), (4.5, 5), _HAIR, 0.8)
