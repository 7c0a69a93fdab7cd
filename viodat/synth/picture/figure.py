"""A violinist as shaded solids around a body's segments: what the cameras of the simulated lab see.

:func:`figures_of` clothes a :class:`~viodat.synth.player.body.Body`: limbs lie between joint centres, fingers between
their bones' frames. Trunk and limbs are as thick as those of a body of 1.70 m times ``Look.scale``; head and hands take
their size from the body, for a child's head is larger than its stature tells. All sizes of the flesh are viodat's
choice. Mm, world frame, Z up, floor at z = 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from viodat.synth.picture.instrument import add_bow, add_violin
from viodat.synth.picture.solids import Figures, Finish, Modeller
from viodat.synth.picture.textures import FACE
from viodat.synth.player.body import FINGERS, Body, Frame
from viodat.synth.vectors import FloatArray, unit

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Look:
    """Colours (0 to 255) and hair of one player, and the size relative to a body of 1.70 m."""

    scale: float = 1.0
    violin_scale: float = 1.0
    skin: Rgb = (222, 172, 142)
    hair: Rgb = (62, 42, 30)
    shirt: Rgb = (58, 92, 142)
    trousers: Rgb = (62, 60, 66)
    shoes: Rgb = (44, 34, 30)
    long_hair: bool = False

    @staticmethod
    def drawn(rng: np.random.Generator, scale: float = 1.0, violin_scale: float = 1.0) -> Look:
        """Draw the colours and hair of one of many different players."""

        def one(choices: tuple[Rgb, ...]) -> Rgb:
            return choices[int(rng.integers(len(choices)))]

        skin, shirt = one(_SKINS), one(_SHIRTS)
        hair = one(_HAIRS if sum(skin) > _FAIR else _HAIRS[:2])
        return Look(scale, violin_scale, skin, hair, shirt, one(_TROUSERS), long_hair=bool(rng.random() < 0.5))


_SKINS: tuple[Rgb, ...] = ((232, 186, 160), (222, 172, 142), (198, 146, 112), (150, 102, 76), (112, 76, 58))
_HAIRS: tuple[Rgb, ...] = ((62, 42, 30), (30, 26, 26), (120, 84, 48), (176, 140, 88), (120, 116, 112))
_SHIRTS: tuple[Rgb, ...] = ((58, 92, 142), (150, 56, 58), (222, 220, 212), (66, 112, 84), (96, 84, 128), (52, 54, 60))
_FAIR = 400.0  # sum of a skin's colours above which any colour of hair is drawn
_TROUSERS: tuple[Rgb, ...] = ((62, 60, 66), (56, 70, 102), (112, 100, 84), (40, 40, 44))

_NECK = (-65.0, 0.0, 45.0)
"""Where the neck leaves the thorax, in its frame."""
_HEAD_OVER_NECK_MM = 138.5
_KNUCKLE_MM = 85.0
"""From the wrist to the middle finger's knuckle."""
_MID_SHOULDERS = np.array([-55.0, 0.0, -17.0])
"""In the thorax' frame, which starts at the notch."""
_ANKLE_MM = 66.0
_SIDES = (("left", 1.0), ("right", -1.0))
_FINGER_THICK = {"index": 1.0, "middle": 1.03, "ring": 0.97, "pinky": 0.86}


def figures_of(body: Body, look: Look) -> Figures:
    """Clothe a body: about 130 solids at its T instants; without violin and bow where the body has none.

    Parameters
    ----------
    body
        Where all segments are, world frame.
    look
        Colours, and the sizes of the body (stature / 1700 mm) and of the violin.
    """
    modeller = Modeller(len(body.times_s))
    _trunk(modeller, look, body)
    _head(modeller, look, body)
    for side, sign in _SIDES:
        _leg(modeller, look, body, side)
        _arm(modeller, look, body, side)
        _hand(modeller, look, body, side, sign)
    if body.plays:
        violin, bow = body.segments["violin"], body.segments["bow"]
        add_violin(modeller, violin.origin, violin.axes, look.violin_scale)
        add_bow(modeller, bow.origin, bow.axes, look.violin_scale)
    return modeller.built()


def _trunk(modeller: Modeller, look: Look, body: Body) -> None:
    s, thorax, pelvis = look.scale, body.segments["thorax"], body.segments["pelvis"]
    shirt, cloth, skin = Finish(look.shirt, folds=0.16), Finish(look.trousers, folds=0.08), Finish(look.skin, gloss=0.1)

    def at(x: float, y: float, z: float) -> FloatArray:
        return thorax.point(s * (_MID_SHOULDERS + np.array([x, y, z])))

    def low(x: float, y: float, z: float) -> FloatArray:
        return pelvis.point(s * np.array([x, y, z]))

    left = thorax.axes[..., 1]
    modeller.ellipsoid(low(-12, 0, 10), pelvis.axes, (106 * s, 158 * s, 105 * s), cloth)
    belt = Finish((40, 30, 26), gloss=0.3)
    modeller.ellipsoid(low(-6, 0, 92), pelvis.axes, (102 * s, 148 * s, 22 * s), belt)
    modeller.limb(low(-4, 0, 112), at(-4, 0, -215), (140 * s, 143 * s), shirt, across=left, flat=0.66)
    modeller.limb(at(-4, 0, -215), at(-6, 0, -95), (145 * s, 143 * s), shirt, across=left, flat=0.68)
    modeller.ellipsoid(at(-6, 0, -90), thorax.axes, (97 * s, 158 * s, 116 * s), shirt)
    inner = {}
    for side, sign in _SIDES:
        # The shoulders move over the ribs: what joins them to the trunk follows their centres.
        shoulder = body.joint(f"{side}_shoulder")
        inner[side] = shoulder - sign * 58 * s * left
        top = shoulder + s * (thorax.axes @ np.array([0.0, -sign * 36, 20]))
        modeller.limb(top, at(-12, sign * 38, 52), (44 * s, 40 * s), shirt)
        modeller.limb(inner[side], at(-8, sign * 104, -120), (60 * s, 56 * s), shirt)
    modeller.limb(inner["right"], inner["left"], (62 * s, 62 * s), shirt, across=thorax.axes[..., 2], flat=1.05)
    modeller.limb(at(-10, 0, 40), at(-5, 0, 64), (62 * s, 57 * s), shirt, across=left, flat=0.95)
    modeller.ellipsoid(at(30, 0, 46), thorax.axes, (32 * s, 36 * s, 34 * s), skin)


def _head(modeller: Modeller, look: Look, body: Body) -> None:
    s, head = look.scale, body.segments["head"]
    neck = body.segments["thorax"].point(s * np.array(_NECK))
    # The head's own size: that of an adult's at 1, whatever the stature.
    h = float(np.linalg.norm(head.origin - neck, axis=-1).mean() / _HEAD_OVER_NECK_MM)
    skin, face, hair = (
        Finish(look.skin, gloss=0.12),
        Finish(look.skin, gloss=0.12, texture=FACE),
        Finish(look.hair, gloss=0.2),
    )

    def at(x: float, y: float, z: float) -> FloatArray:
        return head.point(h * np.array([x, y, z]))

    def face_on(ry: float, rz: float, up: float) -> FloatArray:
        # The sheet is 160 mm wide and 200 mm high around the middle of the face, 12 mm below the skull's.
        return np.array([[0, -ry / 160, 0, 0.5], [0, 0, -rz / 200, 0.5 - (up + 12) / 200], [1.0, 0, 0, -0.1]])

    modeller.limb(neck, at(-22, 0, -50), (56 * s, 52 * h), skin)
    axes = head.axes
    modeller.ellipsoid(at(0, 0, 22), axes, (97 * h, 77 * h, 92 * h), face, mapping=face_on(77, 92, 22))
    modeller.ellipsoid(at(18, 0, -30), axes, (76 * h, 66 * h, 84 * h), face, mapping=face_on(66, 84, -30))
    modeller.limb(at(88, 0, 6), at(104, 0, -24), (9 * h, 13 * h), skin)
    for _, sign in _SIDES:
        modeller.ellipsoid(at(97, sign * 9, -28), axes, (9 * h, 10 * h, 7 * h), skin)
        modeller.ellipsoid(at(-8, sign * 77, -8), axes, (20 * h, 9 * h, 32 * h), skin)
    clip = (0.8, 0.0, -0.6, 0.28)
    modeller.ellipsoid(at(-10, 0, 32), axes, (104 * h, 86 * h, 100 * h), hair, clip=clip)
    modeller.limb(at(-48, 0, 0), at(-42, 0, -52), (70 * h, 50 * h), hair)
    if look.long_hair:
        modeller.limb(at(-62, 0, 10), at(-92, 0, -150), (66 * h, 42 * h), hair, across=axes[..., 1], flat=0.6)


def _leg(modeller: Modeller, look: Look, body: Body, side: str) -> None:
    s, foot = look.scale, body.segments[f"{side}_foot"]
    hip, knee, ankle = (body.joint(f"{side}_{name}") for name in ("pelvis", "knee", "ankle"))
    cloth, shoe, sole = Finish(look.trousers, folds=0.14), Finish(look.shoes, gloss=0.4), Finish((24, 22, 22))
    calf, cuff = knee + 0.4 * (ankle - knee), ankle - 20 * s * unit(ankle - knee)
    modeller.limb(hip, knee, (86 * s, 60 * s), cloth)
    modeller.limb(knee, calf, (59 * s, 58 * s), cloth)
    modeller.limb(calf, cuff, (58 * s, 47 * s), cloth)
    left = foot.axes[..., 1]

    def at(x: float, z: float) -> FloatArray:
        return foot.point(s * np.array([x, 0.0, z - _ANKLE_MM]))

    modeller.limb(ankle + 0.5 * (cuff - ankle), at(-16, 42), (37 * s, 36 * s), shoe)
    modeller.limb(at(-38, 33), at(140, 27), (35 * s, 42 * s), shoe, across=left, flat=0.7)
    modeller.limb(at(14, 62), at(105, 36), (34 * s, 34 * s), shoe, across=left, flat=0.9)
    modeller.limb(at(-40, 8), at(144, 8), (39 * s, 45 * s), sole, across=left, flat=0.2)


_SLEEVE = 0.5


def _arm(modeller: Modeller, look: Look, body: Body, side: str) -> None:
    s = look.scale
    shoulder, elbow, wrist = (body.joint(f"{side}_{name}") for name in ("shoulder", "elbow", "wrist"))
    skin, sleeve = Finish(look.skin, gloss=0.12), Finish(look.shirt, folds=0.16)

    def along(share: float) -> FloatArray:
        return np.asarray(elbow + share * (wrist - elbow))

    # Short sleeves: markers sit on the skin.
    hem = shoulder + _SLEEVE * (elbow - shoulder)
    modeller.limb(shoulder, hem, (59 * s, 56 * s), sleeve)
    modeller.limb(hem, elbow, (47 * s, 38 * s), skin)
    modeller.limb(elbow, along(0.22), (38 * s, 41 * s), skin)
    modeller.limb(along(0.22), along(0.5), (41 * s, 36 * s), skin)
    # The distal forearm turns with the radius; it is widest from the thumb's side to the little finger's.
    across = body.segments[f"{side}_radius"].axes[..., 0]
    modeller.limb(along(0.5), wrist, (36 * s, 28 * s), skin, across=across, flat=0.8)


def _hand(modeller: Modeller, look: Look, body: Body, side: str, sign: float) -> None:
    skin, hand = Finish(look.skin, gloss=0.12), body.segments[f"{side}_hand"]

    def bone(name: str) -> Frame:
        return body.segments[f"{side}_{name}"]

    wrist = hand.origin
    knuckles = {finger: bone(f"{finger}_proximal").origin for finger in FINGERS}
    h = float(np.linalg.norm(knuckles["middle"] - wrist, axis=-1).mean() / _KNUCKLE_MM)
    thumb = hand.axes[..., 0]
    for i, finger in enumerate(FINGERS):
        root = hand.point(h * np.array([10.0 - 6.5 * i, 0.0, -14.0]))
        modeller.limb(root, knuckles[finger], (13 * h, 11 * h * _FINGER_THICK[finger]), skin, across=thumb, flat=0.95)
    middle = 0.46 * wrist + 0.27 * (knuckles["index"] + knuckles["pinky"])
    wide = float(np.linalg.norm(knuckles["index"] - knuckles["pinky"], axis=-1).mean())
    modeller.ellipsoid(middle, hand.axes, (0.5 * wide + 5 * h, 15 * h, 46 * h), skin)
    for finger in FINGERS:
        thick = h * _FINGER_THICK[finger]
        chain = [bone(f"{finger}_{name}") for name in ("proximal", "middle", "distal")]
        last = np.linalg.norm(chain[2].origin - chain[1].origin, axis=-1).mean()
        ends = [chain[1].origin, chain[2].origin, _end(chain[2], 0.78 * last - 6 * thick)]
        for n, (part, end) in enumerate(zip(chain, ends, strict=True)):
            modeller.limb(part.origin, end, ((9.6 - 0.9 * n) * thick, (8.7 - 0.9 * n) * thick), skin)
    first, second, third = (bone(f"thumb_{name}") for name in ("metacarpal", "proximal", "distal"))
    ball = hand.point(h * np.array([14.0, -sign * 12.0, -26.0]))
    last = np.linalg.norm(third.origin - second.origin, axis=-1).mean()
    modeller.limb(ball, second.origin, (17 * h, 12.5 * h), skin)
    modeller.limb(first.origin, second.origin, (15 * h, 12 * h), skin)
    modeller.limb(second.origin, third.origin, (12 * h, 10.5 * h), skin)
    modeller.limb(third.origin, _end(third, 0.9 * last - 8 * h), (10.5 * h, 8.5 * h), skin)


def _end(bone: Frame, length_mm: float) -> FloatArray:
    return bone.point(np.array([0.0, 0.0, -length_mm]))
