"""From a trial as it was read to what its clocks are estimated from, and what that says.

Gathering is the costly part and is done trial by trial. What it gives is small without the curves that only pages show,
so that a whole session's evidence can be solved together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from viodat.audio import SoundDescription
from viodat.audio.sound import mono
from viodat.body import JointTrial, MarkerSet
from viodat.body.skeleton.result import SkeletonFit
from viodat.build.raw import RawCapture
from viodat.build.recording import RecordingResult
from viodat.build.truth import JointCurve
from viodat.capture.config import CaptureConfig
from viodat.capture.markers import MarkerTrial
from viodat.clock import (
    Device,
    Evidence,
    Hearing,
    Picture,
    TrialEvidence,
    motion_of,
)
from viodat.joints import JOINTS


def trial_evidence(
    joints: JointTrial,
    fit: SkeletonFit | None,
    filled: MarkerTrial | None,
    marker_set: MarkerSet | None,
    recordings: Sequence[RecordingResult],
    sounds: Mapping[str, SoundDescription],
    raw: RawCapture,
) -> TrialEvidence:
    """Gather what a trial offers.

    Parameters
    ----------
    joints, fit
        Its joints, and the fit that most of them are from; None without one.
    filled, marker_set
        Its repaired and filled markers, and which set they are; None where they are points of another system.
    recordings
        Its recordings, with their sounds.
    sounds
        Descriptions by recording; the one of the best microphone has a pitch track.
    raw
        The capture, which says where microphones are.
    """
    # Joints that are not the fit's must be the same between the frames as in them.
    motion = replace(motion_of(joints, fit, filled, marker_set), joints_at=JointCurve(joints, fit))
    devices = (
        Device(
            recording.files.device,
            _hearing(recording, sounds.get(recording.files.id)),
            _picture(recording) if recording.times is not None else None,
            microphone_place(raw.config, recording),
            recording.claims,
        )
        for recording in recordings
    )
    return TrialEvidence(motion, tuple(devices))


def _hearing(recording: RecordingResult, sound: SoundDescription | None) -> Hearing | None:
    signal = recording.sound
    if signal is None:
        return None
    samples = mono(signal.samples, signal.rate_hz).astype(np.float64)
    return Hearing(samples, signal.rate_hz, sound.pitch if sound is not None else None)


def _picture(recording: RecordingResult) -> Picture:
    seen = recording.keypoints
    if seen is None:
        # A picture that nobody looked at is skewed against the sound all the same.
        nothing = np.full((len(recording.device_times_s), len(JOINTS), 2), np.nan)
        return Picture(recording.device_times_s, nothing, nothing[..., 0], recording.camera)
    return Picture(recording.device_times_s, seen.px, seen.confidence, recording.camera)


def microphone_place(config: CaptureConfig, recording: RecordingResult) -> NDArray[np.float64] | None:
    """Give (3,) mm, world: where a device's microphone is, as capture.toml says, or at its camera's centre, or None."""
    stated = config.microphones.get(recording.files.device)
    if stated is not None:
        return np.array(stated.place_mm, dtype=np.float64)
    return recording.camera.centre_mm if recording.camera is not None else None


def without_curves(evidence: Evidence) -> Evidence:
    """Leave out what only pages show, by far the larger part."""
    return replace(evidence, observations=tuple(replace(one, curve=None) for one in evidence.observations))
