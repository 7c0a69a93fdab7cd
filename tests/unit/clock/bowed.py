"""A made-up violinist: strokes of a bow, a hand that rocks, and what a microphone hears of them, with known times.

The bow crosses the strings at one point of the violin, which sways; the sound's energy is the squared speed of the bow
on the string, kept by a room in which energy dies away exponentially. No formula of the estimators is used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from viodat.audio.f0 import PitchTrack
from viodat.body.interpolate import at_times
from viodat.clock.hearing import Hearing
from viodat.clock.inputs import Motion
from viodat.joints import JOINT_INDEX

FloatArray = NDArray[np.float64]

FINE_HZ = 1000.0
BRIDGE_MM = np.array([250.0, 0.0, 30.0])
"""Where bow and strings meet, in the violin's own frame: x from the scroll to the bridge, z off its top."""
VIOLIN_MM = {
    "VIO1": (0.0, 0.0, 0.0),
    "VIO2": (230.0, 90.0, 5.0),
    "VIO3": (230.0, -90.0, 10.0),
    "VIO4": (330.0, 0.0, 0.0),
}
BOW_MM = 620.0
SPEED_MM_S = 343_000.0


@dataclass(frozen=True, eq=False)
class Take:
    """What is played: (N,) at :data:`FINE_HZ` from mocap time ``start_s``, further than it is recorded.

    The bow's speed along itself (mm/s), how far it is lifted off the string (mm), how far the left hand stands
    towards the bridge (mm), and the pitch without vibrato (cents re A4).
    """

    start_s: float
    speed_mm_s: FloatArray
    lift_mm: FloatArray
    rocking_mm: FloatArray
    note_cents: FloatArray

    def at(self, name: str, times_s: FloatArray) -> FloatArray:
        """Give one of its arrays at mocap times."""
        values = getattr(self, name)
        return np.interp((np.asarray(times_s) - self.start_s) * FINE_HZ, np.arange(len(values)), values)


def take(seed: int, seconds: float = 16.0, start_s: float = -2.0) -> Take:
    """Strokes of 0.2 to 0.8 s in turn, every seventh a rest with the bow in the air; a vibrato of 5 to 7 Hz."""
    rng = np.random.default_rng(seed)
    speed, lift, note, rocking = [], [], [], []
    sign, phase = 1.0, 0.0
    while sum(map(len, speed)) < seconds * FINE_HZ:
        count = round(rng.uniform(0.2, 0.8) * FINE_HZ)
        u = (np.arange(count) + 0.5) / count
        rest = rng.random() < 1 / 7
        speed.append(np.zeros(count) if rest else sign * rng.uniform(250, 700) * np.sin(np.pi * u) ** 0.6)
        lift.append(60.0 * np.sin(np.pi * u) ** 2 if rest else np.zeros(count))
        note.append(np.full(count, 100.0 * rng.integers(-5, 12)))
        cycles = phase + np.cumsum(np.full(count, rng.uniform(5.0, 7.0))) / FINE_HZ
        rocking.append(rng.uniform(2.0, 4.0) * np.sin(2 * np.pi * cycles))
        phase = float(cycles[-1])
        sign = sign if rest else -sign
    return Take(start_s, *(np.concatenate(part) for part in (speed, lift, rocking, note)))


def motion_of_take(
    played: Take,
    *,
    seconds: float = 12.0,
    start_s: float = 0.0,
    violin: tuple[str, ...] = ("VIO1", "VIO2", "VIO3"),
    bow: tuple[str, ...] = ("BOW1", "BOW2"),
    noise_mm: float = 0.1,
    seed: int = 0,
) -> Motion:
    """Markers on violin and bow (none where none are named), and joints, at 100 Hz."""
    rng = np.random.default_rng(seed)
    times = start_s + np.arange(round(seconds * 100)) / 100
    axes, origin = _violin(times)
    way = np.cumsum(played.speed_mm_s) / FINE_HZ
    drawn = np.interp((times - played.start_s) * FINE_HZ, np.arange(len(way)), way)
    drawn = np.clip(BOW_MM / 2 + drawn - drawn.mean(), -400, 1000)
    tilt = 0.25 * np.sin(2 * np.pi * 0.21 * times)
    along = np.stack([0 * times, np.cos(tilt), np.sin(tilt)], axis=1)
    meets = BRIDGE_MM + played.at("lift_mm", times)[:, None] * np.array([0.0, 0.0, 1.0])
    ends = {"BOW1": meets - drawn[:, None] * along, "BOW2": meets + (BOW_MM - drawn)[:, None] * along}
    neck = np.array([-40.0, 0.0, -20.0]) + played.at("rocking_mm", times)[:, None] * np.array([1.0, 0.0, 0.0])

    def world(points: FloatArray) -> FloatArray:
        return np.einsum("tij,tj->ti", axes, np.broadcast_to(points, (len(times), 3))) + origin

    def seen(points: FloatArray) -> FloatArray:
        return world(points) + rng.normal(0, noise_mm, (len(times), 3))

    markers = {label: seen(np.array(VIOLIN_MM[label])) for label in violin} | {
        label: seen(ends[label]) for label in bow
    }
    joints = np.zeros((len(times), 18, 3)) + np.array([0.0, 0.0, 1000.0])
    for side, hand in (("left", neck), ("right", ends["BOW1"])):
        for part, beside in (("index", 15.0), ("pinky", -25.0), ("thumb", 0.0), ("wrist", -60.0)):
            joints[:, JOINT_INDEX[f"{side}_{part}"]] = seen(hand + np.array([beside, -20.0, -10.0]))
    joints[:, JOINT_INDEX["left_shoulder"]] = seen(np.array([420.0, 30.0, -60.0]))
    joints[:, JOINT_INDEX["right_shoulder"]] = seen(np.array([420.0, -330.0, -60.0]))
    return Motion(start_s, 100.0, joints, lambda t: at_times(joints, start_s, 100.0, t), markers, violin, bow)


def bridge_mm(times_s: FloatArray) -> FloatArray:
    """(T, 3) mm, world: where bow and strings meet."""
    axes, origin = _violin(np.asarray(times_s))
    return axes @ BRIDGE_MM + origin


def sound_of_take(
    played: Take,
    offset_s: float,
    *,
    seconds: float = 12.0,
    drift_ppm: float = 0.0,
    late_s: float = 0.0,
    decay_s: float = 0.03,
    noise: float = 2e-3,
    rate_hz: float = 8000.0,
    pitch: bool = False,
    seed: int = 1,
) -> Hearing:
    """Noise as loud as the bow makes it, heard ``late_s`` after it is made; mocap time is device time plus offset."""
    rng = np.random.default_rng(seed)

    def played_at(device_s: FloatArray) -> FloatArray:
        return device_s * (1 + drift_ppm * 1e-6) + offset_s - late_s

    device = np.arange(round(seconds * rate_hz)) / rate_hz
    mocap = played_at(device)
    put_in = np.square(played.at("speed_mm_s", mocap) / 1000 * (played.at("lift_mm", mocap) < 1))
    kept = np.exp(-1 / (decay_s * rate_hz))
    loud = np.sqrt(lfilter([1 - kept], [1, -kept], put_in))
    samples = 0.3 * loud * rng.standard_normal(len(device)) + noise * rng.standard_normal(len(device))
    return Hearing(samples, rate_hz, pitch_of_take(played, played_at, seconds, seed) if pitch else None)


def pitch_of_take(played: Take, played_at, seconds: float, seed: int = 1) -> PitchTrack:
    """Rows of 10 ms; 7 cents per mm of the hand, and 3 cents of noise; unvoiced where the bow rests."""
    rng = np.random.default_rng(seed)
    mocap = played_at(np.arange(round(seconds * 100)) / 100)
    cents = played.at("note_cents", mocap) + 7 * played.at("rocking_mm", mocap) + rng.normal(0, 3.0, len(mocap))
    voiced = np.abs(played.at("speed_mm_s", mocap)) > 30
    return PitchTrack(np.where(voiced, 440 * 2 ** (cents / 1200), np.nan), voiced, voiced.astype(float), 0.01)


def _violin(times_s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(T, 3, 3) axes and (T, 3) mm origin of a violin that sways."""
    turn, nod = 0.4 + 0.08 * np.sin(2 * np.pi * 0.23 * times_s), 0.06 * np.sin(2 * np.pi * 0.31 * times_s)
    c, s, zero, one = np.cos(turn), np.sin(turn), 0 * times_s, 0 * times_s + 1
    yaw = np.array([[c, -s, zero], [s, c, zero], [zero, zero, one]]).transpose(2, 0, 1)
    c, s = np.cos(nod), np.sin(nod)
    pitch = np.array([[c, zero, s], [zero, one, zero], [-s, zero, c]]).transpose(2, 0, 1)
    origin = np.stack([100 + 20 * np.sin(times_s), 300 + 15 * np.cos(0.7 * times_s), 1350 + 0 * times_s], axis=1)
    return yaw @ pitch, origin
