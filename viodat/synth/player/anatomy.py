"""A player's anatomy: true joint centres, bone lengths and bony landmarks, drawn from published means and scatter.

Nothing here is computed by a regression that an estimator might use. The hip centre lies where imaging studies find it
relative to the width of the pelvis, scattered as people scatter; landmarks are where the skin covers the bone. Lengths
are mm, places are in the segment's own frame (:mod:`viodat.synth.player.body`).

Sources: segment lengths as shares of stature from Drillis and Contini (1966), as printed in Winter, *Biomechanics and
Motor Control of Human Movement*. The hip centre lies near where Bell, Pedersen and Brand (1990, J Biomech 23:617) put
it: 22 % of the inter-ASIS distance behind, 30 % below and 14 % medial of the ASIS; its mean and scatter are viodat's
choice, made so that the regressions of Davis and of Harrington err as they do against imaging (25 ± 7 and 12 ± 6 mm,
Mantovani 2016). Scatter, the shapes of pelvis, hand and foot, and how children differ from adults, are viodat's choice
where no source is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from viodat.synth.player.body import FINGERS
from viodat.synth.player.roster import Person
from viodat.synth.vectors import FloatArray

SIDES: Final = (("left", "L", 1.0), ("right", "R", -1.0))

_LENGTH_SCATTER = 0.03
_SIDE_SCATTER = 0.005
_HIP = (0.205, 0.380, 0.320)
"""Hip centre behind the ASIS, outside the midline and below, in widths of the pelvis."""
_HIP_SCATTER_MM = 4.5
_HIP_SIDES_ALIKE = 0.7
_JOINT_SCATTER_MM = 2.0
_GROWN_MM = 1550.0
_CHILD_MM = 1200.0

# Share of stature, adult and child of 1.20 m.
_SHARES: Final[Mapping[str, tuple[float, float]]] = {
    "upper_arm": (
        0.172,
        0.167,
    ),  # shoulder centre to elbow centre; Drillis and Contini measure from the acromion: 0.186
    "forearm": (0.146, 0.142),
    "hand": (0.108, 0.110),  # wrist to tip of the middle finger
    "thigh": (0.245, 0.235),
    "shank": (0.246, 0.236),
    "ankle_height": (0.039, 0.041),
    "foot": (0.152, 0.155),
    "pelvis_width": (0.139, 0.146),  # between the ASIS
    "shoulder_half_width": (0.105, 0.102),  # midline to shoulder centre
    "head_height": (0.130, 0.155),  # chin to crown
}
_SPINE_SHARE = (0.290, 0.302)
"""Middle of the hip centres to suprasternal notch."""

# Metacarpal and phalanges as shares of the hand's length, and knuckles' places across it (thumb side positive),
# after the proportions of Buryanov and Kotiuk (2010), rounded.
_FINGER_SHARES: Final[Mapping[str, tuple[float, float, tuple[float, float, float]]]] = {
    "index": (0.450, 0.125, (0.245, 0.150, 0.110)),
    "middle": (0.455, 0.020, (0.265, 0.165, 0.115)),
    "ring": (0.420, -0.080, (0.245, 0.155, 0.115)),
    "pinky": (0.385, -0.165, (0.195, 0.115, 0.105)),
}
_THUMB_SHARES = (0.240, 0.185, 0.150)
_THUMB_BASE = (0.095, 0.125)  # towards the thumb side, and down the hand


@dataclass(frozen=True)
class Landmark:
    """A place on the skin over a bone: (3,) mm in ``segment``'s frame, and the (3,) unit normal out of the skin."""

    segment: str
    place: FloatArray
    outward: FloatArray


@dataclass(frozen=True)
class Anatomy:
    """One player's body.

    Attributes
    ----------
    person
        Whose it is.
    mass_kg
        Of the body.
    bones
        Length by name, mm: ``left_upper_arm``, ``left_forearm``, ``left_thigh``, ``left_shank``, ...; finger bones
        ``left_index_proximal`` ..., ``left_thumb_metacarpal`` ...; ``ankle_height``, ``foot``, ``spine`` (mid-hip to
        suprasternal notch), ``head_height``, ``hand``.
    places
        Joint centres in the frame of the segment that carries them, (3,) mm. Pelvis: ``left_hip``, ``spine`` (where the
        thorax turns). Thorax: ``notch_from_spine`` (the notch, seen from ``spine``), ``neck`` (where the head turns),
        ``left_clavicle`` (sternoclavicular joint). Head: ``head`` (between the ears, seen from ``neck``). Clavicle:
        ``left_shoulder``. Hand: ``left_index`` ... ``left_pinky`` (metacarpophalangeal joints), ``left_thumb``
        (carpometacarpal joint).
    landmarks
        Bony landmarks by marker label (``LASI``, ``RKNM`` ...).
    radii
        Radius of the limb at its proximal and distal end by segment, mm.
    pelvis_width, pelvis_depth
        Between the ASIS; between their middle and that of the PSIS.
    leg_length
        ASIS to medial malleolus by side, mm.
    violin_scale
        Size of violin and bow that fits the arm, relative to full size.
    """

    person: Person
    mass_kg: float
    bones: Mapping[str, float]
    places: Mapping[str, FloatArray]
    landmarks: Mapping[str, Landmark]
    radii: Mapping[str, tuple[float, float]]
    pelvis_width: float
    pelvis_depth: float
    leg_length: Mapping[str, float]
    violin_scale: float

    @property
    def scale(self) -> float:
        """Size relative to a body of 1.70 m."""
        return self.person.stature_mm / 1700.0


def draw_anatomy(person: Person, rng: np.random.Generator) -> Anatomy:
    """Draw one body for a person."""
    stature = person.stature_mm
    child = float(np.clip((_GROWN_MM - stature) / (_GROWN_MM - _CHILD_MM), 0.0, 1.0))
    adult = person.age_years >= 18
    bmi = rng.normal(22.5, 2.0) if adult else rng.normal(16.0 + 5.0 * (1 - child), 1.2)
    mass = float(np.round(np.clip(bmi, 14.5, 29.0) * (stature / 1000) ** 2, 1))
    stout = float(np.sqrt(mass / (22.0 * (stature / 1000) ** 2)))

    def length(name: str) -> float:
        grown, small = _SHARES[name]
        return float(stature * (grown + child * (small - grown)) * (1 + _LENGTH_SCATTER * _cut(rng)))

    width, single = length("pelvis_width"), {n: length(n) for n in ("ankle_height", "foot", "hand", "head_height")}
    if person.sex == "female" and adult:
        width *= 1.03
    depth = width * (0.66 + 0.04 * _cut(rng))
    spine = stature * (_SPINE_SHARE[0] + child * (_SPINE_SHARE[1] - _SPINE_SHARE[0])) * (1 + 0.02 * _cut(rng))
    bones: dict[str, float] = {**single, "spine": spine}
    for name in ("upper_arm", "forearm", "thigh", "shank"):
        both = length(name)
        for side, _, _ in SIDES:
            bones[f"{side}_{name}"] = both * (1 + _SIDE_SCATTER * _cut(rng))
    hand = single["hand"]
    for side, _, _ in SIDES:
        for finger in FINGERS:
            for bone, share in zip(("proximal", "middle", "distal"), _FINGER_SHARES[finger][2], strict=True):
                bones[f"{side}_{finger}_{bone}"] = share * hand
        for bone, share in zip(("metacarpal", "proximal", "distal"), _THUMB_SHARES, strict=True):
            bones[f"{side}_thumb_{bone}"] = share * hand

    places, to_pelvis = _pelvis_places(width, depth, rng)
    places |= _trunk_places(stature, spine, length("shoulder_half_width"), single["head_height"], rng)
    places |= _hand_places(hand)
    scale = stature / 1700.0
    radii = {
        name: (a * scale * stout, b * scale * stout)
        for name, (a, b) in {
            "upper_arm": (50.0, 40.0),
            "forearm": (42.0, 33.0),
            "radius": (33.0, 26.0),
            "thigh": (82.0, 56.0),
            "shank": (56.0, 37.0),
        }.items()
    }
    landmarks = _pelvis_landmarks(width, depth, to_pelvis, places)
    landmarks |= _trunk_landmarks(places, scale, single["head_height"])
    for side, mark, sign in SIDES:
        landmarks |= _limb_landmarks(side, mark, sign, bones, places, scale, stout, rng)
    leg = {side: _leg_length(side, mark, bones, places, landmarks) for side, mark, _ in SIDES}
    arm = bones["left_upper_arm"] + bones["left_forearm"] + 0.5 * hand
    return Anatomy(person, mass, bones, places, landmarks, radii, float(width), float(depth), leg, _violin_for(arm))


def _cut(rng: np.random.Generator) -> float:
    """Draw from the standard normal distribution, cut at ±2.5."""
    return float(np.clip(rng.normal(), -2.5, 2.5))


def _violin_for(arm_mm: float) -> float:
    """Size of the instrument for an arm from shoulder to mid-palm; makers' sizes 4/4, 3/4, 1/2, 1/4, 1/8.

    The lengths of the bodies are those of makers (356, 335, 310, 285, 255 mm); the arms they are for are
    teachers' rules of thumb, rounded.
    """
    for least, body in ((555.0, 356.0), (515.0, 335.0), (465.0, 310.0), (415.0, 285.0)):
        if arm_mm >= least:
            return body / 356.0
    return 255.0 / 356.0


def _pelvis_places(
    width: float, depth: float, rng: np.random.Generator
) -> tuple[dict[str, FloatArray], tuple[FloatArray, FloatArray]]:
    """Hip centres in the pelvis' frame, and (rotation, shift) from the plane of ASIS and PSIS into that frame."""
    shared = _HIP_SIDES_ALIKE * np.array([_cut(rng) for _ in range(3)])
    hips = {}
    for side, _, sign in SIDES:
        own = np.sqrt(1 - _HIP_SIDES_ALIKE**2) * np.array([_cut(rng) for _ in range(3)])
        scatter = _HIP_SCATTER_MM * width / 240.0 * (shared + own)
        # Shared scatter moves both hips forward, outward and up together.
        hips[side] = np.array([-_HIP[0], sign * _HIP[1], -_HIP[2]]) * width + scatter * np.array([1.0, sign, 1.0])
    tilt = np.deg2rad(12.0 + 4.0 * _cut(rng))  # the PSIS stand higher than the ASIS
    rotation = np.array([[np.cos(tilt), 0, np.sin(tilt)], [0, 1, 0], [-np.sin(tilt), 0, np.cos(tilt)]])
    middle = (hips["left"] + hips["right"]) / 2
    shift = -rotation @ middle
    places = {f"{side}_hip": rotation @ hips[side] + shift for side in hips}
    places["spine"] = rotation @ np.array([-0.55 * depth, 0.0, 0.12 * width]) + shift
    return places, (rotation, shift)


def _trunk_places(
    stature: float, spine: float, half_width: float, head: float, rng: np.random.Generator
) -> dict[str, FloatArray]:
    s = stature / 1700.0
    joint = np.array([-25.0 * s, 0.0, 105.0 * s])
    places = {
        "notch_from_spine": np.array([35.0 * s, 0.0, spine - joint[2]]),
        "neck": np.array([-65.0 * s, 0.0, 45.0 * s]),
        "head": np.array([20.0 * s, 0.0, 0.62 * head]),
    }
    for side, _, sign in SIDES:
        places[f"{side}_clavicle"] = np.array([-10.0 * s, sign * 22.0 * s, -5.0 * s])
        places[f"{side}_shoulder"] = np.array(
            [-45.0 * s + 4 * _cut(rng), sign * (half_width - 22.0 * s), -12.0 * s + 6 * _cut(rng)]
        )
    return places


def _hand_places(hand: float) -> dict[str, FloatArray]:
    places = {}
    for side, _, sign in SIDES:
        for finger, (along, across, _) in _FINGER_SHARES.items():
            # Knuckles form an arch, its back away from the palm; the left palm faces -y.
            arch = 0.02 * hand * (1 - (across / 0.16) ** 2)
            places[f"{side}_{finger}"] = np.array([across * hand, sign * arch, -along * hand])
        places[f"{side}_thumb"] = np.array([_THUMB_BASE[0] * hand, -sign * 0.05 * hand, -_THUMB_BASE[1] * hand])
    return places


def _normal(*v: float) -> FloatArray:
    return np.asarray(np.asarray(v) / np.linalg.norm(v))


def _pelvis_landmarks(
    width: float, depth: float, to_pelvis: tuple[FloatArray, FloatArray], places: Mapping[str, FloatArray]
) -> dict[str, Landmark]:
    rotation, shift = to_pelvis
    out = {}
    for _, mark, sign in SIDES:
        for stem, at, normal in (
            ("ASI", (0.0, sign * width / 2, 0.0), (0.9, 0.35 * sign, 0.1)),
            ("PSI", (-depth, sign * 0.19 * width, 0.0), (-1.0, 0.1 * sign, 0.1)),
            ("ILC", (-0.35 * depth, sign * 0.60 * width, 0.22 * width), (0.1, sign, 0.3)),
            ("TRO", (-0.35 * depth, sign * 0.70 * width, -0.36 * width), (-0.1, sign, 0.0)),
        ):
            place = rotation @ np.array(at) + shift
            segment = "pelvis"
            if stem == "TRO":
                segment = f"{'left' if sign > 0 else 'right'}_thigh"
                place = place - places["left_hip" if sign > 0 else "right_hip"]
            out[mark + stem] = Landmark(segment, place, rotation @ _normal(*normal))
    return out


def _trunk_landmarks(places: Mapping[str, FloatArray], s: float, head: float) -> dict[str, Landmark]:
    h = head / 221.0  # of a body of 1.70 m
    out = {
        "CLAV": Landmark("thorax", np.array([4.0, 0.0, -4.0]) * s, _normal(0.8, 0, 0.3)),
        "STRN": Landmark("thorax", np.array([28.0, 0.0, -160.0]) * s, _normal(1.0, 0, 0.1)),
        "C7": Landmark("thorax", np.array([-128.0, 0.0, 62.0]) * s, _normal(-0.8, 0, 0.5)),
        "T10": Landmark("thorax", np.array([-148.0, 0.0, -205.0]) * s, _normal(-1.0, 0, 0.0)),
        "T5": Landmark("thorax", np.array([-155.0, 0.0, -85.0]) * s, _normal(-1.0, 0, 0.1)),
        "RBAK": Landmark("thorax", np.array([-150.0, -75.0, -95.0]) * s, _normal(-1.0, -0.2, 0)),
        "LBAK": Landmark("thorax", np.array([-150.0, 82.0, -105.0]) * s, _normal(-1.0, 0.2, 0)),
        "TOP": Landmark("head", np.array([-5.0, 0.0, 122.0]) * h, _normal(0, 0, 1.0)),
    }
    for side, mark, sign in SIDES:
        out[f"{mark}FHD"] = Landmark("head", np.array([82.0, sign * 52.0, 62.0]) * h, _normal(0.85, 0.5 * sign, 0.2))
        out[f"{mark}BHD"] = Landmark("head", np.array([-88.0, sign * 48.0, 52.0]) * h, _normal(-0.85, 0.5 * sign, 0.2))
        shoulder, clavicle = places[f"{side}_shoulder"], f"{side}_clavicle"
        out[f"{mark}SHO"] = Landmark(
            clavicle, shoulder + np.array([-2.0, sign * 8.0, 40.0]) * s, _normal(0, 0.2 * sign, 1.0)
        )
        out[f"{mark}SHA"] = Landmark(
            clavicle, shoulder + np.array([46.0, sign * 2.0, -4.0]) * s, _normal(1.0, 0.1 * sign, 0)
        )
        out[f"{mark}SHP"] = Landmark(
            clavicle, shoulder + np.array([-46.0, sign * 2.0, -4.0]) * s, _normal(-1.0, 0.1 * sign, 0)
        )
    return out


def _limb_landmarks(
    side: str,
    mark: str,
    sign: float,
    bones: Mapping[str, float],
    places: Mapping[str, FloatArray],
    s: float,
    stout: float,
    rng: np.random.Generator,
) -> dict[str, Landmark]:
    """Landmarks of one arm and leg; a joint's centre is not quite midway between its epicondyles."""

    def off() -> FloatArray:
        return _JOINT_SCATTER_MM * s * np.array([_cut(rng), _cut(rng), _cut(rng)])

    upper, thigh, shank = (bones[f"{side}_{n}"] for n in ("upper_arm", "thigh", "shank"))
    hand, foot, height = bones["hand"], bones["foot"], bones["ankle_height"]
    half = {"elbow": 33.0 * s, "wrist": 28.0 * s, "knee": 51.0 * s * np.sqrt(stout), "ankle": 35.0 * s}
    half = {joint: mm * (1 + 0.04 * _cut(rng)) for joint, mm in half.items()}
    out: dict[str, Landmark] = {}
    miss = off()
    # In the neutral posture the palms face the thighs and the elbow's axis still runs across: lateral is outward.
    for stem, segment, at, joint, outward in (
        ("ELB", "upper_arm", (0, 0, -upper), "elbow", (0.0, sign, 0.0)),
        ("ELM", "upper_arm", (0, 0, -upper), "elbow", (0.0, -sign, 0.0)),
        ("KNE", "thigh", (0, 0, -thigh), "knee", (0.0, sign, 0.0)),
        ("KNM", "thigh", (0, 0, -thigh), "knee", (0.0, -sign, 0.0)),
        ("ANK", "shank", (0, 0, -shank), "ankle", (-0.1, sign, 0.0)),
        ("MED", "shank", (0, 0, -shank), "ankle", (0.1, -sign, 0.0)),
        # The styloids of a hand whose palm faces the thigh: the radial one in front.
        ("WRA", "radius", (0, 0, 0), "wrist", (1.0, 0.15 * sign, 0.0)),
        ("WRB", "radius", (0, 0, 0), "wrist", (-1.0, 0.15 * sign, 0.0)),
    ):
        normal = _normal(*outward)
        if stem in ("ELB", "KNE", "ANK", "WRA"):
            miss = off()
        out[mark + stem] = Landmark(f"{side}_{segment}", np.array(at) + half[joint] * normal + miss, normal)
    thick = 0.075 * hand
    dorsal = _normal(0.0, sign, 0.0)
    for stem, finger, lift in (
        ("FIN", "middle", 0.012),
        ("IDX", "index", 0.0),
        ("RNG", "ring", 0.0),
        ("PNK", "pinky", 0.0),
    ):
        place = places[f"{side}_{finger}"] + np.array([0.0, sign * thick, lift * hand])
        out[mark + stem] = Landmark(f"{side}_hand", place, dorsal)
    for stem, finger in (("IDX", "index"), ("MDL", "middle"), ("RNG", "ring"), ("PNK", "pinky")):
        depth = 0.048 * hand
        for n, bone in ((2, "proximal"), (3, "middle"), (4, "distal")):
            length = bones[f"{side}_{finger}_{bone}"] * (0.8 if bone == "distal" else 1.0)
            out[f"{mark}{stem}{n}"] = Landmark(
                f"{side}_{finger}_{bone}", np.array([0.0, sign * depth * (1 - 0.1 * n), -length]), dorsal
            )
    for n, bone in ((1, "metacarpal"), (2, "proximal"), (3, "distal")):
        length = bones[f"{side}_thumb_{bone}"] * (0.8 if bone == "distal" else 1.0)
        out[f"{mark}THM{n}"] = Landmark(
            f"{side}_thumb_{bone}",
            np.array([0.3, sign * 0.95, 0.0]) * 0.055 * hand + np.array([0, 0, -length]),
            _normal(0.3, sign, 0),
        )
    out[f"{mark}HEE"] = Landmark(f"{side}_foot", np.array([-0.27 * foot, 0.0, -0.45 * height]), _normal(-1, 0, 0))
    out[f"{mark}TOE"] = Landmark(
        f"{side}_foot", np.array([0.50 * foot, sign * 0.02 * foot, -0.45 * height]), _normal(0.1, 0, 1)
    )
    out[f"{mark}MT1"] = Landmark(
        f"{side}_foot", np.array([0.47 * foot, -sign * 0.14 * foot, -0.60 * height]), _normal(0, -sign, 0.4)
    )
    out[f"{mark}MT5"] = Landmark(
        f"{side}_foot", np.array([0.38 * foot, sign * 0.17 * foot, -0.70 * height]), _normal(0, sign, 0.4)
    )
    out[f"{mark}TUB"] = Landmark(f"{side}_shank", np.array([46.0 * s, 0.0, -0.12 * shank]), _normal(1, 0, 0))
    return out


def _leg_length(
    side: str,
    mark: str,
    bones: Mapping[str, float],
    places: Mapping[str, FloatArray],
    landmarks: Mapping[str, Landmark],
) -> float:
    """ASIS to medial malleolus with the leg straight, mm."""
    knee = places[f"{side}_hip"] - np.array([0, 0, bones[f"{side}_thigh"]])
    malleolus = knee + landmarks[f"{mark}MED"].place
    return float(np.linalg.norm(malleolus - landmarks[f"{mark}ASI"].place))
