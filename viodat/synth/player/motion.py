"""The moving player: every segment and joint centre at any time, playing, standing or moving through the joints' range.

:func:`playing_motion` turns control signals into a body; :meth:`PlayingMotion.at` gives it at any times, in any order.
All is closed form and twice continuously differentiable in time. World frame, mm, rad, s on the mocap clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from viodat.joints import JOINTS
from viodat.synth.music.control import Control
from viodat.synth.music.smooth import minimum_jerk, staircase
from viodat.synth.music.violin import STRING_MM, stop_mm
from viodat.synth.player.anatomy import SIDES, Anatomy
from viodat.synth.player.angles import angles_of
from viodat.synth.player.body import Body, Frame
from viodat.synth.player.claps import Clap, Clapping, clap_reach, clapping
from viodat.synth.player.hands import DIGITS, USUAL_SEMITONES, Shape, curled, digits_of, on_bow, on_neck, touching
from viodat.synth.player.hold import (
    Bowing,
    Hold,
    Stopping,
    bow_frame,
    bow_in_hand,
    bow_reach,
    neck_reach,
    placed_arm,
    violin_frame,
)
from viodat.synth.player.kinematics import Digit, within
from viodat.synth.player.setup import draw_habits, find_hold, head_frame
from viodat.synth.player.trunk import Stance, draw_stance, stand
from viodat.synth.vectors import FloatArray

_ELBOW_HZ, _ELBOW_S = 50.0, 0.15
_MOVE_S = 0.07
_FIRST_STOP_SEMITONES = 2.0
JOIN_S: Final = 1.0
"""How long the hands take from one take's last posture to another one's first."""
_SMOOTH: Final = (
    "bow_mm",
    "bow_speed",
    "bow_force",
    "lift_mm",
    "bridge_mm",
    "incline_rad",
    "skew_rad",
    "hand_mm",
    "press",
    "dynamic",
)
"""What the hands follow of the control signals."""
_VIOLIN_NODS = 0.6
"""Share of the head's nodding that the violin goes along with."""
_FLAT = {False: (0.12, 0.0, 0.2), True: (0.0, -0.3, 0.25)}
"""Flexion, spread and bend of a clapping hand's fingers and thumb."""


class Motion(Protocol):
    """A body that can be asked where it is at any time."""

    @property
    def anatomy(self) -> Anatomy:
        """Whose body it is."""

    def at(self, times_s: ArrayLike) -> Body:
        """Give the body at (T,) s, in any order and at any spacing."""


@dataclass(frozen=True, eq=False)
class PlayingMotion:
    """A player who plays one take."""

    anatomy: Anatomy
    hold: Hold
    stance: Stance
    control: Control
    start_s: float
    clapping: Clapping | None
    digits: Mapping[str, Digit]
    elbow: CubicSpline
    ahead: tuple[tuple[float, list[tuple[float, float, float]]], ...]

    @property
    def scale(self) -> float:
        """Size of violin and bow."""
        return self.control.curves.performance.player.string_mm / STRING_MM

    def at(self, times_s: ArrayLike) -> Body:
        """Give the body at (T,) s, in any order and at any spacing."""
        times = np.asarray(times_s, dtype=np.float64)
        standing = stand(self.anatomy, self.stance, times)
        nod = np.stack([sines.at(times) for sines in self.stance.nod], axis=-1)
        segments, angles = self._upper(times, standing.breath, nod)
        thorax = standing.segments["thorax"]
        world = standing.segments | {name: within(thorax, frame) for name, frame in segments.items()}
        return body_of(times, world, angles)

    def _upper(
        self, times: FloatArray, breath: FloatArray, nod: FloatArray
    ) -> tuple[dict[str, Frame], dict[str, FloatArray]]:
        """Head, arms, violin and bow in the thorax' frame."""
        control, stopping, ahead = self._signals(times)
        bowing = Bowing(
            control.bow_mm,
            control.bow_speed,
            control.lift_mm,
            control.bridge_mm,
            control.incline_rad,
            control.skew_rad,
            control.dynamic,
            stopping.elbow_rad,
            self.scale,
        )
        anatomy, hold = self.anatomy, self.hold
        violin = violin_frame(hold, anatomy, self.scale, _VIOLIN_NODS * nod)
        bow = bow_frame(violin, bowing)
        right = bow_reach(hold, anatomy, bow, bowing, breath)
        left = neck_reach(hold, anatomy, violin, stopping, breath)
        targets = on_neck(
            anatomy, violin, control.incline_rad, control.hand_mm, ahead, control.press, hold.neck_thumb, self.scale
        )
        shapes = touching(self.digits, "left", Frame(left.wrist, left.hand), targets)
        if self.clapping is not None:
            right = clap_reach(anatomy, self.clapping, times, "right", -1.0, right)
            left = clap_reach(anatomy, self.clapping, times, "left", 1.0, left)
            away = self.clapping.away(times)
            shapes = {name: _towards(_FLAT[name == "thumb"], away, shapes[name]) for name in DIGITS}
            held = bow_in_hand(hold, anatomy, right.wrist, right.hand, bowing)
            gone = (away > 0)[:, None]
            bow = Frame(np.where(gone, held.origin, bow.origin), np.where(gone[..., None], held.axes, bow.axes))
        segments = {"violin": violin, "bow": bow, "head": head_frame(hold, anatomy, nod)}
        angles: dict[str, FloatArray] = {}
        for side, sign, reach in (("left", 1.0, left), ("right", -1.0, right)):
            placed = placed_arm(anatomy, side, sign, reach)
            hand = placed.segments[f"{side}_hand"]
            if side == "right":
                shapes = touching(self.digits, side, hand, on_bow(anatomy, bow, hold.grip_mm, self.scale))
            bones, bends = curled(self.digits, side, hand, shapes)
            segments |= placed.segments | bones
            angles |= bends
        return segments, angles

    def _signals(self, times_s: FloatArray) -> tuple[Control, Stopping, FloatArray]:
        """Control signals, what the left hand does, and (T, 4) how far each finger's stop is ahead of the hand."""
        since = times_s - self.start_s
        control = self.control.at(since)
        inside = np.clip(since, 0.0, self.control.curves.performance.seconds)
        order = np.argsort(inside, kind="stable")
        back = np.argsort(order, kind="stable")
        shifted = staircase(inside[order], *self.control.curves.levels["hand_mm"])[back]
        ahead = np.stack([staircase(inside[order], *steps)[back] for steps in self.ahead], axis=-1)
        elbow = np.asarray(self.elbow(inside))
        return control, Stopping(shifted, control.hand_mm - shifted, elbow, self.scale), ahead


@dataclass(frozen=True, eq=False)
class JoinedMotion(PlayingMotion):
    """A player who plays another take before or after this one, without a rest for the feet.

    Attributes
    ----------
    other
        The other take, by the same player in the same hold.
    change_s
        When the hands begin to leave the last posture of the first take for the first one of the second, s on the
        mocap clock.
    """

    other: PlayingMotion
    change_s: float

    def _signals(self, times_s: FloatArray) -> tuple[Control, Stopping, FloatArray]:
        before, after = (self.other, self) if self.other.start_s < self.start_s else (self, self.other)
        # Those of the two takes: this class's own method would ask itself.
        (a, left_a, ahead_a), (b, left_b, ahead_b) = (PlayingMotion._signals(one, times_s) for one in (before, after))
        share = minimum_jerk((times_s - self.change_s) / JOIN_S)

        def between(first: FloatArray, second: FloatArray) -> FloatArray:
            weight = share.reshape(-1, *[1] * (first.ndim - 1))
            return np.asarray(first + weight * (second - first))

        smooth: dict[str, Any] = {name: between(getattr(a, name), getattr(b, name)) for name in _SMOOTH}
        left = Stopping(
            between(left_a.hand_mm, left_b.hand_mm),
            between(left_a.vibrato_mm, left_b.vibrato_mm),
            between(left_a.elbow_rad, left_b.elbow_rad),
            self.scale,
        )
        return replace(a, **smooth), left, between(ahead_a, ahead_b)


def joined(motion: PlayingMotion, other: PlayingMotion, change_s: float) -> JoinedMotion:
    """Join a take's motion with that of another take, in which the same player stands and sways as in this one.

    Parameters
    ----------
    change_s
        From here on the hands take :data:`JOIN_S` s to go from one take to the other; nothing sounds then. s on the
        mocap clock.
    """
    parts = {part.name: getattr(motion, part.name) for part in fields(motion)}
    return JoinedMotion(**parts, other=other, change_s=change_s)


def playing_motion(
    anatomy: Anatomy,
    control: Control,
    rng: np.random.Generator,
    hold: Hold | None = None,
    *,
    claps: Sequence[Clap] = (),
    start_s: float = 0.0,
) -> PlayingMotion:
    """Let a player play a take.

    Parameters
    ----------
    control
        Of the take, at any rate; the size of violin and bow is its player's.
    rng
        Draws how the player stands and sways in this take, and without ``hold`` how the instrument is held.
    hold
        From :func:`draw_hold`: the same for all takes of one player.
    claps
        Before the first note or after the last one, s on the mocap clock.
    start_s
        When the control signals' time 0 is, s on the mocap clock.

    Raises
    ------
    ConfigError
        A clap less than 0.6 s from a note.
    """
    performance = control.curves.performance
    level = performance.player.level
    scale = performance.player.string_mm / STRING_MM
    if hold is None:
        hold = draw_hold(anatomy, scale, rng)
    grid = np.arange(int(np.ceil(performance.seconds * _ELBOW_HZ)) + 1) / _ELBOW_HZ
    incline = control.at(grid).incline_rad
    elbow = CubicSpline(grid, gaussian_filter1d(incline, _ELBOW_S * _ELBOW_HZ, mode="nearest"), bc_type="clamped")
    stance = draw_stance(anatomy, level, True, rng)
    notes = performance.notes
    onset, offset = start_s + notes[0].onset_s, start_s + notes[-1].offset_s
    planned = clapping(claps, onset, offset, anatomy.scale) if claps else None
    digits = digits_of(anatomy)
    return PlayingMotion(anatomy, hold, stance, control, start_s, planned, digits, elbow, _fingers_ahead(control))


def draw_hold(anatomy: Anatomy, scale: float, rng: np.random.Generator) -> Hold:
    """Set a player up with a violin of size ``scale``: once for all takes."""
    return find_hold(anatomy, draw_habits(anatomy.person.level, rng), scale)


def _towards(flat: tuple[float, float, float], share: FloatArray, shape: Shape) -> Shape:
    """Go a share of the way from a digit's shape to a fixed one."""
    flexion, spread, bend = (angle + share * (end - angle) for angle, end in zip(shape, flat, strict=True))
    return flexion, spread, bend


def _fingers_ahead(control: Control) -> tuple[tuple[float, list[tuple[float, float, float]]], ...]:
    """Lead each finger to its stop, told as the way ahead of the hand: it is there when its note begins."""
    notes = control.curves.performance.notes
    string_mm = control.curves.performance.player.string_mm
    usual = [stop_mm(_FIRST_STOP_SEMITONES + n, string_mm) for n in USUAL_SEMITONES]
    out = []
    for finger in range(4):
        first = usual[finger] - usual[0]
        steps = [
            (note.onset_s - _MOVE_S, _MOVE_S, float(mm))
            for note, mm in zip(notes, control.curves.offsets_mm, strict=True)
            if note.finger == finger + 1
        ]
        out.append((steps[0][2] if steps else first, steps))
    return tuple(out)


def body_of(times_s: FloatArray, segments: Mapping[str, Frame], angles: Mapping[str, FloatArray]) -> Body:
    """Collect the 18 joint centres and the angles from the segments' frames; ``angles`` are those of the fingers."""
    places = {}
    for side, _, _ in SIDES:
        for joint, segment in (
            ("ankle", "foot"),
            ("elbow", "forearm"),
            ("pelvis", "thigh"),
            ("knee", "shank"),
            ("shoulder", "upper_arm"),
            ("wrist", "hand"),
            ("index", "index_proximal"),
            ("pinky", "pinky_proximal"),
            ("thumb", "thumb_distal"),
        ):
            places[f"{side}_{joint}"] = segments[f"{side}_{segment}"].origin
    return Body(
        times_s, segments, np.stack([places[name] for name in JOINTS], axis=1), angles_of(segments) | dict(angles)
    )
