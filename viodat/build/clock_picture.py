"""What the pages need of a trial's motion, sounds and pictures, kept while these are at hand: some kB per second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viodat.camera import Camera
from viodat.clock import TrialEvidence
from viodat.clock.hearing import LEVEL_HZ
from viodat.joints import JOINT_INDEX

FloatArray = NDArray[np.float64]

SHOWN_HZ: Final = 100.0
"""Rate of the levels, and the highest of the motion."""
_WRIST: Final = JOINT_INDEX["right_wrist"]


@dataclass(frozen=True, eq=False)
class SeenWrist:
    """The bow arm's wrist in one camera: (N,) s on the device's clock, (N, 2) px, and the camera."""

    times_s: FloatArray
    px: NDArray[np.float32]
    camera: Camera


@dataclass(frozen=True, eq=False)
class ClockPicture:
    """What the pages need of a trial.

    Attributes
    ----------
    times_s
        (T,) s on the mocap clock, at most 100 Hz.
    speed_mm_s, on_string
        (T,) of the bow, NaN where unknown; None where nothing shows it.
    bow_from_markers
        Whether violin and bow themselves were seen.
    wrist_mm
        (T, 3) mm, world: the bow arm's wrist, NaN where undetermined.
    levels_db
        Device -> (R,) dB at 100 Hz from half a step after its zero.
    wrists
        Device -> its wrist, of calibrated cameras with keypoints.
    decays_s
        Device -> time in which its room's energy falls to 1/e, s.
    """

    times_s: FloatArray
    speed_mm_s: NDArray[np.float32] | None
    on_string: NDArray[np.float32] | None
    bow_from_markers: bool
    wrist_mm: NDArray[np.float32]
    levels_db: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    wrists: Mapping[str, SeenWrist] = field(default_factory=dict)
    decays_s: Mapping[str, float] = field(default_factory=dict)


def clock_picture(trial: TrialEvidence) -> ClockPicture | None:
    """Keep of a trial what its page will show; None for one without motion."""
    motion = trial.motion
    if motion is None or not len(motion.joints_mm):
        return None
    step = max(1, round(motion.rate_hz / SHOWN_HZ))
    bowing = motion.bowing
    speed = None if bowing is None else np.where(bowing.known, bowing.speed_mm_s, np.nan)[::step].astype(np.float32)
    wrists = {}
    for device in trial.devices:
        seen = device.picture
        if seen is not None and seen.camera is not None and np.isfinite(seen.px[:, _WRIST]).any():
            wrists[device.name] = SeenWrist(seen.times_s, seen.px[:, _WRIST].astype(np.float32), seen.camera)
    return ClockPicture(
        motion.times_s[::step],
        speed,
        None if bowing is None else bowing.on_string[::step].astype(np.float32),
        bowing is not None and bowing.from_markers,
        motion.joints_mm[::step, _WRIST].astype(np.float32),
        {d.name: _thinned_level(d.sound.level_db) for d in trial.listening if d.sound is not None},
        wrists,
        {d.name: d.sound.decay_s for d in trial.listening if d.sound is not None},
    )


def _thinned_level(level_db: FloatArray) -> NDArray[np.float32]:
    size = round(LEVEL_HZ / SHOWN_HZ)
    count = len(level_db) // size
    return np.asarray(level_db[: count * size].reshape(count, size).mean(axis=1), dtype=np.float32)
