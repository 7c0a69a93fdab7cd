"""A standing violinist: where every joint centre is at any time, in millimetres.

World frame right-handed, Z up; the player faces +X, +Y is to the left. Time is seconds on the mocap clock.
The bow arm swings at about 1 Hz, the left hand vibrates at 6 Hz by ±5 mm, the trunk sways, the feet stand.
Bones keep their length: elbows and knees follow from wrists, shoulders, hips and ankles by the cosine rule.
The hip centres lie where Davis' regression (1991) puts them for the player's own measurements.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from viodat.joints import JOINTS
from viodat.synth.vectors import FloatArray, rejected, turned, unit

SIDES = (("left", "L", 1.0), ("right", "R", -1.0))
VIBRATO_HZ = 6.0
VIBRATO_MM = 5.0
_BOW_MM = 160.0
BOW_AXIS = np.array([0.35, -0.85, -0.35]) / np.linalg.norm([0.35, -0.85, -0.35])
"""Direction of the down-bow in the thorax frame: forward, to the right and down; the tip points the other way."""


@dataclass(frozen=True)
class Player:
    """Size and habits of one player.

    Attributes
    ----------
    height_mm, mass_kg
        Of the body.
    bow_hz
        Full cycles (down-bow and up-bow) per second.
    phase
        (4,) rad, of bow, sway, turn and vibrato.
    playing
        False for the static trial: arms down, nothing moves.
    """

    height_mm: float
    mass_kg: float
    bow_hz: float
    phase: tuple[float, float, float, float]
    playing: bool = True

    @property
    def scale(self) -> float:
        """Size relative to a body of 1.70 m."""
        return self.height_mm / 1700.0

    @property
    def measurements(self) -> dict[str, float]:
        """Plug-in Gait measurements by side-less stem, mm."""
        s = self.scale
        return {
            "leg_length": round(890.0 * s),
            "knee_width": round(100.0 * s),
            "ankle_width": round(72.0 * s),
            "shoulder_offset": round(42.0 * s),
            "elbow_width": round(70.0 * s),
            "wrist_width": round(52.0 * s),
            "hand_thickness": round(24.0 * s),
            "inter_asis_distance": round(240.0 * s),
            "marker_diameter": 14.0,
        }


@dataclass(frozen=True)
class Frame:
    """A segment's origin (T, 3) and axes (T, 3, 3), columns x forward, y left, z up (mm, world)."""

    origin: FloatArray
    axes: FloatArray

    def point(self, x: float, y: float, z: float) -> FloatArray:
        """World position (T, 3) of a point that is fixed in the segment."""
        return np.asarray(self.origin + self.axes @ np.array([x, y, z]))


@dataclass(frozen=True)
class Pose:
    """The player at T instants.

    Attributes
    ----------
    joints
        Centres of the 18 joints by name, (T, 3) mm each, and beside them ``*_hand`` (third knuckle),
        ``*_heel``, ``*_toe``, ``head``.
    pelvis, thorax
        Segment frames; the pelvis' origin is mid-ASIS, the thorax' is a marker's radius behind CLAV.
    radial, distal
        By side, (T, 3) unit vectors of the hand: towards the thumb, and from the wrist to the knuckles.
    bow_speed
        (T,) mm/s along the bow, positive down-bow.
    """

    joints: Mapping[str, FloatArray]
    pelvis: Frame
    thorax: Frame
    radial: Mapping[str, FloatArray]
    distal: Mapping[str, FloatArray]
    bow_speed: FloatArray

    def stacked(self) -> FloatArray:
        """(T, 18, 3) mm in the order of the 18 joints."""
        return np.stack([self.joints[name] for name in JOINTS], axis=1)


def bow_position(player: Player, times_s: FloatArray) -> FloatArray:
    """(T,) mm along the bow, 0 in its middle."""
    return np.asarray(_BOW_MM * np.sin(2 * np.pi * player.bow_hz * times_s + player.phase[0]))


def bow_speed(player: Player, times_s: FloatArray) -> FloatArray:
    """(T,) mm/s: the time derivative of :func:`bow_position`; 0 at bow changes."""
    omega = 2 * np.pi * player.bow_hz
    return np.asarray(_BOW_MM * omega * np.cos(omega * times_s + player.phase[0]))


def vibrato(player: Player, times_s: FloatArray) -> FloatArray:
    """(T,) from -1 to 1: how far the left hand is rolled, and with it the pitch."""
    return np.asarray(np.sin(2 * np.pi * VIBRATO_HZ * times_s + player.phase[3]))


def pose_at(player: Player, times_s: FloatArray) -> Pose:
    """Place the player at the given times.

    Parameters
    ----------
    times_s
        (T,) s on the mocap clock, any spacing.
    """
    s, live = player.scale, 1.0 if player.playing else 0.0
    sway = live * np.sin(2 * np.pi * 0.25 * times_s + player.phase[1])
    turn = live * np.sin(2 * np.pi * 0.4 * times_s + player.phase[2])
    zero = np.zeros_like(times_s)

    pelvis_at = np.stack([60 + 6 * turn, 15 * sway, 975 * s - 2 * np.abs(sway)], axis=-1)
    pelvis = Frame(pelvis_at, turned(yaw=0.05 * turn, pitch=zero, roll=0.01 * sway))
    thorax_axes = turned(yaw=0.08 * turn, pitch=-0.03 + 0.02 * sway, roll=0.03 * sway)
    thorax = Frame(pelvis.point(10, 0, 0) + thorax_axes @ np.array([0, 0, 430 * s]), thorax_axes)

    joints: dict[str, FloatArray] = {}
    radial: dict[str, FloatArray] = {}
    distal: dict[str, FloatArray] = {}
    for side, _, sign in SIDES:
        hip = pelvis.point(*_hip_offset(player, sign))
        ankle = np.broadcast_to(np.array([-20.0, sign * 115 * s, 85 * s]), hip.shape)
        forward = np.broadcast_to(np.array([1.0, 0.15 * sign, 0.0]), hip.shape)
        joints[f"{side}_pelvis"], joints[f"{side}_ankle"] = hip, np.array(ankle)
        joints[f"{side}_knee"] = _bent(hip, ankle, 410 * s, 400 * s, forward)
        joints[f"{side}_heel"] = ankle + np.array([-45.0, 0, -60 * s])
        joints[f"{side}_toe"] = ankle + np.array([150.0 * s, sign * 30, -65 * s])

        shoulder = thorax.point(-30 * s, sign * 165 * s, -15 * s)
        wrist = _wrist(player, thorax, sign, times_s)
        pole = thorax.axes @ np.array([-0.3, 0.7 * sign, -1.0] if player.playing else [-1.0, 0.3 * sign, 0.0])
        elbow = _bent(shoulder, wrist, 290 * s, 250 * s, pole)
        joints[f"{side}_shoulder"], joints[f"{side}_elbow"], joints[f"{side}_wrist"] = shoulder, elbow, wrist
        joints |= _hand(side, sign, wrist, elbow, thorax, player, radial, distal)
    joints["head"] = thorax.point(20 * s, 25 * live, 190 * s)
    return Pose(joints, pelvis, thorax, radial, distal, live * bow_speed(player, times_s))


def _hip_offset(player: Player, sign: float) -> tuple[float, float, float]:
    # Davis et al. 1991; leg length gives the ASIS-trochanter distance, as in Plug-in Gait.
    m = player.measurements
    leg, asis, radius = m["leg_length"], m["inter_asis_distance"], m["marker_diameter"] / 2
    theta, beta = 0.5, 0.314
    c = 0.115 * leg - 15.3
    depth = 0.1288 * leg - 48.56 + radius
    return (
        c * np.cos(theta) * np.sin(beta) - depth * np.cos(beta),
        -sign * (c * np.sin(theta) - asis / 2),
        -c * np.cos(theta) * np.cos(beta) - depth * np.sin(beta),
    )


def _wrist(player: Player, thorax: Frame, sign: float, times_s: FloatArray) -> FloatArray:
    s = player.scale
    if not player.playing:
        return thorax.point(60 * s, sign * 330 * s, -390 * s)
    if sign > 0:
        # The neck of the violin points to the front left; the hand rolls along it.
        neck = unit(np.array([0.85, 0.5, 0.1]))
        rolled = VIBRATO_MM * vibrato(player, times_s)[:, None] * neck
        return np.asarray(thorax.point(330 * s, 230 * s, -20 * s) + (thorax.axes @ rolled[..., None])[..., 0])
    drawn = s * bow_position(player, times_s)[:, None] * BOW_AXIS
    return np.asarray(thorax.point(280 * s, -60 * s, -40 * s) + (thorax.axes @ drawn[..., None])[..., 0])


def _hand(
    side: str,
    sign: float,
    wrist: FloatArray,
    elbow: FloatArray,
    thorax: Frame,
    player: Player,
    radial: dict[str, FloatArray],
    distal: dict[str, FloatArray],
) -> dict[str, FloatArray]:
    s = player.scale
    reference = np.array([0.3, -0.8 * sign, 0.5]) if player.playing else np.array([1.0, 0.0, 0.0])
    forearm = unit(wrist - elbow)
    a = rejected(thorax.axes @ reference, forearm)
    dorsal = sign * np.cross(a, forearm)
    # The bow hand hangs a little, the left hand is nearly straight.
    flexion = 0.25 if sign < 0 and player.playing else 0.05
    d = np.cos(flexion) * forearm - np.sin(flexion) * dorsal
    palmar = -sign * np.cross(a, d)
    radial[side], distal[side] = a, d
    return {
        f"{side}_hand": wrist + 82 * s * d,
        f"{side}_index": wrist + 84 * s * d + 22 * s * a,
        f"{side}_pinky": wrist + 70 * s * d - 30 * s * a,
        f"{side}_thumb": wrist + 60 * s * d + 45 * s * a + 25 * s * palmar,
    }


def _bent(start: FloatArray, end: FloatArray, first_mm: float, second_mm: float, pole: FloatArray) -> FloatArray:
    """Give the joint between two bones of fixed length, bent towards ``pole`` (cosine rule)."""
    reach = np.linalg.norm(end - start, axis=-1, keepdims=True)
    if np.any(reach >= first_mm + second_mm):
        raise ValueError(f"a limb of {first_mm + second_mm:.0f} mm cannot reach {reach.max():.0f} mm")
    along = (first_mm**2 - second_mm**2 + reach**2) / (2 * reach)
    axis = (end - start) / reach
    return np.asarray(start + along * axis + np.sqrt(first_mm**2 - along**2) * rejected(pole, axis))
