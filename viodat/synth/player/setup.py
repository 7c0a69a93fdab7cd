"""Choose how one player holds violin and bow, so that every string is reached from frog to tip in comfort.

A teacher sets a pupil up by trying: turn the violin, raise the elbow, move the hand, until nothing is forced.
:func:`find_hold` does so once per player by least squares over strings, bow positions and places on the neck; what is
comfortable, and how novices differ, are viodat's choice after violin teaching. Angles rad, lengths mm, thorax' frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import least_squares

from viodat.synth.music.score import Level
from viodat.synth.music.violin import HAIR_MM, INCLINE_RAD, STRING_MM, STRINGS
from viodat.synth.picture.instrument import CHIN_REST, NECK_WIDE_MM
from viodat.synth.player.anatomy import Anatomy
from viodat.synth.player.body import FINGERS, Frame
from viodat.synth.player.hands import PAD_MM, USUAL_SEMITONES, digits_of, thumb_on_neck
from viodat.synth.player.hold import (
    Bowing,
    Hold,
    Stopping,
    bow_frame,
    bow_reach,
    neck_reach,
    placed_arm,
    string_place,
    violin_frame,
)
from viodat.synth.player.kinematics import Digit
from viodat.synth.vectors import FloatArray, turned

JAW: Final = (56.0, 30.0, -84.0)
"""Where the jaw rests on the chin rest, in the head's frame, of a head 221 mm high; viodat's choice."""
_EDGE_MM = 25.0
_COMFORTABLE, _STRETCHED = 0.935, 0.006
_NEAR_TIP, _OPEN_ELBOW = 0.9, 0.7
"""Near the tip the bow arm is nearly straight: elbow bent by some 40°."""
_MOST_FORWARD = 0.44
"""Protraction of the collarbone at the tip that is still easy: 25°."""
_LEAST_CROOKED: Final = {"novice": 0.10, "intermediate": 0.05, "advanced": 0.01}
"""The straightest bow of each level, rad, as in viodat.synth.music.performance: it needs the longest arm."""
_TRIES = 30
_UPPER_BOUT: Final = ((277.0, 0.0, 19.0), (79.0, 84.0, 27.0))
"""Middle and half size of the violin's upper bout, violin's frame; as drawn."""


@dataclass(frozen=True)
class Habits:
    """What a player finds comfortable, rad: added to the usual. ``crooked`` is how far askew the bow is at its ends."""

    pitch: float
    roll: float
    yaw: float
    elbow: float
    wrist: float
    raised: float
    collapsed: float
    arm_vibrato: float
    crooked: float


def draw_habits(level: Level, rng: np.random.Generator) -> Habits:
    """Draw habits: a novice's violin droops, the right shoulder is raised, the left wrist collapsed."""
    novice = {"novice": 1.0, "intermediate": 0.35, "advanced": 0.0}[level]
    spread = 0.5 + 0.5 * novice
    return Habits(
        pitch=novice * rng.uniform(0.05, 0.18) + rng.normal(0, 0.03),
        roll=-0.08 * novice + rng.normal(0, 0.04),
        yaw=rng.normal(0, 0.08),
        elbow=spread * float(np.clip(rng.normal(-0.05 * novice, 0.16), -0.32, 0.24)),
        wrist=spread * rng.normal(0, 0.08),
        raised=novice * rng.uniform(0.05, 0.14),
        collapsed=novice * rng.uniform(0.3, 0.6) + rng.normal(0, 0.05),
        arm_vibrato=float(np.clip(rng.uniform(0.3, 1.1), 0.3, 1.0)),
        crooked=_LEAST_CROOKED[level],
    )


def find_hold(anatomy: Anatomy, habits: Habits, scale: float) -> Hold:
    """Hold a violin and a bow of size ``scale``."""
    bowing, stopping = _strokes(scale, habits.crooked), _stops(scale)
    digits = digits_of(anatomy)
    usual_bow, usual_neck = _start(_BOW), _start(_NECK)
    usual_bow[:3] += habits.yaw, habits.pitch, habits.roll

    def bow_residuals(x: FloatArray) -> FloatArray:
        hold = _hold_of(x, usual_neck, anatomy, habits, scale)
        return np.concatenate([(x - usual_bow) / _width(_BOW), _bow_comfort(hold, anatomy, habits, bowing)])

    bow = least_squares(bow_residuals, usual_bow, max_nfev=_TRIES, ftol=1e-4, xtol=1e-4).x

    def neck_residuals(x: FloatArray) -> FloatArray:
        hold = _hold_of(bow, x, anatomy, habits, scale)
        return np.concatenate(
            [(x - usual_neck) / _width(_NECK), _neck_comfort(hold, anatomy, habits, digits, stopping)]
        )

    neck = least_squares(neck_residuals, usual_neck, max_nfev=_TRIES, ftol=1e-4, xtol=1e-4).x
    return _hold_of(bow, neck, anatomy, habits, scale)


_Search = Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]
_BOW: Final[_Search] = {
    "violin": ((0.70, -0.02, 0.30), (0.12, 0.05, 0.08)),  # yaw, pitch, roll
    "beside": ((0.35,), (0.20,)),
    "height_mm": ((-8.0,), (10.0,)),  # of a body of 1.70 m, as is the grip
    "head": ((0.55, 0.05, -0.15), (0.15, 0.08, 0.10)),
    "hand_turn": ((0.40, 0.15, -0.15), (0.10, 0.10, 0.10)),
    "hand_pitch": ((0.30, 0.05, -0.05), (0.10, 0.07, 0.10)),
    "hand_roll": ((0.20, 0.25, 0.30), (0.08, 0.08, 0.08)),
    "elbow": ((0.60, 0.20, -0.18), (0.12, 0.10, 0.15)),
    "shoulder": ((0.0, 0.20, 0.02, 0.05), (0.06, 0.10, 0.03, 0.03)),
    "grip_mm": ((-4.0,), (5.0,)),
}
_NECK: Final[_Search] = {
    "neck_hand": (
        (0.15, 0.30, 0.30, 0.10, 0.0, 0.05, 0.0, 0.0, 0.0),
        (0.2, 0.15, 0.10, 0.08, 0.05, 0.05) + 3 * (0.15,),
    ),
    "neck_place": ((-4.0, -29.0, -33.0), (6.0, 3.0, 3.0)),  # of a body of 1.70 m and a full-size violin
    "neck_thumb": ((12.0, -13.0), (8.0, 4.0)),
    "neck_elbow": ((0.45, 0.15), (0.15, 0.06)),
    "neck_shoulder": ((0.08, 0.05), (0.06, 0.04)),
}
"""Where the search starts, and how far a player strays from there without discomfort: see :class:`Hold`."""


def _start(search: _Search) -> FloatArray:
    return np.concatenate([first for first, _ in search.values()])


def _width(search: _Search) -> FloatArray:
    return np.concatenate([width for _, width in search.values()])


def _named(x: FloatArray, search: _Search) -> dict[str, FloatArray]:
    ends = np.cumsum([len(first) for first, _ in search.values()])
    return dict(zip(search, np.split(x, ends[:-1]), strict=True))


def _hold_of(x: FloatArray, y: FloatArray, anatomy: Anatomy, habits: Habits, scale: float) -> Hold:
    s = anatomy.scale
    bow, neck = _named(x, _BOW), _named(y, _NECK)
    yaw, pitch, roll = (float(angle) for angle in bow["violin"])
    return Hold(
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        beside=float(bow["beside"][0]),
        height_mm=float(bow["height_mm"][0]) * s,
        head=bow["head"],
        hand_turn=bow["hand_turn"],
        hand_pitch=bow["hand_pitch"],
        hand_roll=bow["hand_roll"],
        elbow=bow["elbow"],
        shoulder=bow["shoulder"] + np.array([0.0, 0.0, habits.raised, 0.0]),
        grip_mm=float(bow["grip_mm"][0]) * s,
        neck_hand=neck["neck_hand"],
        neck_place=neck["neck_place"] * np.array([s, scale, scale]),
        neck_thumb=neck["neck_thumb"] * scale,
        neck_elbow=neck["neck_elbow"],
        neck_shoulder=neck["neck_shoulder"],
        arm_vibrato=habits.arm_vibrato,
    )


def _strokes(scale: float, crooked: float) -> Bowing:
    """Poses to try: five places on the bow on four strings; near the tip far from the bridge, which needs most arm."""
    hair = HAIR_MM * scale
    at = np.linspace(_EDGE_MM, hair - _EDGE_MM, 5)
    lean = np.array([INCLINE_RAD[s] for s in STRINGS])
    bow, incline = (m.ravel() for m in np.meshgrid(at, lean))
    zero = np.zeros_like(bow)
    skew = crooked * (2 * bow / hair - 1)
    return Bowing(bow, zero, zero, 30.0 + 22.0 * bow / hair, incline, skew, zero + 0.5, incline, scale)


def _stops(scale: float) -> Stopping:
    """Places of the hand to try: first, third and fifth position under each string."""
    lean = np.array([INCLINE_RAD[s] for s in STRINGS])
    hand, incline = (m.ravel() for m in np.meshgrid(np.array([36.0, 82.0, 133.0]) * scale, lean))
    return Stopping(hand, np.zeros_like(hand), incline, scale)


def head_frame(hold: Hold, anatomy: Anatomy, nod: FloatArray) -> Frame:
    """Head in the thorax' frame; ``nod`` (T, 3) adds turn, nod and tilt, rad."""
    axes = turned(hold.head[0] + nod[:, 0], hold.head[1] + nod[:, 1], hold.head[2] + nod[:, 2])
    return Frame(anatomy.places["neck"] + axes @ anatomy.places["head"], axes)


def _over(x: FloatArray, limit: float, width: float) -> FloatArray:
    """Nothing up to a limit, then linear."""
    return np.maximum(x - limit, 0.0) / width


def _bow_comfort(hold: Hold, anatomy: Anatomy, habits: Habits, bowing: Bowing) -> FloatArray:
    still = np.zeros((1, 3))
    violin = violin_frame(hold, anatomy, bowing.scale, still)
    many = Frame(np.repeat(violin.origin, len(bowing.bow_mm), 0), np.repeat(violin.axes, len(bowing.bow_mm), 0))
    reach = bow_reach(hold, anatomy, bow_frame(many, bowing), bowing, np.zeros(len(bowing.bow_mm)))
    placed = placed_arm(anatomy, "right", -1.0, reach)
    head = head_frame(hold, anatomy, still)
    jaw = head.point(anatomy.bones["head_height"] / 221.0 * np.array(JAW))
    gap = (jaw - violin.point(bowing.scale * np.array(CHIN_REST)))[0] / 3.0
    share = bowing.bow_mm / (HAIR_MM * bowing.scale)
    wrist = placed.wrist
    return np.concatenate(
        [
            gap,
            (wrist.flexion - (0.25 - 0.35 * share) - habits.wrist) / 0.25,
            _over(np.abs(wrist.flexion), 0.75, 0.05),
            wrist.deviation / 0.30,
            _over(wrist.deviation, 0.28, 0.03),
            _over(-wrist.deviation, 0.45, 0.03),
            _over(wrist.pronation, 1.15, 0.05),
            (wrist.pronation - 0.8) / 0.6,
            _over(placed.stretch, _COMFORTABLE, _STRETCHED),
            _over(placed.elbow, 1.95, 0.08),
            (placed.elbow[share > _NEAR_TIP] - _OPEN_ELBOW) / 0.2,
            [
                max(hold.shoulder[1] - _MOST_FORWARD, 0.0) / 0.02,
                (hold.elbow[0] - _BOW["elbow"][0][0] - habits.elbow) / 0.08,
                (hold.pitch - _BOW["violin"][0][1] - habits.pitch) / 0.03,
            ],
        ]
    )


def _neck_comfort(
    hold: Hold, anatomy: Anatomy, habits: Habits, digits: Mapping[str, Digit], stopping: Stopping
) -> FloatArray:
    count = len(stopping.hand_mm)
    violin = violin_frame(hold, anatomy, stopping.scale, np.zeros((count, 3)))
    placed = placed_arm(anatomy, "left", 1.0, neck_reach(hold, anatomy, violin, stopping, np.zeros(count)))
    wrist, hand = placed.wrist, placed.segments["left_hand"]
    string = stopping.elbow_rad
    shapes = []
    for finger, semitones in zip(FINGERS, USUAL_SEMITONES, strict=True):
        stop = stopping.hand_mm + (STRING_MM * stopping.scale - stopping.hand_mm) * (1 - 2 ** (-semitones / 12))
        tip = _in(hand, violin.point(string_place(string, stop, stopping.scale) + np.array([0.0, 0.0, PAD_MM])))
        whole = sum(digits[f"left_{finger}"].bones)
        reach = np.linalg.norm(tip - anatomy.places[f"left_{finger}"], axis=-1) / whole
        flexion, spread, bend = digits[f"left_{finger}"].touching(tip)
        shapes += [_over(reach, 0.88, 0.03), _over(-flexion, 0.0, 0.12), _over(flexion, 1.1, 0.12)]
        shapes += [_over(np.abs(spread), 0.30, 0.07), _over(bend, 1.45, 0.1)]
    thumb = _in(hand, violin.point(thumb_on_neck(anatomy, stopping.hand_mm, hold.neck_thumb, stopping.scale)))
    flexion, spread, bend = digits["left_thumb"].touching(thumb)
    shapes += [_over(np.abs(flexion + 0.2), 0.5, 0.1), _over(np.abs(spread + 0.3), 0.35, 0.1), _over(bend, 0.9, 0.1)]
    knuckles = [_in(violin, hand.point(anatomy.places[f"left_{finger}"])) for finger in ("index", "pinky")]
    # In high positions the hand goes round the violin's upper edge.
    middle, half = stopping.scale * np.array(_UPPER_BOUT[0]), stopping.scale * np.array(_UPPER_BOUT[1])
    inside = [
        1.15 - np.linalg.norm((place - middle) / half, axis=-1) for place in (*knuckles, _in(violin, hand.origin))
    ]
    side = NECK_WIDE_MM[0] / 2 * stopping.scale + 0.065 * anatomy.bones["hand"]
    return np.concatenate(
        [
            (wrist.flexion + habits.collapsed - 0.05) / 0.15,
            wrist.deviation / 0.15,
            _over(np.abs(wrist.deviation), 0.40, 0.04),
            _over(-wrist.pronation, 1.36, 0.04),
            (wrist.pronation + 1.1) / 0.4,
            _over(placed.stretch, _COMFORTABLE, _STRETCHED),
            _over(placed.elbow, 2.2, 0.08),
            *shapes,
            *[_over(share, 0.0, 0.05) for share in inside],
            *[_over(k[:, 1], -side, 2.0) for k in knuckles],
        ]
    )


def _in(frame: Frame, points: FloatArray) -> FloatArray:
    """World points in a frame's coordinates."""
    return np.asarray((np.swapaxes(frame.axes, -1, -2) @ (points - frame.origin)[..., None])[..., 0])
