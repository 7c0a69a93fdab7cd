"""The two trials without the instrument: standing still, and moving every joint through its range.

Both are posture plus moves: the feet's stand gives the legs, and each move adds an angle that rises from zero and
returns to it along minimum-jerk curves, so bones keep their length and everything is C². Amplitudes are viodat's
choice; at the hips they are what functional calibration needs (some 30–40° to each side). rad, mm, s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from viodat.errors import ConfigError
from viodat.synth.music.smooth import plateau
from viodat.synth.player.anatomy import SIDES, Anatomy
from viodat.synth.player.body import FINGERS, Body, Frame
from viodat.synth.player.hands import curled, digits_of
from viodat.synth.player.hold import girdle
from viodat.synth.player.kinematics import Digit, about_x, about_y, about_z, hand_axes, radius_axes
from viodat.synth.player.motion import body_of
from viodat.synth.player.trunk import LIST, Stance, draw_stance, standing_legs, thorax_on
from viodat.synth.vectors import FloatArray, turned

LEAST_ROM_S: Final = 20.0
_ARMS: Final = {"abduction": 0.42, "flexion": 0.05, "elbow": 0.35, "pronation": 0.15}
"""How the arms are held in both trials."""
_OVER_FOOT_MM, _LOWER_MM = 70.0, 10.0


@dataclass(frozen=True)
class Move:
    """An angle that leaves zero and comes back: once, or as ``waves`` full sines. Times are shares of the trial."""

    name: str
    start: float
    end: float
    amplitude: float
    waves: float = 0.0
    phase: float = 0.0

    def at(self, times_s: FloatArray, seconds: float) -> FloatArray:
        """(T,) the angle."""
        start, end = self.start * seconds, self.end * seconds
        if self.waves == 0:
            return self.amplitude * plateau(times_s, start, end, (end - start) / 2)
        envelope = plateau(times_s, start, end, min((end - start) / 4, 0.8))
        turns = 2 * np.pi * self.waves * (times_s - start) / (end - start) + self.phase
        return np.asarray(self.amplitude * envelope * np.sin(turns))


@dataclass(frozen=True, eq=False)
class PostureMotion:
    """A body that stands, with moves added to its joints; ``amount`` scales them (1: as listed)."""

    anatomy: Anatomy
    stance: Stance
    digits: Mapping[str, Digit]
    moves: tuple[Move, ...]
    seconds: float
    amount: float

    def at(self, times_s: ArrayLike) -> Body:
        """Give the body at (T,) s, in any order and at any spacing."""
        times = np.asarray(times_s, dtype=np.float64)
        added: dict[str, FloatArray] = {}
        for move in self.moves:
            added[move.name] = added.get(move.name, 0.0) + self.amount * move.at(times, self.seconds)
        zero = np.zeros_like(times)

        def angle(name: str) -> FloatArray:
            return added.get(name, zero)

        segments = self._trunk(times, angle("over_left") - angle("over_right"), added, zero)
        angles: dict[str, FloatArray] = {}
        for side, _, sign in SIDES:
            self._move_leg(segments, side, sign, {n: angle(f"{side}_{n}") for n in _LEG})
            self._move_arm(segments, side, sign, {n: angle(f"{side}_{n}") for n in _ARM})
            curl, spread = angle(f"{side}_fingers"), angle(f"{side}_spread")
            shapes = {
                name: (0.25 + 1.1 * curl, 0.1 * (1.5 - i) * spread, 0.35 + 1.4 * curl) for i, name in enumerate(FINGERS)
            }
            shapes["thumb"] = (0.1 + 0.5 * curl, 0.35 * spread - 0.35, 0.25 + 0.7 * curl)
            bones, bends = curled(self.digits, side, segments[f"{side}_hand"], shapes)
            segments |= bones
            angles |= bends
        return body_of(times, segments, angles)

    def _trunk(
        self, times: FloatArray, over: FloatArray, added: Mapping[str, FloatArray], zero: FloatArray
    ) -> dict[str, Frame]:
        s, stance = self.anatomy.scale, self.stance
        side = stance.sideways.at(times) + _OVER_FOOT_MM * s * over
        height = stance.height_mm - _LOWER_MM * s * over**2
        pelvis = Frame(
            np.stack([stance.forward.at(times), side, height], axis=-1),
            turned(zero, zero, stance.list_rad + LIST * side / s),
        )
        roll, pitch, turn = (sines.at(times) for sines in stance.lean)
        breath = stance.breath.at(times)
        on = turned(
            turn + added.get("turn", zero),
            stance.posture[1] + pitch - 0.004 * breath + added.get("lean", zero),
            roll + added.get("tilt", zero),
        )
        thorax = thorax_on(self.anatomy, pelvis, on)
        nod = [sines.at(times) for sines in stance.nod]
        axes = thorax.axes @ turned(*nod)
        head = Frame(thorax.point(self.anatomy.places["neck"]) + axes @ self.anatomy.places["head"], axes)
        legs = standing_legs(self.anatomy, pelvis, stance.ankles, stance.toes_out)
        return {"pelvis": pelvis, "thorax": thorax, "head": head} | legs

    def _move_leg(self, segments: dict[str, Frame], side: str, sign: float, add: Mapping[str, FloatArray]) -> None:
        """Lift a leg off its stand: the same turns added at hip, knee and ankle."""
        thigh, shank, foot = (segments[f"{side}_{n}"] for n in ("thigh", "shank", "foot"))
        pelvis = segments["pelvis"].axes
        knee = np.swapaxes(thigh.axes, -1, -2) @ shank.axes
        ankle = np.swapaxes(shank.axes, -1, -2) @ foot.axes
        turn = about_y(-add["hip_flexion"]) @ about_x(sign * add["hip_abduction"]) @ about_z(sign * add["hip_rotation"])
        upper = pelvis @ turn @ np.swapaxes(pelvis, -1, -2) @ thigh.axes
        lower = upper @ knee @ about_y(add["knee"])
        below = thigh.origin - self.anatomy.bones[f"{side}_thigh"] * upper[..., 2]
        end = below - self.anatomy.bones[f"{side}_shank"] * lower[..., 2]
        segments[f"{side}_thigh"] = Frame(thigh.origin, upper)
        segments[f"{side}_shank"] = Frame(below, lower)
        segments[f"{side}_foot"] = Frame(end, lower @ ankle @ about_y(-add["ankle"]))

    def _move_arm(self, segments: dict[str, Frame], side: str, sign: float, add: Mapping[str, FloatArray]) -> None:
        """Hang an arm from the collarbone, every joint turned by the posture's angle and what is added."""
        anatomy, thorax = self.anatomy, segments["thorax"]
        raised = 0.2 * (add["shoulder_abduction"] + add["shoulder_flexion"])
        frame = girdle(anatomy, side, sign, 0.15 * add["shoulder_flexion"], raised)
        clavicle = Frame(thorax.point(frame.origin), thorax.axes @ frame.axes)
        upper = thorax.axes @ (
            about_z(sign * add["shoulder_plane"])
            @ about_y(-_ARMS["flexion"] - add["shoulder_flexion"])
            @ about_x(sign * (_ARMS["abduction"] + add["shoulder_abduction"]))
            @ about_z(-sign * add["shoulder_rotation"])
        )
        shoulder = clavicle.point(anatomy.places[f"{side}_shoulder"])
        forearm = upper @ about_y(-_ARMS["elbow"] - add["elbow"])
        elbow = shoulder - anatomy.bones[f"{side}_upper_arm"] * upper[..., 2]
        wrist = elbow - anatomy.bones[f"{side}_forearm"] * forearm[..., 2]
        radius = radius_axes(forearm, _ARMS["pronation"] + add["pronation"], sign)
        hand = hand_axes(radius, add["wrist_flexion"], add["wrist_deviation"], sign)
        segments |= {
            f"{side}_clavicle": clavicle,
            f"{side}_upper_arm": Frame(shoulder, upper),
            f"{side}_forearm": Frame(elbow, forearm),
            f"{side}_radius": Frame(wrist, radius),
            f"{side}_hand": Frame(wrist, hand),
        }


_LEG: Final = ("hip_flexion", "hip_abduction", "hip_rotation", "knee", "ankle")
_ARM: Final = (
    "shoulder_flexion",
    "shoulder_abduction",
    "shoulder_plane",
    "shoulder_rotation",
    "elbow",
    "pronation",
    "wrist_flexion",
    "wrist_deviation",
)

# Seconds of a trial of 50 s: name, start, end, degrees, and for waves their number and phase (in quarter turns).
_HIP_STAR: Final = (
    ("hip_flexion", 0.4, 1.9, 42.0),
    ("hip_flexion", 1.8, 3.3, 32.0),
    ("hip_abduction", 1.8, 3.3, 24.0),
    ("hip_abduction", 3.2, 4.7, 36.0),
    ("hip_flexion", 4.6, 6.1, -18.0),
    ("hip_abduction", 4.6, 6.1, 26.0),
    ("hip_flexion", 6.0, 7.5, -28.0),
)
"""Out and back towards the front, the front and side, the side, the back and side, the back; then a circle."""
_LEG_SECONDS = 14.0


def _one_leg(side: str, start: float) -> list[Move]:
    over = "over_right" if side == "left" else "over_left"
    rows: list[tuple[str, float, float, float, float, float]] = [(*row, 0.0, 0.0) for row in _HIP_STAR]
    rows += [
        ("hip_flexion", 7.3, 10.2, 12.0, 0.0, 0.0),
        ("hip_flexion", 7.4, 10.1, 27.0, 1.0, 1.0),
        ("hip_abduction", 7.3, 10.2, 14.0, 0.0, 0.0),
        ("hip_abduction", 7.4, 10.1, 24.0, 1.0, 0.0),
        ("hip_flexion", 10.0, 13.7, 25.0, 0.0, 0.0),
        ("hip_rotation", 10.4, 13.4, 14.0, 1.0, 0.0),
        ("knee", 0.0, 10.2, 16.0, 0.0, 0.0),
        ("knee", 0.0, 2.4, 14.0, 0.0, 0.0),
        ("knee", 4.4, 7.7, 12.0, 0.0, 0.0),
        ("knee", 7.1, 10.6, 24.0, 0.0, 0.0),
        ("knee", 10.0, 12.2, 85.0, 0.0, 0.0),
        ("knee", 11.2, 13.9, 40.0, 0.0, 0.0),
        ("ankle", 10.4, 13.5, -16.0, 0.0, 0.0),
        ("ankle", 10.6, 13.4, 20.0, 2.0, 0.0),
    ]
    moves = [Move(over, start / 50, (start + _LEG_SECONDS) / 50, 1.0)]
    return moves + [_move(f"{side}_{name}", start, *row) for name, *row in rows]


def _one_arm(side: str, start: float) -> list[Move]:
    rows = (
        ("shoulder_flexion", 0.1, 2.0, 95.0, 0.0, 0.0),
        ("shoulder_abduction", 1.7, 3.6, 65.0, 0.0, 0.0),
        ("shoulder_flexion", 3.2, 5.0, 40.0, 0.0, 0.0),
        ("shoulder_rotation", 3.3, 5.0, 28.0, 1.0, 0.0),
        ("elbow", 3.2, 7.4, 70.0, 0.0, 0.0),
        ("elbow", 4.6, 6.2, 40.0, 0.0, 0.0),
        ("pronation", 5.0, 6.8, 55.0, 1.0, 0.0),
        ("wrist_flexion", 5.8, 7.8, 48.0, 1.0, 0.0),
        ("wrist_deviation", 6.6, 8.3, 15.0, 1.0, 2.0),
        ("fingers", 6.4, 8.5, 0.85, 0.0, 0.0),
        ("spread", 5.0, 6.6, 1.0, 0.0, 0.0),
    )
    unitless = ("fingers", "spread")
    out = []
    for name, *row in rows:
        move = _move(f"{side}_{name}", start, *row)
        out.append(move if name not in unitless else Move(move.name, move.start, move.end, row[2]))
    return out


def _move(name: str, start: float, begin: float, end: float, degrees: float, waves: float, quarter: float) -> Move:
    amplitude = float(np.deg2rad(degrees))
    return Move(name, (start + begin) / 50, (start + end) / 50, amplitude, waves, quarter * np.pi / 2)


def _all_moves() -> tuple[Move, ...]:
    trunk = [
        _move("lean", 46.0, 0.0, 1.6, 28.0, 0.0, 0.0),
        _move("tilt", 46.0, 1.1, 2.8, 14.0, 1.0, 0.0),
        _move("turn", 46.0, 2.2, 3.9, 24.0, 1.0, 0.0),
    ]
    legs = [*_one_leg("right", 0.4), *_one_leg("left", 14.4)]
    return (*legs, *_one_arm("right", 28.6), *_one_arm("left", 37.3), *trunk)


def static_motion(anatomy: Anatomy, rng: np.random.Generator) -> PostureMotion:
    """Stand still with the arms held off the body, palms towards the thighs; for as long as asked."""
    stance = draw_stance(anatomy, anatomy.person.level, False, rng)
    return PostureMotion(anatomy, stance, digits_of(anatomy), (), 1.0, 0.0)


def rom_motion(anatomy: Anatomy, seconds: float, rng: np.random.Generator) -> PostureMotion:
    """Move hips, knees, ankles, shoulders, elbows, wrists, fingers and trunk through their range, each side in turn.

    Parameters
    ----------
    seconds
        Length of the trial: at least 20 s, 40 to 60 s in a real one.
    rng
        Draws the sway and how far this participant goes, within ± 8 %.

    Raises
    ------
    ConfigError
        A trial too short to be moved through.
    """
    if seconds < LEAST_ROM_S:
        raise ConfigError(
            f"a range-of-motion trial of {seconds:g} s is too short", mend=f"Use at least {LEAST_ROM_S:g} s."
        )
    stance = draw_stance(anatomy, anatomy.person.level, False, rng)
    return PostureMotion(anatomy, stance, digits_of(anatomy), _all_moves(), seconds, float(rng.uniform(0.92, 1.08)))
