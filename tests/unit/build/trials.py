"""A trial with recordings as it is after reading, made by hand: no files, no fit."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from viodat.body import JointTrial
from viodat.build.recording import RecordingResult
from viodat.build.trial import TrialResult
from viodat.capture.audio import AudioSignal
from viodat.capture.config import CaptureConfig
from viodat.capture.raw import RawRecording, RawTrial
from viodat.capture.video_times import video_times

TRIAL_S = 4.0


def recording(device: str = "C01", *, rate_hz: int = 30, seconds: float = 5.0, **values: Any) -> RecordingResult:
    """A video whose first picture and first sample are at the device's zero; microphones have no picture."""
    kind = "camera" if device.startswith("C") else "microphone"
    files = RawRecording(f"P05{device}T28", "P05", "P05T28", device, kind)
    if kind == "microphone":
        samples = np.zeros((round(8000 * seconds), 1), np.float32)
        return RecordingResult(files, sound=AudioSignal(samples, 8000.0, 0.0, Path("M.wav")), **values)
    stamps = np.arange(round(seconds * rate_hz), dtype=np.int64)
    times = video_times(stamps, Fraction(1, rate_hz), source=Path("C.mp4"))
    return RecordingResult(files, times=times, device_times_s=times.times_s, **values)


def trial(*recordings: RecordingResult, **values: Any) -> TrialResult:
    """A trial of 4 s at 100 Hz from frame number 1 on."""
    joints = JointTrial(np.zeros((401, 18, 3)), ("pig:x",) * 18, 100.0, 1)
    files = RawTrial("P05T28", "P05", Path("P05T28.c3d"), recordings=tuple(r.files for r in recordings))
    return TrialResult(files, joints=joints, recordings=recordings, **values)


def raw(**config: Any) -> Any:
    """As much of a capture as clocks need."""
    return SimpleNamespace(config=CaptureConfig.model_validate(config))
