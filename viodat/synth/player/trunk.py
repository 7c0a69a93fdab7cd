"""What the trunk and the legs do: stand, sway, breathe, shift weight and lean into the music.

All of it is sums of sines, smooth for ever. Quiet standing sways with most of its power below 0.5 Hz and amplitudes of
some millimetres; resting adults breathe 12 to 20 times a minute. How much a player moves with the music is viodat's
choice: some 20–60 mm at the head of an advanced player, less for a novice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from viodat.synth.music.score import Level
from viodat.synth.player.anatomy import SIDES, Anatomy
from viodat.synth.player.body import Frame
from viodat.synth.player.kinematics import about_x, leg
from viodat.synth.vectors import FloatArray, turned

_SINES = 12
_SWAY_HZ, _SHIFT_HZ, _MUSIC_HZ = (0.05, 0.9), (0.03, 0.12), (0.1, 0.5)
_SWAY_MM: Final = (4.5, 3.0)
"""Root mean square of the pelvis' sway forward and sideways; a usual value of quiet standing."""
_BREATH_HZ: Final = {True: (0.26, 0.35), False: (0.20, 0.28)}
_BREATH_RAD, _BREATH_LIFT_RAD = 0.0055, 0.012
_EXPRESSIVE: Final = {"novice": 0.3, "intermediate": 0.6, "advanced": 1.0}
_LEAN_RAD: Final = (0.016, 0.016, 0.040)
"""Root mean square of an advanced player's roll, pitch and turn of the thorax with the music."""
_STRAIGHT = 0.992
"""Of the leg's length from hip to ankle, standing: knees bent by about 14°."""
LIST = 0.0006
"""rad per mm that the pelvis rises over the leg that stands, of a body of 1.70 m."""
_STANCE_MM, _AHEAD_MM, _OVER_ANKLES_MM = 35.0, 25.0, 22.0


@dataclass(frozen=True)
class Sines:
    """A sum of sines: (N,) Hz, phase and amplitude."""

    hz: FloatArray
    phase: FloatArray
    amplitude: FloatArray

    def at(self, times_s: FloatArray) -> FloatArray:
        """(T,) its values."""
        out = np.zeros(times_s.shape)
        for f, start, a in zip(self.hz, self.phase, self.amplitude, strict=True):
            out += a * np.sin(2 * np.pi * f * times_s + start)
        return out


def wandering(rms: float, band_hz: tuple[float, float], rng: np.random.Generator) -> Sines:
    """Slow noise of a given root mean square, whose amplitude falls as 1/f over the band."""
    hz = np.geomspace(*band_hz, _SINES) * rng.uniform(0.93, 1.07, _SINES)
    amplitude = rng.uniform(0.6, 1.4, _SINES) / np.sqrt(hz)
    return Sines(hz, rng.uniform(0, 2 * np.pi, _SINES), rms * amplitude * np.sqrt(2 / np.sum(amplitude**2)))


@dataclass(frozen=True)
class Stance:
    """Where the player stands and how the trunk moves.

    Attributes
    ----------
    ankles, toes_out
        (2, 3) mm and (2,) rad, left then right; the feet stand still.
    height_mm
        Of the middle of the hips at rest.
    list_rad
        Roll of the pelvis that bends both legs alike.
    posture
        Turn, pitch and roll of the thorax on the pelvis at rest, rad.
    forward, sideways, shift
        Sway of the pelvis, and its slow shift from foot to foot, mm.
    lean
        How the thorax leans with the music: roll, pitch, turn, rad.
    breath
        Breathing, amplitude about 1.
    nod
        How head and violin move on the thorax: turn, pitch, roll, rad.
    """

    ankles: FloatArray
    toes_out: FloatArray
    height_mm: float
    list_rad: float
    posture: tuple[float, float, float]
    forward: Sines
    sideways: Sines
    shift: Sines
    lean: tuple[Sines, Sines, Sines]
    breath: Sines
    nod: tuple[Sines, Sines, Sines]


def draw_stance(anatomy: Anatomy, level: Level, playing: bool, rng: np.random.Generator) -> Stance:
    """Draw how a player stands in one take."""
    s = anatomy.scale
    live = _EXPRESSIVE[level] * rng.uniform(0.8, 1.2) if playing else 0.0
    ankles, offset = np.zeros((2, 3)), rng.normal(0, 6.0 * s)
    for i, (side, _, sign) in enumerate(SIDES):
        hip = anatomy.places[f"{side}_hip"]
        ankles[i] = (
            (sign * _AHEAD_MM / 2 * playing - _OVER_ANKLES_MM) * s + sign * offset,
            hip[1] + sign * (_STANCE_MM + (15.0 if playing else 0.0) + rng.normal(0, 5.0)) * s,
            anatomy.bones["ankle_height"],
        )
    left, right = (anatomy.places[f"{side}_hip"] for side, _, _ in SIDES)
    legs = [sum(anatomy.bones[f"{side}_{bone}"] for bone in ("thigh", "shank")) for side, _, _ in SIDES]
    # The pelvis is held so that both legs are bent alike.
    list_rad = float((_STRAIGHT * (legs[0] - legs[1]) - (left[2] - right[2])) / (left[1] - right[1]))
    heights = []
    for i, (side, _, _) in enumerate(SIDES):
        straight = _STRAIGHT * (anatomy.bones[f"{side}_thigh"] + anatomy.bones[f"{side}_shank"])
        hip = about_x(list_rad) @ anatomy.places[f"{side}_hip"]
        level_mm = np.hypot(*(ankles[i] - hip)[:2])
        heights.append(ankles[i, 2] + np.sqrt(straight**2 - level_mm**2) - hip[2])
    quiet = 1.0 if playing else 0.5
    still = (rng.normal(0, 0.02), -0.03 + rng.normal(0, 0.02), rng.normal(0, 0.01))
    breath_hz = rng.uniform(*_BREATH_HZ[playing])
    return Stance(
        ankles=ankles,
        toes_out=np.array([1.0, -1.0]) * rng.uniform(0.12, 0.3, 2),
        height_mm=float(min(heights)),
        list_rad=list_rad,
        posture=still if playing else (0.0, -0.03, 0.0),
        forward=wandering(quiet * _SWAY_MM[0] * s, _SWAY_HZ, rng),
        sideways=wandering(quiet * _SWAY_MM[1] * s, _SWAY_HZ, rng),
        shift=wandering(5.0 * s * (0.4 + live), _SHIFT_HZ, rng),
        lean=tuple(wandering(max(live, 0.02) * rms, _MUSIC_HZ, rng) for rms in _LEAN_RAD),  # type: ignore[arg-type]
        breath=Sines(breath_hz * np.array([1.0, 2.0, 0.61]), rng.uniform(0, 2 * np.pi, 3), np.array([1.0, 0.18, 0.2])),
        nod=tuple(wandering((0.006 + 0.014 * live) * w, _MUSIC_HZ, rng) for w in (1.2, 1.0, 0.7)),  # type: ignore[arg-type]
    )


@dataclass(frozen=True)
class Stand:
    """Pelvis, thorax and legs at T instants; ``breath`` (T,) lifts the collarbones, rad; knees' flexion by side."""

    segments: dict[str, Frame]
    breath: FloatArray
    lean: FloatArray


def stand(anatomy: Anatomy, stance: Stance, times_s: FloatArray) -> Stand:
    """Frames of pelvis, thorax, thighs, shanks and feet; ``lean`` is (T, 3) turn, pitch, roll of the thorax."""
    shift = stance.shift.at(times_s)
    zero = np.zeros_like(times_s)
    sideways = stance.sideways.at(times_s) + shift
    origin = np.stack([stance.forward.at(times_s), sideways, zero + stance.height_mm], axis=-1)
    # The hip over the standing leg rises a little.
    pelvis = Frame(
        origin, turned(0.3 * stance.lean[2].at(times_s), zero, stance.list_rad + LIST * sideways / anatomy.scale)
    )
    breath = stance.breath.at(times_s)
    roll, pitch, turn = (sines.at(times_s) for sines in stance.lean)
    roll = stance.posture[2] + roll - 0.0008 * shift / anatomy.scale
    pitch = stance.posture[1] + pitch - _BREATH_RAD * breath
    turn = stance.posture[0] + turn
    segments = {"pelvis": pelvis, "thorax": thorax_on(anatomy, pelvis, turned(turn, pitch, roll))}
    segments |= standing_legs(anatomy, pelvis, stance.ankles, stance.toes_out)
    return Stand(segments, _BREATH_LIFT_RAD * breath, np.stack([turn, pitch, roll], axis=-1))


def thorax_on(anatomy: Anatomy, pelvis: Frame, turn: FloatArray) -> Frame:
    """Put the thorax on the pelvis, turned by (T, 3, 3)."""
    axes = pelvis.axes @ turn
    return Frame(pelvis.point(anatomy.places["spine"]) + axes @ anatomy.places["notch_from_spine"], axes)


def standing_legs(anatomy: Anatomy, pelvis: Frame, ankles: FloatArray, toes_out: FloatArray) -> dict[str, Frame]:
    """Bend the legs between the hips and feet that stand at (2, 3)."""
    out = {}
    for i, (side, _, _) in enumerate(SIDES):
        hip = pelvis.point(anatomy.places[f"{side}_hip"])
        ankle = np.broadcast_to(ankles[i], hip.shape)
        knees_over = np.array([np.cos(0.6 * toes_out[i]), np.sin(0.6 * toes_out[i]), 0.0])
        bones = (anatomy.bones[f"{side}_thigh"], anatomy.bones[f"{side}_shank"])
        limb = leg(hip, ankle, bones, np.broadcast_to(knees_over, hip.shape))
        out[f"{side}_thigh"], out[f"{side}_shank"] = limb.upper, limb.lower
        out[f"{side}_foot"] = Frame(limb.end, turned(*(np.full(len(hip), v) for v in (toes_out[i], 0.0, 0.0))))
    return out
