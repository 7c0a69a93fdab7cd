"""One trial of VioDat v1.0: its motion, the video of its recordings, and when and where each recording belongs.

The release says neither when a camera started nor how it projects; both are found from what it holds
(:mod:`viodat.dataset.importers.placing`), with the error that is left.
"""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any, Final

import numpy as np

from viodat.dataset import paths, schema
from viodat.dataset.importers import viodat_v1_arrays as arrays
from viodat.dataset.importers.options import ImportOptions
from viodat.dataset.importers.output import Row, to_ns
from viodat.dataset.importers.placing import FittedCamera, Placing, fit_camera, place
from viodat.dataset.importers.viodat_v1_arrays import FloatArray
from viodat.dataset.importers.viodat_v1_facts import LEFT_OUT, LEFT_OUT_REASON
from viodat.dataset.importers.viodat_v1_output import ReleaseOutput
from viodat.dataset.importers.viodat_v1_release import KEYPOINT_KEYS, Release

MOST_APART_MM: Final = 5.0
"""A recording whose poses lie further from the trial's motion has no clock."""
MOST_REPROJECTION_PX: Final = 3.0
"""A camera that errs more is none."""

_MOTION_HZ: Final = 100.0
_FPS_RANGE: Final = (1.0, 1000.0)
_SIZES: Final = ((1280, 720), (720, 1280))


def write_trial(
    trial: str, recordings: list[str], release: Release, options: ImportOptions, out: ReleaseOutput
) -> None:
    """Write a trial's motion and the video of its recordings, and their rows."""
    split, participant = out.splits.trials[trial], trial[:3]
    kept = []
    for recording in recordings:
        out.recordings[recording] = _bare_row(recording, split)
        if fault := _fault(recording, release):
            out.exclude(trial, recording, *fault)
        else:
            kept.append(recording)
    row: Row = {"trial": trial, "participant": participant, "split": split, "status": schema.STATUS_EXCLUDED}
    out.trials.append(row)
    if not kept:
        out.exclude(trial, None, "import", "all of its recordings are left out")
        return
    motion, rate_hz, placings, note = _motion_of(kept, release)
    valid = np.asarray(np.isfinite(motion).all(-1))
    row |= {
        "status": schema.STATUS_BUILT,
        "seconds": len(motion) / rate_hz,
        "rate_hz": rate_hz,
        "frames": len(motion),
        "start_ns": 0,
        "joint_methods": ["as published" if there else None for there in np.atleast_1d(valid.any(0))],
        "joint_valid_share": [float(share) for share in valid.mean(0)],
        "notes": [note],
    }
    out.write(
        paths.motion(trial, participant, split),
        schema.MOTION,
        {
            "trial": trial,
            "time_ns": to_ns(np.arange(len(motion)) / rate_hz),
            "joints_mm": motion,
            "sigma_mm": None,
            "valid": valid,
            "velocity_mm_s": None,
            "acceleration_mm_s2": None,
            "angles_rad": None,
        },
    )
    for recording in kept:
        _write_recording(recording, placings[recording], release, options, out)


def _fault(recording: str, release: Release) -> tuple[Any, ...] | None:
    """Say why a recording is left out: stage, reason, and value and limit where there are."""
    if recording in LEFT_OUT:
        return "published", LEFT_OUT_REASON
    for kind in (release.poses, release.pixels):
        if recording in kind.faults:
            return "import", kind.faults[recording]
    if recording not in release.poses.arrays:
        return "import", "the release has no 3D poses of it"
    if not len(release.poses.arrays[recording]):
        return "import", "it has no frame"
    if not _FPS_RANGE[0] <= release.fps.get(recording, np.nan) <= _FPS_RANGE[1]:
        return "import", "the release gives no rate of its video"
    return None


def _motion_of(kept: list[str], release: Release) -> tuple[FloatArray, float, dict[str, Placing | None], str]:
    """Choose the trial's motion, and lay all its recordings over it.

    At 100 Hz where the release has it and it is the same motion as at the video frames; else at the video's rate.
    """
    published = [name for name in kept if name in release.motion.arrays and len(release.motion.arrays[name])]
    choices = [(release.motion.arrays[name], _MOTION_HZ, name, "kp_optim_3d") for name in published[:1]]
    choices += [(release.poses.arrays[kept[0]], release.fps[kept[0]], kept[0], "kp_optim_3d_vid")]
    for motion, rate_hz, owner, key in choices:
        wide = motion.astype(np.float64)
        placings = {
            name: place(wide, rate_hz, release.poses.arrays[name].astype(np.float64), release.fps[name])
            for name in kept
        }
        own = placings[owner]
        if key == "kp_optim_3d_vid" or (own is not None and own.error_mm <= MOST_APART_MM):
            break
    note = f"motion is {key} of {owner}; time zero is its first row, the world frame is its own"
    if published and key == "kp_optim_3d_vid":
        note += "; its kp_optim_3d is another motion than kp_optim_3d_vid, or at another rate than 100 Hz"
    return motion, rate_hz, placings, note


def _write_recording(
    recording: str, placing: Placing | None, release: Release, options: ImportOptions, out: ReleaseOutput
) -> None:
    """Write the video of a recording and complete its row."""
    participant, device, trial = arrays.ids_of(recording)
    fps, row = release.fps[recording], out.recordings[recording]
    notes = [
        kind.notes[recording] for kind in (release.poses, release.pixels, release.detected) if recording in kind.notes
    ]
    truth = release.poses.arrays[recording]
    pixels = release.pixels.arrays.get(recording)
    seen = release.detected.arrays.get(recording)
    if recording in release.detected.faults:
        notes.append(release.detected.faults[recording])
    lengths = [len(values) for values in (truth, pixels, seen) if values is not None and len(values)]
    frames = min(lengths)
    if max(lengths) > frames:
        notes.append(f"the streams have {min(lengths)} to {max(lengths)} frames; the first {frames} were taken")
    truth = truth[:frames]
    pixels = pixels[:frames] if pixels is not None and len(pixels) else np.full((frames, 18, 2), np.nan, np.float32)
    seen = seen[:frames] if seen is not None and len(seen) else None
    size = _picture_size(pixels)
    fitted = fit_camera(device, truth.astype(np.float64), pixels.astype(np.float64), size or _SIZES[0])
    if fitted is not None and fitted.error_px > MOST_REPROJECTION_PX:
        notes.append(f"no camera: the best errs by {fitted.error_px:.1f} px, the limit is {MOST_REPROJECTION_PX:g}")
        fitted = None
    elif fitted is None:
        notes.append("no camera: 3D and 2D poses determine none")
    else:
        out.camera_errors_px.append(fitted.error_px)
        notes.append(f"the camera was fitted to the release's 3D and 2D poses; it errs by {fitted.error_px:.2f} px")
    device_s = np.arange(frames) / fps
    placed = placing is not None and placing.error_mm <= MOST_APART_MM
    time_ns = None
    if placing is not None and placed:
        time_ns = to_ns(device_s + placing.offset_s)
        out.placing_errors_mm.append(placing.error_mm)
        notes.append(f"its poses are {placing.error_mm:.2f} mm from the trial's motion (root mean square)")
        row |= {
            "status": schema.STATUS_BUILT,
            "offset_s": placing.offset_s,
            "drift_ppm": 0.0,
            "sync_method": "published poses",
            "first_frame_ns": int(time_ns[0]),
            "last_frame_ns": int(time_ns[-1]),
        }
    else:
        apart = None if placing is None else placing.error_mm
        out.exclude(trial, recording, "clocks", "its poses are not the motion of its trial", apart, MOST_APART_MM)
        row["status"] = schema.STATUS_UNSYNCHRONISED
    pose3d = None if fitted is None else fitted.camera.to_camera(truth.astype(np.float64)).astype(np.float32)
    has_keypoints = seen is not None and bool(np.isfinite(seen[..., :2]).any())
    row |= {
        "calibrated": fitted is not None,
        "camera_model": _camera_json(fitted, placing if placed else None),
        "frames": frames,
        "time_base": str(Fraction(1 / fps).limit_denominator(10**6)),
        "width_px": size[0] if size else None,
        "height_px": size[1] if size else None,
        "keypoints": KEYPOINT_KEYS[options.keypoints] if has_keypoints else None,
        "notes": notes,
    }
    out.write(
        paths.video(recording, participant, row["split"]),
        schema.VIDEO,
        {
            "trial": trial,
            "recording": recording,
            "time_ns": time_ns,
            "device_time_ns": to_ns(device_s),
            "pts": np.arange(frames),
            "pose3d_mm": pose3d,
            "pose2d_px": pixels,
            "detected_px": seen[..., :2] if has_keypoints and seen is not None else None,
            "confidence": seen[..., 2] if has_keypoints and seen is not None else None,
            "valid": np.asarray(np.isfinite(pixels).all(-1) & np.isfinite(truth).all(-1)),
        },
    )


def _camera_json(fitted: FittedCamera | None, placing: Placing | None) -> str | None:
    """Give a recording's camera in the trial's frame; without a place in the trial, in that of its own poses."""
    if fitted is None:
        return None
    values = fitted.camera.to_dict()
    if placing is not None:
        turn, shift = fitted.camera.rotation, fitted.camera.translation_mm
        values["rotation"] = (turn @ placing.rotation).tolist()
        values["translation_mm"] = (turn @ placing.translation_mm + shift).tolist()
    return json.dumps(values)


def _picture_size(pixels: FloatArray) -> tuple[int, int] | None:
    """Give the size of 720p, lying or standing, that holds most of the poses; None where neither does."""
    known = pixels[np.isfinite(pixels).all(-1)]
    for width, height in _SIZES:
        if len(known) and np.mean(((known >= -1) & (known <= (width, height))).all(-1)) > 0.95:
            return width, height
    return None


def _bare_row(recording: str, split: str) -> Row:
    participant, device, trial = arrays.ids_of(recording)
    return {
        "recording": recording,
        "trial": trial,
        "participant": participant,
        "device": device,
        "kind": "camera",
        "split": split,
        "status": schema.STATUS_EXCLUDED,
    }
