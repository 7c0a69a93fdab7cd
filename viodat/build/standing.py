"""Where cameras stood during a trial: as calibrated, or not, as the player's joints in their pictures tell.

A phone that is knocked between calibration and trial draws every joint beside its place, and truth in its frame is
wrong. It is found by the pose that explains its keypoints best (:mod:`viodat.camera.resection`). Such a camera is not
used; with ``--resect`` the pose is solved anew, also for one that was never calibrated to the markers' frame.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from viodat.build.clocks import clock_of
from viodat.build.gates import CAMERA, Exclusion, Reading, reprojection_gate
from viodat.build.options import BuildOptions
from viodat.build.raw import RawCapture
from viodat.build.recording import RecordingResult
from viodat.build.trial import TrialResult
from viodat.build.truth import JointCurve
from viodat.camera import Camera, Resection, Sightings, guessed_camera, knocked, resect, sightings_of
from viodat.capture.config_sync import SyncMethod
from viodat.clock import TrialClocks

LARGE_JOINTS: Final = 12
"""The first joints, without fingers: those err together with the wrist."""

MOST_FRAMES: Final = 3000
"""More pictures tell a pose no better; of a longer recording every second is taken, or every third."""

MOST_SIGMA_MM: Final = 300.0
MOST_SIGMA_RAD: Final = math.radians(5.0)
"""A pose that is less certain is not used. Place and direction trade off around the player, who is drawn far better."""


@dataclass(frozen=True)
class Standing:
    """What a recording's pictures say of its camera.

    Attributes
    ----------
    camera
        The one to use; None where it must not be used.
    note
        What was found.
    refused
        Why it must not be used; else None.
    """

    camera: Camera | None
    note: str = ""
    refused: Exclusion | None = None


def find_standing(
    result: TrialResult,
    raw: RawCapture,
    options: BuildOptions,
    method: SyncMethod,
    clocks: TrialClocks | None,
) -> dict[str, Standing]:
    """Find which cameras of a trial did not stand as calibrated.

    Parameters
    ----------
    result
        The trial, before its clocks are put to use.
    raw, options
        The capture; whether poses are to be solved anew.
    method, clocks
        Where clocks come from, and those that were estimated.

    Returns
    -------
    dict
        Recording -> what was found; a camera that stands as calibrated, or that too little is seen of, is not in it.
    """
    if result.excluded or result.joints is None:
        return {}
    curve = JointCurve(result.joints, result.fit)
    found = {}
    for recording in result.recordings:
        sightings = _sightings(recording, curve, raw, method, clocks)
        if sightings is None:
            continue
        standing = _uncalibrated(recording, sightings) if recording.camera is None else _calibrated(
            recording, recording.camera, sightings, raw, options
        )  # fmt: skip
        if standing is not None and (recording.camera is not None or options.resect):
            found[recording.files.id] = standing
    return found


def with_standing(result: TrialResult, found: Mapping[str, Standing], fault: str = "") -> TrialResult:
    """Use the cameras that were found, and none that must not be used; ``fault`` says why nothing was found out."""
    if fault:
        return replace(result, notes=(*result.notes, f"nobody looked whether its cameras stand as calibrated: {fault}"))
    recordings, alarms = [], []
    for one in result.recordings:
        standing = found.get(one.files.id)
        if standing is not None:
            one = replace(one, camera=standing.camera)
            if standing.refused is None:
                # What is refused stands among the exclusions.
                one = one.noting(standing.note)
                alarms.append(f"{one.files.id}: {standing.note}")
        recordings.append(one)
    refused = tuple(standing.refused for standing in found.values() if standing.refused is not None)
    return replace(
        result,
        recordings=tuple(recordings),
        exclusions=(*result.exclusions, *refused),
        alarms=(*result.alarms, *alarms),
    )


def _sightings(
    recording: RecordingResult,
    curve: JointCurve,
    raw: RawCapture,
    method: SyncMethod,
    clocks: TrialClocks | None,
) -> Sightings | None:
    """Give what a recording saw of the joints, its times as its clock has them; None without keypoints or clock."""
    keypoints, times = recording.keypoints, recording.times
    if keypoints is None or times is None or times.size_px is None:
        return None
    clock, _ = clock_of(recording, raw, method, clocks, "")
    if clock is None:
        return None
    seen_s = clock.of_picture().apply(recording.device_times_s)
    step = max(1, math.ceil(len(seen_s) / MOST_FRAMES))
    rows = slice(None, None, step)
    confidence = keypoints.confidence
    return sightings_of(
        seen_s[rows],
        curve(seen_s[rows])[:, :LARGE_JOINTS],
        keypoints.px[rows, :LARGE_JOINTS],
        None if confidence is None else confidence[rows, :LARGE_JOINTS],
    )


def _calibrated(
    recording: RecordingResult, camera: Camera, sightings: Sightings, raw: RawCapture, options: BuildOptions
) -> Standing | None:
    gate = reprojection_gate(raw.config.gates)
    knock = knocked(camera, sightings, limit_share=gate.limit)
    if knock is None or not (knock.moved or knock.unexplained):
        return None
    share = knock.offset_px / max(camera.size_px)
    if knock.unexplained:
        detail = (
            f"no pose of the camera explains its pictures ({knock.resection.after_px:.0f} px at best): they are of "
            "another body, or of another time"
        )
    else:
        told = knock.resection
        detail = (
            f"the camera does not stand as calibrated: what it saw puts it {told.moved_mm:.0f} mm and "
            f"{math.degrees(told.turned_rad):.1f} degrees from there, which moves joints by {knock.offset_px:.0f} px"
        )
        if options.resect:
            if _is_certain(told):
                return Standing(told.camera, f"{detail}; its pose is solved anew {_how_well(told)}")
            detail += f"; where it stands instead is too uncertain ({told.position_sigma_mm:.0f} mm)"
    reading = Reading(gate, share, detail)
    refused = Exclusion(recording.files.trial, CAMERA, reading.reason, recording.files.id, share, gate.limit)
    return Standing(None, reading.reason, refused)


def _uncalibrated(recording: RecordingResult, sightings: Sightings) -> Standing | None:
    assert recording.times is not None
    assert recording.times.size_px is not None
    guess = guessed_camera(recording.files.device, recording.times.size_px)
    found = resect(guess, sightings, has_pose=False, focal=True)
    if found is None or not _is_certain(found):
        return None
    told = f"its camera was never calibrated; its pose and focal length are solved {_how_well(found)}"
    return Standing(found.camera, told)


def _is_certain(found: Resection) -> bool:
    sigmas = (found.position_sigma_mm, found.rotation_sigma_rad)
    return bool(np.isfinite(sigmas).all()) and sigmas[0] <= MOST_SIGMA_MM and sigmas[1] <= MOST_SIGMA_RAD


def _how_well(found: Resection) -> str:
    degrees = math.degrees(found.rotation_sigma_rad)
    return (
        f"from {found.sightings:,} joints in its pictures, to {found.position_sigma_mm:.0f} mm and "
        f"{degrees:.2f} degrees (standard deviation): they lie {found.after_px:.1f} px from where it draws them"
    )
