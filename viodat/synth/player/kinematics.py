"""How bones move: limbs of two bones, wrists, and fingers, in closed form for many instants at once.

Axes are those of :mod:`viodat.synth.player.body`: in the neutral posture x forward, y left, z up. ``side`` is +1 for
the left limb and −1 for the right one. Everything is smooth (C²) where its arguments are: what would hit the end of a
range bends towards it instead, see :func:`soft_most`. Lengths mm, angles rad.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from viodat.synth.player.body import Frame
from viodat.synth.vectors import FloatArray, rejected

DIP_OF_PIP = 2 / 3
"""A finger's end joint bends by two thirds of its middle joint: the usual rule of hand models."""
_LEAST_BEND, _MOST_BEND = 0.16, 1.75
_REACH_KNEE, _REACH_MOST = 0.972, 0.990
_BENT_KNEE, _BENT_MOST = np.deg2rad(138.0), np.deg2rad(150.0)
_SPREAD = 0.75


def soft_most(x: FloatArray, knee: float, most: float) -> FloatArray:
    """``x`` up to ``knee``, from there on bent so that it never reaches ``most``; thrice differentiable."""
    over = np.maximum(x - knee, 0.0) / (most - knee)
    return np.asarray(np.minimum(x, knee) + (most - knee) * over / np.cbrt(1 + over**3))


def soft_least(x: FloatArray, knee: float, least: float) -> FloatArray:
    """Mirror of :func:`soft_most`: never falls to ``least``."""
    return -soft_most(-np.asarray(x), -knee, -least)


def about_x(angle: FloatArray | float) -> FloatArray:
    """(..., 3, 3) rotation about x."""
    return _elementary(np.asarray(angle, dtype=np.float64), 0)


def about_y(angle: FloatArray | float) -> FloatArray:
    """(..., 3, 3) rotation about y."""
    return _elementary(np.asarray(angle, dtype=np.float64), 1)


def about_z(angle: FloatArray | float) -> FloatArray:
    """(..., 3, 3) rotation about z."""
    return _elementary(np.asarray(angle, dtype=np.float64), 2)


def _elementary(angle: FloatArray, axis: int) -> FloatArray:
    out = np.zeros((*angle.shape, 3, 3))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    out[..., axis, axis] = 1.0
    out[..., i, i] = out[..., j, j] = np.cos(angle)
    out[..., j, i] = np.sin(angle)
    out[..., i, j] = -out[..., j, i]
    return out


def within(outer: Frame, inner: Frame) -> Frame:
    """Give a frame that is known in another one's coordinates in those that the other is known in."""
    return Frame(outer.point(inner.origin), outer.axes @ inner.axes)


def seen_from(outer: Frame, inner: Frame) -> Frame:
    """Undo :func:`within`: the inner frame in the coordinates of the outer one."""
    back = np.swapaxes(outer.axes, -1, -2)
    return Frame(np.asarray((back @ (inner.origin - outer.origin)[..., None])[..., 0]), back @ inner.axes)


@dataclass(frozen=True)
class Limb:
    """An arm or a leg: frames of its upper and lower bone, its far end (T, 3), and flexion (T,) of the hinge.

    ``stretch`` (T,) is how far off the end was wanted, as a share of the straight limb.
    """

    upper: Frame
    lower: Frame
    end: FloatArray
    flexion: FloatArray
    stretch: FloatArray


def arm(shoulder: FloatArray, wrist: FloatArray, lengths: tuple[float, float], pole: FloatArray) -> Limb:
    """Bend an arm so that the elbow lies on the side of ``pole`` (T, 3); flexion carries the forearm forward.

    A wrist that is out of reach is drawn towards the shoulder: the elbow straightens to no less than about 16° and
    bends to no more than 150°.
    """
    return _two_bones(shoulder, wrist, lengths, pole, forward=1.0)


def leg(hip: FloatArray, ankle: FloatArray, lengths: tuple[float, float], pole: FloatArray) -> Limb:
    """Bend a leg so that the knee lies on the side of ``pole`` (T, 3); flexion carries the shank back."""
    return _two_bones(hip, ankle, lengths, pole, forward=-1.0)


def _two_bones(
    start: FloatArray, end: FloatArray, lengths: tuple[float, float], pole: FloatArray, forward: float
) -> Limb:
    a, b = lengths
    way = end - start
    wanted = np.linalg.norm(way, axis=-1)
    near = [np.sqrt(a**2 + b**2 + 2 * a * b * np.cos(bent)) for bent in (_BENT_KNEE, _BENT_MOST)]
    knee, most = (_REACH_KNEE, _REACH_MOST) if forward > 0 else (0.9965, 0.9995)
    reach = soft_least(soft_most(wanted, knee * (a + b), most * (a + b)), near[0], near[1])[..., None]
    axis = way / wanted[..., None]
    along = (a**2 - b**2 + reach**2) / (2 * reach)
    middle = start + along * axis + np.sqrt(a**2 - along**2) * rejected(pole, axis)
    end = start + reach * axis
    flexion = np.arccos((reach[..., 0] ** 2 - a**2 - b**2) / (2 * a * b))
    upper, lower = (start - middle) / a, (middle - end) / b
    x = forward * rejected(-lower, upper)
    y = np.cross(upper, x)
    return Limb(
        Frame(start, np.stack([x, y, upper], axis=-1)),
        Frame(middle, np.stack([np.cross(y, lower), y, lower], axis=-1)),
        end,
        flexion,
        wanted / (a + b),
    )


@dataclass(frozen=True)
class Wrist:
    """(T,) rad each: pronation (0 with the thumb forward), flexion towards the palm, deviation to the thumb's side."""

    pronation: FloatArray
    flexion: FloatArray
    deviation: FloatArray


def wrist_angles(forearm: FloatArray, hand: FloatArray, side: float) -> Wrist:
    """Angles that turn the forearm's axes (T, 3, 3) into the hand's: pronation, then flexion, then deviation."""
    m = np.swapaxes(forearm, -1, -2) @ hand
    return Wrist(
        pronation=-side * np.arctan2(-m[..., 0, 1], m[..., 1, 1]),
        flexion=-side * np.arcsin(np.clip(m[..., 2, 1], -1.0, 1.0)),
        deviation=-np.arctan2(-m[..., 2, 0], m[..., 2, 2]),
    )


def radius_axes(forearm: FloatArray, pronation: FloatArray, side: float) -> FloatArray:
    """(T, 3, 3) axes of the distal forearm."""
    return forearm @ about_z(-side * pronation)


def hand_axes(radius: FloatArray, flexion: FloatArray, deviation: FloatArray, side: float) -> FloatArray:
    """(T, 3, 3) axes of the hand on the distal forearm."""
    return radius @ about_x(-side * flexion) @ about_y(-deviation)


@dataclass(frozen=True)
class Digit:
    """A finger or the thumb: its base (3,) in the hand's frame, three bones, the turn of its plane about the hand's z.

    ``bend_at`` gives the middle joint's flexion at which the tip is at a distance from the base.
    """

    side: float
    base: FloatArray
    bones: tuple[float, float, float]
    turn: float
    bend_at: CubicSpline
    reach: tuple[float, float]

    def curled(self, flexion: FloatArray, spread: FloatArray, bend: FloatArray) -> tuple[Frame, Frame, Frame]:
        """Frames of the three bones in the hand's frame: base flexed and spread, the other two joints bent."""
        p = -self.side
        first = about_z(p * self.turn) @ about_x(p * flexion) @ about_y(spread)
        second = first @ about_x(p * bend)
        third = second @ about_x(p * DIP_OF_PIP * bend)
        base = np.broadcast_to(self.base, (*np.shape(flexion), 3))
        middle = base - self.bones[0] * first[..., 2]
        end = middle - self.bones[1] * second[..., 2]
        return Frame(base, first), Frame(middle, second), Frame(end, third)

    def touching(self, target: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Flexion, spread and bend that bring the tip to ``target`` (T, 3), hand's frame, or as near as it can."""
        mirror = np.array([1.0, -self.side, 1.0])
        way = (target - self.base) * mirror @ about_z(self.turn)
        distance = np.linalg.norm(way, axis=-1)
        least, most = self.reach
        room = 0.12 * (most - least)
        bend = self.bend_at(soft_least(soft_most(distance, most - room, most), least + room, least))
        toward = way / distance[..., None]
        palmar, along = self._chord(bend)
        tilt = np.arctan2(palmar, along)
        aside = soft_least(soft_most(-toward[..., 0] / np.cos(tilt), 0.8 * _SPREAD, _SPREAD), -0.8 * _SPREAD, -_SPREAD)
        spread = np.arcsin(aside)
        flexion = np.arctan2(toward[..., 1], -toward[..., 2]) - np.arctan2(np.sin(tilt), np.cos(tilt) * np.cos(spread))
        return np.asarray(flexion), np.asarray(spread), np.asarray(bend)

    def _chord(self, bend: FloatArray) -> tuple[FloatArray, FloatArray]:
        a, b, c = self.bones
        both = (1 + DIP_OF_PIP) * bend
        return b * np.sin(bend) + c * np.sin(both), a + b * np.cos(bend) + c * np.cos(both)


def digit(side: float, base: FloatArray, bones: tuple[float, float, float], turn: float = 0.0) -> Digit:
    """Tabulate how far a digit's tip is from its base at each bend."""
    bend = np.linspace(_LEAST_BEND, _MOST_BEND, 80)
    a, b, c = bones
    both = (1 + DIP_OF_PIP) * bend
    distance = np.hypot(b * np.sin(bend) + c * np.sin(both), a + b * np.cos(bend) + c * np.cos(both))
    spline = CubicSpline(distance[::-1], bend[::-1])
    return Digit(side, base, bones, turn, spline, (float(distance[-1]), float(distance[0])))
