"""A violinist as shaded solids around the 18 joints: what the cameras of the simulated lab see.

A :class:`Posture` says where joints, feet, head, violin and bow are at T instants; :func:`figures` clothes it. Sizes
are those of a body of 1.70 m times ``scale``. Mm, world frame, Z up, floor at z = 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from viodat.joints import JOINT_INDEX
from viodat.synth.picture.instrument import add_bow, add_violin
from viodat.synth.picture.solids import Figures, Finish, Modeller
from viodat.synth.picture.textures import FACE
from viodat.synth.vectors import FloatArray, rejected, unit

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Posture:
    """Where the player is at T instants; mm, world frame.

    Attributes
    ----------
    joints
        (T, 18, 3) centres in the order of :data:`viodat.joints.JOINTS`.
    heels, toes
        (T, 2, 3), left then right.
    head, head_axes
        (T, 3) middle of the skull between the ears, (T, 3, 3) columns forward, left, up.
    violin, violin_axes
        (T, 3) and (T, 3, 3), the frame of :mod:`viodat.synth.picture.instrument`; None leaves violin and bow out.
    bow_frog, bow_tip
        (T, 3) ends of the bow's hair.
    """

    joints: FloatArray
    heels: FloatArray
    toes: FloatArray
    head: FloatArray
    head_axes: FloatArray
    violin: FloatArray | None = None
    violin_axes: FloatArray | None = None
    bow_frog: FloatArray | None = None
    bow_tip: FloatArray | None = None

    def joint(self, name: str) -> FloatArray:
        """(T, 3) of one of the 18 joints."""
        return np.asarray(self.joints[:, JOINT_INDEX[name]])


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

        skin, hair, shirt = one(_SKINS), one(_HAIRS), one(_SHIRTS)
        return Look(scale, violin_scale, skin, hair, shirt, one(_TROUSERS), long_hair=bool(rng.random() < 0.5))


_SKINS: tuple[Rgb, ...] = ((232, 186, 160), (222, 172, 142), (198, 146, 112), (150, 102, 76), (112, 76, 58))
_HAIRS: tuple[Rgb, ...] = ((62, 42, 30), (30, 26, 26), (120, 84, 48), (176, 140, 88), (120, 116, 112))
_SHIRTS: tuple[Rgb, ...] = ((58, 92, 142), (150, 56, 58), (222, 220, 212), (66, 112, 84), (96, 84, 128), (52, 54, 60))
_TROUSERS: tuple[Rgb, ...] = ((62, 60, 66), (56, 70, 102), (112, 100, 84), (40, 40, 44))

# Length of the three phalanges and how far the knuckle lies from the index' (0) towards the little finger's (1).
_FINGERS = (
    (0.0, (43.0, 25.0, 20.0)),
    (0.33, (47.0, 29.0, 21.0)),
    (0.67, (44.0, 27.0, 21.0)),
    (1.0, (35.0, 20.0, 18.0)),
)
_LEFT_CURL = (0.75, 1.0, 0.75)
_RIGHT_CURL = (0.55, 0.75, 0.4)
_REST_CURL = (0.3, 0.35, 0.2)


def figures(posture: Posture, look: Look) -> Figures:
    """Clothe the posture: about 110 solids at T instants."""
    modeller = Modeller(len(posture.joints))
    shoulders = posture.joint("left_shoulder"), posture.joint("right_shoulder")
    hips = posture.joint("left_pelvis"), posture.joint("right_pelvis")
    neck, root = (shoulders[0] + shoulders[1]) / 2, (hips[0] + hips[1]) / 2
    up = unit(neck - root)
    left = rejected(shoulders[0] - shoulders[1], up)
    trunk = np.stack([np.cross(left, up), left, up], axis=-1)
    hips_left = rejected(hips[0] - hips[1], up)
    _trunk(modeller, look, neck, root, trunk, np.stack([np.cross(hips_left, up), hips_left, up], axis=-1))
    _head(modeller, look, posture, neck + trunk @ (look.scale * np.array([-6.0, 0, 25])))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _leg(modeller, look, posture, side, hips_left)
        _arm(modeller, look, posture, side, sign)
    if posture.violin is not None and posture.violin_axes is not None:
        add_violin(modeller, posture.violin, posture.violin_axes, look.violin_scale)
        if posture.bow_frog is not None and posture.bow_tip is not None:
            add_bow(modeller, posture.bow_frog, posture.bow_tip, posture.violin_axes[..., 2])
    return modeller.built()


def _trunk(
    modeller: Modeller, look: Look, neck: FloatArray, root: FloatArray, trunk: FloatArray, pelvis: FloatArray
) -> None:
    s = look.scale
    shirt, cloth, skin = Finish(look.shirt, folds=0.16), Finish(look.trousers, folds=0.08), Finish(look.skin, gloss=0.1)

    def at(x: float, y: float, z: float) -> FloatArray:
        return np.asarray(neck + trunk @ (s * np.array([x, y, z])))

    def low(x: float, y: float, z: float) -> FloatArray:
        return np.asarray(root + pelvis @ (s * np.array([x, y, z])))

    left = trunk[..., 1]
    modeller.ellipsoid(low(-12, 0, 10), pelvis, (108 * s, 160 * s, 105 * s), cloth)
    belt = Finish((40, 30, 26), gloss=0.3)
    modeller.ellipsoid(low(-4, 0, 92), pelvis, (106 * s, 150 * s, 22 * s), belt)
    modeller.limb(low(0, 0, 112), at(0, 0, -215), (143 * s, 148 * s), shirt, across=left, flat=0.68)
    modeller.limb(at(0, 0, -215), at(-4, 0, -95), (150 * s, 146 * s), shirt, across=left, flat=0.72)
    modeller.ellipsoid(at(-4, 0, -90), trunk, (104 * s, 158 * s, 118 * s), shirt)
    modeller.limb(at(-8, -118, -22), at(-8, 118, -22), (64 * s, 64 * s), shirt, across=trunk[..., 2], flat=1.05)
    for sign in (1.0, -1.0):
        modeller.limb(at(-10, sign * 135, 8), at(-12, sign * 38, 52), (42 * s, 40 * s), shirt)
    modeller.limb(at(-8, 0, 40), at(-2, 0, 66), (63 * s, 58 * s), shirt, across=left, flat=0.95)
    modeller.ellipsoid(at(34, 0, 48), trunk, (34 * s, 36 * s, 34 * s), skin)


def _head(modeller: Modeller, look: Look, posture: Posture, neck: FloatArray) -> None:
    s, axes = look.scale, posture.head_axes
    skin, lips, hair = (
        Finish(look.skin, gloss=0.12),
        Finish(look.skin, gloss=0.12, texture=FACE),
        Finish(look.hair, gloss=0.2),
    )

    def at(x: float, y: float, z: float) -> FloatArray:
        return np.asarray(posture.head + axes @ (s * np.array([x, y, z])))

    def face_on(ry: float, rz: float, up: float) -> FloatArray:
        # The sheet is 160 mm wide and 200 mm high around the middle of the face, 12 mm below the skull's.
        return np.array([[0, -ry / 160, 0, 0.5], [0, 0, -rz / 200, 0.5 - (up + 12) / 200], [1.0, 0, 0, -0.1]])

    modeller.limb(neck, at(-22, 0, -50), (56 * s, 54 * s), skin)
    modeller.ellipsoid(at(0, 0, 22), axes, (97 * s, 77 * s, 92 * s), lips, mapping=face_on(77, 92, 22))
    modeller.ellipsoid(at(18, 0, -30), axes, (76 * s, 66 * s, 84 * s), lips, mapping=face_on(66, 84, -30))
    modeller.limb(at(88, 0, 6), at(104, 0, -24), (9 * s, 13 * s), skin)
    for sign in (1.0, -1.0):
        modeller.ellipsoid(at(97, sign * 9, -28), axes, (9 * s, 10 * s, 7 * s), skin)
        modeller.ellipsoid(at(-8, sign * 77, -8), axes, (20 * s, 9 * s, 32 * s), skin)
    clip = (0.8, 0.0, -0.6, 0.28)
    modeller.ellipsoid(at(-10, 0, 32), axes, (104 * s, 86 * s, 100 * s), hair, clip=clip)
    modeller.limb(at(-48, 0, 0), at(-42, 0, -52), (70 * s, 50 * s), hair)
    if look.long_hair:
        modeller.limb(at(-62, 0, 10), at(-92, 0, -150), (66 * s, 42 * s), hair, across=axes[..., 1], flat=0.6)


def _leg(modeller: Modeller, look: Look, posture: Posture, side: str, left: FloatArray) -> None:
    s, number = look.scale, 0 if side == "left" else 1
    hip, knee, ankle = (posture.joint(f"{side}_{name}") for name in ("pelvis", "knee", "ankle"))
    heel, toe = posture.heels[:, number], posture.toes[:, number]
    cloth, shoe, sole = Finish(look.trousers, folds=0.14), Finish(look.shoes, gloss=0.4), Finish((24, 22, 22))
    modeller.limb(hip, knee, (86 * s, 60 * s), cloth)
    modeller.limb(knee, knee + 0.4 * (ankle - knee), (59 * s, 58 * s), cloth)
    modeller.limb(knee + 0.4 * (ankle - knee), ankle - 20 * s * unit(ankle - knee), (58 * s, 47 * s), cloth)
    modeller.limb(ankle - 10 * s * unit(ankle - knee), ankle + 0.3 * (heel - ankle), (36 * s, 36 * s), shoe)
    along = unit(toe - heel)
    level = np.cross(np.array([0.0, 0.0, 1.0]), along)
    raised = np.array([0.0, 0.0, 12 * s])
    modeller.limb(heel + raised, toe + raised * 0.4, (37 * s, 42 * s), shoe, across=level, flat=0.72)
    modeller.limb(ankle + 12 * s * along, toe - 40 * s * along, (34 * s, 34 * s), shoe, across=level, flat=0.9)
    grounded = np.array([1.0, 1.0, 0.0])
    flat = np.array([0.0, 0.0, 8 * s])
    modeller.limb(heel * grounded + flat, toe * grounded + flat, (40 * s, 45 * s), sole, across=level, flat=0.2)


def _arm(modeller: Modeller, look: Look, posture: Posture, side: str, sign: float) -> None:
    s = look.scale
    shoulder, elbow, wrist = (posture.joint(f"{side}_{name}") for name in ("shoulder", "elbow", "wrist"))
    skin, sleeve = Finish(look.skin, gloss=0.12), Finish(look.shirt, folds=0.16)
    modeller.limb(shoulder, shoulder + 0.35 * (elbow - shoulder), (61 * s, 57 * s), sleeve)
    modeller.limb(shoulder + 0.35 * (elbow - shoulder), elbow, (57 * s, 46 * s), sleeve)
    modeller.limb(elbow, elbow + 0.25 * (wrist - elbow), (46 * s, 45 * s), sleeve)
    modeller.limb(elbow + 0.2 * (wrist - elbow), elbow + 0.5 * (wrist - elbow), (40 * s, 37 * s), skin)
    index, pinky, thumb = (posture.joint(f"{side}_{name}") for name in ("index", "pinky", "thumb"))
    knuckles = (index + pinky) / 2
    distal = unit(knuckles - wrist)
    across = rejected(index - pinky, distal)
    modeller.limb(elbow + 0.5 * (wrist - elbow), wrist, (37 * s, 28 * s), skin, across=across, flat=0.88)
    palmar = sign * np.cross(distal, across)
    palm = np.stack([palmar, across, distal], axis=-1)
    length = np.linalg.norm(knuckles - wrist, axis=-1).mean()
    modeller.limb(wrist, wrist + 0.85 * (knuckles - wrist), (26 * s, 36 * s), skin, across=across, flat=0.5)
    modeller.ellipsoid(wrist + 0.62 * (knuckles - wrist), palm, (17 * s, 43 * s, 0.55 * length), skin)
    curl = _REST_CURL if posture.violin is None else (_LEFT_CURL if side == "left" else _RIGHT_CURL)
    for share, phalanges in _FINGERS:
        start, angle = (1 - share) * index + share * pinky, 0.0
        for bone, (long, bend) in enumerate(zip(phalanges, curl, strict=True)):
            angle += bend
            end = start + long * s * (np.cos(angle) * distal + np.sin(angle) * palmar)
            radius = (9.5 - 0.9 * bone) * s * (1 - 0.12 * share)
            modeller.limb(start, end, (radius, radius * 0.93), skin)
            start = end
    root = wrist + s * (22 * distal + 24 * across + 10 * palmar)
    middle = 0.5 * (root + thumb) + 8 * s * across
    modeller.limb(root, middle, (17 * s, 12.5 * s), skin)
    modeller.limb(middle, thumb, (12.5 * s, 10.5 * s), skin)
    modeller.limb(thumb, thumb + 26 * s * unit(unit(thumb - root) + distal), (10.5 * s, 8.5 * s), skin)
