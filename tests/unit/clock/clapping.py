"""A person who claps, little more than hands: motion, sound and picture with known times, for the tests of the clap."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from viodat.body.interpolate import at_times
from viodat.camera import Camera
from viodat.clock.hearing import Hearing
from viodat.clock.inputs import Motion, Picture
from viodat.joints import JOINT_INDEX

FloatArray = NDArray[np.float64]

SECONDS = 8.0
PLACE_MM = np.array([100.0, 0.0, 1200.0])


def gap_mm(times_s: FloatArray, claps_s: Sequence[float], speed_mm_s: float = 2000.0) -> FloatArray:
    """How far the hands are apart: at 300 mm, closing within 50 ms to 40 mm, opening in 200 ms."""
    gap = np.full(len(times_s), 300.0)
    for clap in claps_s:
        tau = np.asarray(times_s) - clap
        opening = np.where(tau < 0, -tau * speed_mm_s, tau * 800.0)
        gap = np.minimum(gap, 40 + 260 * np.tanh(opening / 260))
    return gap


def poses_mm(times_s: FloatArray, claps_s: Sequence[float]) -> FloatArray:
    poses = np.zeros((len(times_s), 18, 3)) + PLACE_MM
    half = 0.5 * gap_mm(times_s, claps_s)
    for side, sign in (("left", 1), ("right", -1)):
        for part, reach in (("wrist", -40.0), ("index", 20.0), ("pinky", 20.0), ("thumb", 0.0)):
            poses[:, JOINT_INDEX[f"{side}_{part}"], 0] += reach
            poses[:, JOINT_INDEX[f"{side}_{part}"], 1] += sign * half
        poses[:, JOINT_INDEX[f"{side}_shoulder"], 2] += 200
        poses[:, JOINT_INDEX[f"{side}_pelvis"], 2] -= 300
    return poses


def motion_with(claps_s: Sequence[float], *, rate_hz: float = 100.0, noise_mm: float = 0.3, seed: int = 0) -> Motion:
    """Markers sit 15 mm over the joints of the hands; one on the bow, which the right hand holds."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(SECONDS * rate_hz)) / rate_hz
    joints = poses_mm(times, claps_s)
    markers = {
        f"{side[0].upper()}{part}": joints[:, JOINT_INDEX[f"{side}_{part}"]]
        + np.array([0.0, 0.0, 15.0])
        + rng.normal(0, noise_mm, (len(times), 3))
        for side in ("left", "right")
        for part in ("wrist", "index", "pinky")
    }
    markers["BOW1"] = markers["Rindex"] + 1.0
    return Motion(0.0, rate_hz, joints, lambda t: at_times(joints, 0.0, rate_hz, t), markers, bow=("BOW1",))


def sound_with(
    claps_s: Sequence[float], *, seconds: float = SECONDS, rate_hz: float = 44100.0, noise: float = 1e-3, seed: int = 0
) -> Hearing:
    """Noise, and bursts that begin at once and decay in 40 ms, each followed by a stronger reflection 4 ms later."""
    rng = np.random.default_rng(seed)
    samples = noise * rng.standard_normal(round(seconds * rate_hz))
    for clap in claps_s:
        for late, strength in ((0.0, 0.4), (0.004, 0.8)):
            first = int(np.ceil((clap + late) * rate_hz))
            length = min(round(0.3 * rate_hz), len(samples) - first)
            decay = np.exp(-np.arange(length) / (0.02 * rate_hz))
            samples[first : first + length] += strength * decay * rng.standard_normal(length)
    return Hearing(samples, rate_hz)


def camera_at(distance_mm: float = 3000.0) -> Camera:
    """On the x axis, looking at the hands from the front: they close across its picture."""
    rotation = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])
    centre = PLACE_MM + np.array([distance_mm, 0.0, 0.0])
    matrix = np.array([[1000.0, 0.0, 639.5], [0.0, 1000.0, 359.5], [0.0, 0.0, 1.0]])
    return Camera("C01", (1280, 720), matrix, rotation=rotation, translation_mm=-rotation @ centre)


def picture_with(claps_s: Sequence[float], offset_s: float, *, noise_px: float = 1.5, seed: int = 0) -> Picture:
    """Seen by :func:`camera_at` 30 times a second with uneven stamps; mocap time is the stamp plus ``offset_s``."""
    rng = np.random.default_rng(seed)
    stamps = np.cumsum(rng.uniform(0.031, 0.0355, round(SECONDS * 30)))
    camera = camera_at()
    px = camera.project(poses_mm(stamps + offset_s, claps_s)) + np.array([4.0, -3.0])
    px += noise_px * rng.standard_normal(px.shape)
    return Picture(stamps, px, np.ones(px.shape[:2]), camera)
