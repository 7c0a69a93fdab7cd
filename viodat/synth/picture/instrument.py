"""A violin and a bow as solids.

The violin's frame has its origin at the end button, on the level of the ribs' lower edge, x towards the scroll, y to
the left of who looks along x with the top up, z out of the top. Full size: body 356 mm, string length 328 mm, bow
745 mm (Stradivari's measures, rounded). Positions mm, world frame.
"""

from __future__ import annotations

import numpy as np

from viodat.synth.picture.solids import Finish, Modeller
from viodat.synth.picture.textures import VIOLIN_TOP
from viodat.synth.vectors import FloatArray, unit

BRIDGE = (195.0, 0.0, 72.0)
"""Top of the bridge in the violin's frame, mm."""
CONTACT = (225.0, 0.0, 69.0)
"""Where the bow meets the strings in the violin's frame, mm."""
BOW_MM = 745.0

_VARNISH = Finish((150, 74, 28), gloss=0.8, texture=VIOLIN_TOP)
_MAPLE = Finish((158, 84, 36), gloss=0.6)
_EBONY = Finish((30, 26, 26), gloss=0.5)
_STRING = Finish((210, 205, 195), gloss=0.6)
_BRIDGE = Finish((214, 178, 120))
_STICK = Finish((98, 44, 20), gloss=0.5)
_HAIR = Finish((238, 234, 222))
_BOUTS = ((96.0, 0.0, 98.0, 102.0), (190.0, 0.0, 110.0, 58.0), (278.0, 0.0, 80.0, 83.0))
_PIECES = 6


def add_violin(modeller: Modeller, origin: FloatArray, axes: FloatArray, scale: float) -> None:
    """Add a violin of ``scale`` (1 is full size) at ``origin`` (T, 3), ``axes`` (T, 3, 3) in columns."""

    def at(x: float, y: float, z: float) -> FloatArray:
        return np.asarray(origin + axes @ (scale * np.array([x, y, z])))

    def rod(
        start: tuple[float, float, float], end: tuple[float, float, float], r0: float, r1: float, *rest: object
    ) -> None:
        finish, flat = rest
        assert isinstance(finish, Finish)
        assert isinstance(flat, float)
        modeller.limb(at(*start), at(*end), (r0 * scale, r1 * scale), finish, across=axes[..., 1], flat=flat)

    for x, y, rx, ry in _BOUTS:
        mapping = np.array([[rx / 360, 0, 0, x / 360], [0, -ry / 220, 0, 0.5], [0, 0, 1.0, -0.15]])
        modeller.ellipsoid(at(x, y, 18), axes, (rx * scale, ry * scale, 25 * scale), _VARNISH, mapping=mapping)
    rod((325, 0, 22), (492, 0, 25), 12, 11, _MAPLE, 0.8)
    rod((215, 0, 54), (482, 0, 40), 19, 12, _EBONY, 0.35)
    rod((485, 0, 26), (560, 0, 14), 12, 9, _MAPLE, 1.0)
    modeller.ellipsoid(at(572, 0, 14), axes, (17 * scale, 15 * scale, 17 * scale), _MAPLE)
    for x, side in ((505, 1.0), (520, -1.0), (535, 1.0), (550, -1.0)):
        rod((x, 0, 20), (x - 4, side * 38, 22), 3.5, 6, _EBONY, 1.0)
    rod((14, 0, 44), (118, 0, 52), 14, 20, _EBONY, 0.3)
    rod((195, -15, 40), (195, 15, 40), 5, 5, _BRIDGE, 1.0)
    rod((195, -14, 62), (195, 14, 62), 6, 6, _BRIDGE, 1.0)
    rod((118, 0, 57), (195, 0, 71), 8, 12, _STRING, 0.12)
    rod((195, 0, 71), (484, 0, 47), 12, 7, _STRING, 0.12)
    modeller.ellipsoid(at(38, 42, 50), axes, (42 * scale, 40 * scale, 10 * scale), _EBONY)


def add_bow(modeller: Modeller, frog: FloatArray, tip: FloatArray, up: FloatArray) -> None:
    """Add a bow whose hair runs from ``frog`` to ``tip`` (T, 3), its stick on the side of ``up`` (T, 3)."""
    along = unit(tip - frog)
    out = unit(up - np.sum(up * along, axis=-1, keepdims=True) * along)
    across = np.cross(out, along)

    def at(share: float, height: float) -> FloatArray:
        return np.asarray(frog + share * (tip - frog) + height * out)

    # In pieces: a long thin solid that lies aslant fills its box of pixels badly.
    for i in range(_PIECES):
        a, b = i / _PIECES, (i + 1) / _PIECES
        modeller.limb(at(a, 0), at(b, 0), (5.5, 5.5), _HAIR, across=across, flat=0.25)
        modeller.limb(at(a - 0.02, 26 - 60 * a * (1 - a)), at(b - 0.02, 26 - 60 * b * (1 - b)), (4.8, 4.0), _STICK)
    modeller.limb(at(-0.01, 8), at(0.055, 8), (8, 8), _EBONY, across=out, flat=0.7)
    modeller.limb(at(0.995, 2), at(0.98, 24), (5, 5), _HAIR, across=across, flat=0.8)
