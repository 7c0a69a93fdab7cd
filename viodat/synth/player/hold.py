"""How a player holds violin and bow: the numbers that are chosen once, and the arms they give.

Everything is in the thorax' frame, origin at the suprasternal notch, mm, rad. :func:`bow_reach` and
:func:`neck_reach` say where an arm goes, given a :class:`Hold` and the control signals,
and :func:`placed_arm` bends it, in closed form; :func:`viodat.synth.player.setup.find_hold` chooses the hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from viodat.synth.music.violin import HAIR_MM, STRING_MM
from viodat.synth.picture.instrument import BRIDGE, BRIDGE_RADIUS_MM, NUT, NUT_SPACING_MM, SHOULDER_REST, STICK_MM
from viodat.synth.player.anatomy import Anatomy
from viodat.synth.player.body import Frame
from viodat.synth.player.kinematics import Wrist, about_x, about_y, about_z, arm, radius_axes, wrist_angles
from viodat.synth.vectors import FloatArray, turned

STEEPEST_LEAN = 0.404
"""Incline of the bow on the outer strings, rad: arcsin(1.5 · 11.3 / 42)."""
_STRING_SPACING_MM = 11.3
_FOLLOW_MM_S, _FOLLOW_RAD = 600.0, (0.07, 0.05)
"""Bow speed at which the hand trails most, and how it then turns and tips on the bow; viodat's choice."""
_NECK_MM = 58.0
"""From the axis of the neck to the violin's end, of a body of 1.70 m."""


@dataclass(frozen=True)
class Hold:
    """One player's way to hold the instrument; angles rad.

    Attributes
    ----------
    yaw, pitch, roll
        Of the violin in the thorax' frame: scroll to the left, scroll down, left side up.
    beside, height_mm
        Where round the neck the violin's end lies (rad to the left of straight ahead), and how high the shoulder rest's
        lower side stands relative to the notch.
    head
        (3,) turn, nod and tilt of the head on the chin rest.
    hand_turn, hand_pitch, hand_roll
        Of the bow hand on the bow: (3,) at frog, middle and tip.
    elbow
        (3,) how far the bow arm's elbow is raised, rad from hanging: in the middle, per string, from frog to tip.
    shoulder
        (4,) of the bow arm's collarbone: protraction at frog and tip; elevation in the middle and per string.
    grip_mm
        Where on the bow the hand's middle is, from the frog's corner towards the tip.
    neck_hand
        (9,) the left hand's turn about the violin's axes x, y, z in first position on the middle strings; its change
        per string step of 1; and per 100 mm up the neck.
    neck_place
        (3,) mm, index knuckle from the place on the string over the neck that the first finger stops.
    neck_thumb
        (2,) mm, the left thumb's tip from that place, towards the scroll and up.
    neck_elbow
        (2,) rad, the left elbow's swing to the right, and its change per string.
    neck_shoulder
        (2,) protraction and elevation of the left collarbone.
    arm_vibrato
        Share of the vibrato that the forearm makes; the wrist makes the rest.
    """

    yaw: float
    pitch: float
    roll: float
    beside: float
    height_mm: float
    head: FloatArray
    hand_turn: FloatArray
    hand_pitch: FloatArray
    hand_roll: FloatArray
    elbow: FloatArray
    shoulder: FloatArray
    grip_mm: float
    neck_hand: FloatArray
    neck_place: FloatArray
    neck_thumb: FloatArray
    neck_elbow: FloatArray
    neck_shoulder: FloatArray
    arm_vibrato: float


@dataclass(frozen=True)
class Bowing:
    """What the bow does, (T,) each, as in :class:`viodat.synth.music.control.Control`; ``scale`` is the bow's size.

    ``elbow_rad`` is the incline as the elbow follows it, which is slower than the hand.
    """

    bow_mm: FloatArray
    bow_speed: FloatArray
    lift_mm: FloatArray
    bridge_mm: FloatArray
    incline_rad: FloatArray
    skew_rad: FloatArray
    dynamic: FloatArray
    elbow_rad: FloatArray
    scale: float


@dataclass(frozen=True)
class Stopping:
    """What the left hand does, (T,) each: ``hand_mm`` from the nut, vibrato apart; ``elbow_rad`` as in Bowing."""

    hand_mm: FloatArray
    vibrato_mm: FloatArray
    elbow_rad: FloatArray
    scale: float


@dataclass(frozen=True)
class Reach:
    """Where an arm is to go, thorax' frame: collarbone (T,), wrist (T, 3), hand's axes (T, 3, 3), side of the elbow."""

    protraction: FloatArray
    elevation: FloatArray
    wrist: FloatArray
    hand: FloatArray
    pole: FloatArray


@dataclass(frozen=True)
class Arm:
    """An arm in the thorax' frame; ``wrist`` and ``elbow`` are angles, ``stretch`` is as in Limb."""

    segments: dict[str, Frame]
    wrist: Wrist
    elbow: FloatArray
    stretch: FloatArray


def violin_frame(hold: Hold, anatomy: Anatomy, scale: float, nod: FloatArray) -> Frame:
    """Violin in the thorax' frame; ``nod`` (T, 3) turns it about the shoulder rest: yaw, pitch, roll, rad."""
    s = anatomy.scale
    axes = turned(hold.yaw + nod[:, 0], hold.pitch + nod[:, 1], hold.roll + nod[:, 2])
    still = turned(np.array([hold.yaw]), np.array([hold.pitch]), np.array([hold.roll]))[0]
    rest = scale * np.array(SHOULDER_REST)
    end = anatomy.places["neck"] + _NECK_MM * s * np.array([np.cos(hold.beside), np.sin(hold.beside), 0.0])
    end = end + still @ np.array([8.0, 0.0, 0.0])
    end[2] = hold.height_mm - (still @ rest)[2]
    stands = end + still @ rest
    return Frame(stands - axes @ rest, axes)


def contact_in_violin(bowing: Bowing) -> tuple[FloatArray, FloatArray]:
    """(T, 3) where the bow crosses the string, and the string's direction towards the nut, violin frame.

    Between two strings it is a point on the bridge's curve between them.
    """
    lean = bowing.incline_rad
    at_bridge = np.stack(
        [
            np.full_like(lean, BRIDGE[0]),
            BRIDGE_RADIUS_MM * np.sin(lean),
            BRIDGE[2] - BRIDGE_RADIUS_MM * (1 - np.cos(lean)),
        ],
        axis=-1,
    )
    aside = BRIDGE_RADIUS_MM * np.sin(lean) / _STRING_SPACING_MM * NUT_SPACING_MM
    drop = BRIDGE_RADIUS_MM - np.sqrt(BRIDGE_RADIUS_MM**2 - aside**2)
    at_nut = np.stack([np.full_like(lean, NUT[0]), aside, NUT[2] - drop], axis=-1)
    along = (at_nut - at_bridge) / STRING_MM
    place = bowing.scale * at_bridge + bowing.bridge_mm[:, None] * along
    return place, along / np.linalg.norm(along, axis=-1, keepdims=True)


def string_place(lean: FloatArray, from_nut_mm: FloatArray, scale: float) -> FloatArray:
    """(T, 3) a point of the string that the bow's incline ``lean`` chooses, violin frame."""
    zero = np.zeros_like(lean)
    from_bridge = scale * STRING_MM - from_nut_mm
    return contact_in_violin(Bowing(zero, zero, zero, from_bridge, lean, zero, zero, zero, scale))[0]


def bow_frame(violin: Frame, bowing: Bowing) -> Frame:
    """Bow in the frame that the violin is given in: square to the string, inclined, askew and lifted as told."""
    place, along = contact_in_violin(bowing)
    zero = np.zeros_like(bowing.incline_rad)
    tangent = np.stack([zero, np.cos(bowing.incline_rad), -np.sin(bowing.incline_rad)], axis=-1)
    square = tangent - np.sum(tangent * along, axis=-1, keepdims=True) * along
    square /= np.linalg.norm(square, axis=-1, keepdims=True)
    c, s = np.cos(bowing.skew_rad)[:, None], np.sin(bowing.skew_rad)[:, None]
    x, y = c * square + s * along, s * square - c * along
    z = np.cross(x, y)
    # Softer tones are played on the edge of the hair: the stick leans towards the fingerboard.
    lean = 0.06 + 0.16 * (1 - bowing.dynamic)
    axes = np.stack([x, y, z], axis=-1) @ about_x(lean)
    origin = place + bowing.lift_mm[:, None] * z - bowing.bow_mm[:, None] * x
    return Frame(violin.point(origin), violin.axes @ axes)


def girdle(anatomy: Anatomy, side: str, sign: float, protraction: FloatArray, elevation: FloatArray) -> Frame:
    """Clavicle in the thorax' frame."""
    axes = about_z(-sign * protraction) @ about_x(sign * elevation)
    return Frame(np.broadcast_to(anatomy.places[f"{side}_clavicle"], (len(axes), 3)), axes)


def grip_in_hand(anatomy: Anatomy) -> FloatArray:
    """(3,) where the bow passes through the right hand, in its frame."""
    return anatomy.bones["hand"] * np.array([0.03, 0.25, -0.66])


def quadratic(share: FloatArray, three: FloatArray) -> FloatArray:
    """Pass through the three values at shares 0, 1/2 and 1."""
    a, b, c = three
    return np.asarray(a + share * (4 * b - 3 * a - c) + share**2 * (2 * a - 4 * b + 2 * c))


def hand_on_bow(hold: Hold, bowing: Bowing) -> FloatArray:
    """(T, 3, 3) axes of the right hand in the bow's frame."""
    share = bowing.bow_mm / (HAIR_MM * bowing.scale)
    follow = np.tanh(bowing.bow_speed / _FOLLOW_MM_S)
    # Wrist and fingers give at every change of bow: the hand trails behind the arm's movement.
    turn = quadratic(share, hold.hand_turn) + _FOLLOW_RAD[0] * follow
    pitch = quadratic(share, hold.hand_pitch) + _FOLLOW_RAD[1] * follow
    roll = quadratic(share, hold.hand_roll)
    return np.asarray(about_z(turn) @ about_x(pitch - np.pi / 2) @ about_z(roll))


def grip_on_bow(hold: Hold, scale: float) -> FloatArray:
    """(3,) the point of the bow that the hand's middle holds, bow's frame."""
    return np.array([hold.grip_mm, 0.0, 0.8 * STICK_MM[0] * scale])


def bow_in_hand(hold: Hold, anatomy: Anatomy, wrist: FloatArray, hand: FloatArray, bowing: Bowing) -> Frame:
    """Bow as a hand (T, 3, 3) at ``wrist`` (T, 3) holds it, away from the strings."""
    axes = hand @ np.swapaxes(hand_on_bow(hold, bowing), -1, -2)
    return Frame(wrist + hand @ grip_in_hand(anatomy) - axes @ grip_on_bow(hold, bowing.scale), axes)


def bow_reach(hold: Hold, anatomy: Anatomy, bow: Frame, bowing: Bowing, breath: FloatArray) -> Reach:
    """Where the right arm goes that carries the bow; ``breath`` (T,) rad lifts the collarbone."""
    share = bowing.bow_mm / (HAIR_MM * bowing.scale)
    string = bowing.incline_rad / STEEPEST_LEAN
    axes = bow.axes @ hand_on_bow(hold, bowing)
    wrist = bow.point(grip_on_bow(hold, bowing.scale)) - axes @ grip_in_hand(anatomy)
    slow = bowing.elbow_rad / STEEPEST_LEAN
    protraction = hold.shoulder[0] + (hold.shoulder[1] - hold.shoulder[0]) * share**2
    elevation = hold.shoulder[2] + hold.shoulder[3] * slow + breath
    height = hold.elbow[0] + hold.elbow[1] * (0.75 * slow + 0.25 * string) + hold.elbow[2] * (share - 0.5)
    pole = np.stack([np.full_like(height, 0.05), -np.sin(height), -np.cos(height)], axis=-1)
    return Reach(protraction, elevation, wrist, axes, pole)


def neck_reach(hold: Hold, anatomy: Anatomy, violin: Frame, stopping: Stopping, breath: FloatArray) -> Reach:
    """Where the left arm goes whose hand is at the violin's neck."""
    string = stopping.elbow_rad / STEEPEST_LEAN
    up = stopping.hand_mm / 100.0
    base, per_string, per_up = hold.neck_hand[:3], hold.neck_hand[3:6], hold.neck_hand[6:]
    a, b, c = (base[i] + per_string[i] * string + per_up[i] * up for i in range(3))
    hand = anatomy.bones["hand"]
    # A wrist vibrato turns the hand about its wrist; the knuckles move by the same way.
    b = b + (1 - hold.arm_vibrato) * stopping.vibrato_mm / (0.45 * hand)
    axes = about_z(c) @ about_y(b) @ about_x(np.pi + a)
    place = string_place(np.zeros_like(string), stopping.hand_mm + stopping.vibrato_mm, stopping.scale)
    knuckle = place + hold.neck_place
    wrist = violin.point(knuckle - axes @ anatomy.places["left_index"])
    swing = hold.neck_elbow[0] + hold.neck_elbow[1] * string
    pole = np.stack([np.full_like(swing, 0.0), -np.sin(swing), -np.cos(swing)], axis=-1)
    protraction = np.full_like(swing, hold.neck_shoulder[0])
    return Reach(protraction, hold.neck_shoulder[1] + 0.5 * breath, wrist, violin.axes @ axes, pole)


def placed_arm(anatomy: Anatomy, side: str, sign: float, reach: Reach) -> Arm:
    """Bend an arm to where it is to go."""
    clavicle = girdle(anatomy, side, sign, reach.protraction, reach.elevation)
    shoulder = clavicle.point(anatomy.places[f"{side}_shoulder"])
    bones = anatomy.bones[f"{side}_upper_arm"], anatomy.bones[f"{side}_forearm"]
    limb = arm(shoulder, reach.wrist, bones, reach.pole)
    turn = wrist_angles(limb.lower.axes, reach.hand, sign)
    segments = {
        f"{side}_clavicle": clavicle,
        f"{side}_upper_arm": limb.upper,
        f"{side}_forearm": limb.lower,
        f"{side}_radius": Frame(limb.end, radius_axes(limb.lower.axes, turn.pronation, sign)),
        f"{side}_hand": Frame(limb.end, reach.hand),
    }
    return Arm(segments, turn, limb.flexion, limb.stretch)
