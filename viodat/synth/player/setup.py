"""Choose how one player holds violin and bow, so that every string is reached from frog to tip in comfort.

A teacher sets a pupil up by trying: turn the violin, raise the elbow, move the hand, until nothing is forced.
:func:`find_hold` does so once per player by least squares over strings, bow positions and places on the neck; what is
comfortable, and how novices differ, are viodat's choice after violin teaching. Angles rad, lengths mm, thorax' frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import least_squares

from viodat.synth.music.score import Level
from viodat.synth.music.violin import HAIR_MM, INCLINE_RAD, STRING_MM, STRINGS
from viodat.synth.picture.instrument import CHIN_REST, NECK_WIDE_MM
from viodat.synth.player.anatomy import Anatomy
from viodat.synth.player.body import FINGERS, Frame
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
from viodat.synth.vectors import FloatArray, turned

JAW: Final = (56.0, 30.0, -84.0)
"""Where the jaw rests on the chin rest, in the head's frame, of a head 221 mm high; viodat's choice."""
_EDGE_MM = 25.0
_COMFORTABLE, _STRETCHED = 0.945, 0.006
_FULL_STRETCH = 2.0
"""mm of the tolerated distance between jaw and chin rest."""


@dataclass(frozen=True)
class Habits:
    """What a player finds comfortable, rad: added to the usual."""

    pitch: float
    roll: float
    yaw: float
    elbow: float
    wrist: float
    raised: float
    collapsed: float
    arm_vibrato: float


def draw_habits(level: Level, rng: np.random.Generator) -> Habits:
    """Draw habits: a novice's violin droops, the right shoulder is raised, the left wrist collapsed."""
    novice = {"novice": 1.0, "intermediate": 0.35, "advanced": 0.0}[level]
    spread = 0.5 + 0.5 * novice
    return Habits(
        pitch=novice * rng.uniform(0.05, 0.18) + rng.normal(0, 0.03),
        roll=-0.08 * novice + rng.normal(0, 0.04),
        yaw=rng.normal(0, 0.08),
        elbow=spread * rng.normal(-0.05 * novice, 0.16),
        wrist=spread * rng.normal(0, 0.08),
        raised=novice * rng.uniform(0.05, 0.14),
        collapsed=novice * rng.uniform(0.3, 0.6) + rng.normal(0, 0.05),
        arm_vibrato=float(np.clip(rng.uniform(0.3, 1.1), 0.3, 1.0)),
    )


def find_hold(anatomy: Anatomy, habits: Habits, scale: float) -> Hold:
    """Hold a violin and a bow of size ``scale``."""
    bowing = _strokes(scale)
    start = _START_BOW + np.array([habits.yaw, habits.pitch, habits.roll, *([0.0] * (len(_START_BOW) - 3))])

    def bow_residuals(x: FloatArray) -> FloatArray:
        return _bow_comfort(_hold_of(x, _START_NECK, anatomy, habits, scale), anatomy, habits, bowing, x - start)

    found = least_squares(bow_residuals, start, method="trf", max_nfev=30, ftol=1e-4, xtol=1e-4)
    stopping = _stops(scale)

    def neck_residuals(x: FloatArray) -> FloatArray:
        hold = _hold_of(found.x, x, anatomy, habits, scale)
        return _neck_comfort(hold, anatomy, habits, stopping, x - _START_NECK)

    neck = least_squares(neck_residuals, _START_NECK, method="trf", max_nfev=30, ftol=1e-4, xtol=1e-4)
    return _hold_of(found.x, neck.x, anatomy, habits, scale)


# yaw, pitch, roll, beside, height, head 3, turn 3, pitch 3, roll 3, elbow 3, shoulder 4, grip
_START_BOW: Final = np.array(
    [0.70, -0.02, 0.30, 0.35, -8.0]
    + [0.55, 0.05, -0.15]
    + [0.40, 0.15, -0.15]
    + [0.30, 0.05, -0.05]
    + [0.20, 0.25, 0.30]
    + [0.75, 0.25, -0.20]
    + [0.0, 0.20, 0.02, 0.05]
    + [-4.0]
)
_WIDTH_BOW: Final = np.array(
    [0.12, 0.05, 0.08, 0.20, 10.0]
    + [0.15, 0.08, 0.10]
    + [0.10, 0.10, 0.10]
    + [0.10, 0.07, 0.10]
    + [0.08, 0.08, 0.08]
    + [0.12, 0.10, 0.15]
    + [0.06, 0.10, 0.03, 0.03]
    + [5.0]
)
"""Start of the search, and how far a player strays from it without discomfort."""

# hand's turn 3, per string 3, per 100 mm 3; place of the knuckle 3; elbow 2; shoulder 2
_START_NECK: Final = np.array(
    [0.15, 0.30, 0.30] + [0.10, 0.0, 0.05] + [0.0, 0.0, 0.0] + [-8.0, -26.0, -18.0] + [0.15, 0.15] + [0.08, 0.05]
)
_WIDTH_NECK: Final = np.array(
    [0.20, 0.15, 0.15] + [0.08, 0.05, 0.05] + [0.15, 0.15, 0.15] + [6.0, 3.0, 3.0] + [0.15, 0.06] + [0.06, 0.04]
)


def _hold_of(x: FloatArray, y: FloatArray, anatomy: Anatomy, habits: Habits, scale: float) -> Hold:
    s = anatomy.scale
    return Hold(
        yaw=x[0],
        pitch=x[1],
        roll=x[2],
        beside=x[3],
        height_mm=x[4] * s,
        head=x[5:8],
        hand_turn=x[8:11],
        hand_pitch=x[11:14],
        hand_roll=x[14:17],
        elbow=x[17:20],
        shoulder=x[20:24] + np.array([0.0, 0.0, habits.raised, 0.0]),
        grip_mm=x[24] * s,
        neck_hand=y[:9],
        neck_place=y[9:12] * np.array([s, 1.0, 1.0]) * np.array([1.0, scale, scale]),
        neck_elbow=y[12:14],
        neck_shoulder=y[14:16],
        arm_vibrato=habits.arm_vibrato,
    )


def _strokes(scale: float) -> Bowing:
    """Poses to try: five places on the bow on four strings, and the same askew and moving."""
    hair = HAIR_MM * scale
    at = np.linspace(_EDGE_MM, hair - _EDGE_MM, 5)
    lean = np.array([INCLINE_RAD[s] for s in STRINGS])
    bow, incline = (m.ravel() for m in np.meshgrid(at, lean))
    zero = np.zeros_like(bow)
    return Bowing(bow, zero, zero, zero + 30.0, incline, zero, zero + 0.5, incline, scale)


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


def _bow_comfort(hold: Hold, anatomy: Anatomy, habits: Habits, bowing: Bowing, strayed: FloatArray) -> FloatArray:
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
            strayed / _WIDTH_BOW,
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
            [(hold.elbow[0] - 0.75 - habits.elbow) / 0.08, (hold.pitch - _START_BOW[1] - habits.pitch) / 0.03],
        ]
    )


def _neck_comfort(hold: Hold, anatomy: Anatomy, habits: Habits, stopping: Stopping, strayed: FloatArray) -> FloatArray:
    count = len(stopping.hand_mm)
    violin = violin_frame(hold, anatomy, stopping.scale, np.zeros((count, 3)))
    placed = placed_arm(anatomy, "left", 1.0, neck_reach(hold, anatomy, violin, stopping, np.zeros(count)))
    wrist, hand = placed.wrist, placed.segments["left_hand"]
    string = stopping.elbow_rad
    reaches, flexed = [], []
    for i, finger in enumerate(FINGERS):
        stop = stopping.hand_mm + (STRING_MM * stopping.scale - stopping.hand_mm) * (
            1 - 2 ** (-(0.0, 2, 3.5, 5)[i] / 12)
        )
        tip = violin.point(string_place(string, stop, stopping.scale))
        way = (np.swapaxes(hand.axes, -1, -2) @ (tip - hand.origin)[..., None])[..., 0] - anatomy.places[
            f"left_{finger}"
        ]
        whole = sum(anatomy.bones[f"left_{finger}_{bone}"] for bone in ("proximal", "middle", "distal"))
        reach = np.linalg.norm(way, axis=-1)
        reaches += [_over(reach / whole, 0.85, 0.04), _over(-reach / whole, -0.52, 0.04)]
        # The tip comes down from above the strings: on the palm's side of the knuckle, not behind the hand.
        flexed += [_over(-(-way[:, 1]) / whole, -0.15, 0.08), _over(np.abs(way[:, 0]) / whole, 0.30, 0.05)]
    knuckles = [_in(violin, hand.point(anatomy.places[f"left_{finger}"])) for finger in ("index", "pinky")]
    side = NECK_WIDE_MM[0] / 2 * stopping.scale + 0.065 * anatomy.bones["hand"]
    return np.concatenate(
        [
            strayed / _WIDTH_NECK,
            (wrist.flexion + habits.collapsed - 0.05) / 0.15,
            wrist.deviation / 0.20,
            _over(np.abs(wrist.deviation), 0.40, 0.04),
            _over(-wrist.pronation, 1.25, 0.05),
            (wrist.pronation + 0.9) / 0.5,
            _over(placed.stretch, _COMFORTABLE, _STRETCHED),
            _over(placed.elbow, 2.2, 0.08),
            *reaches,
            *flexed,
            *[_over(k[:, 1], -side, 2.0) for k in knuckles],
        ]
    )


def _in(frame: Frame, points: FloatArray) -> FloatArray:
    """World points in a frame's coordinates."""
    return np.asarray((np.swapaxes(frame.axes, -1, -2) @ (points - frame.origin)[..., None])[..., 0])
