"""VioDat v1.0 as published: ``mmViolin_v1.0.npz`` and ``mmViolin_v1.0_audio.npz``, two archives of pickled dicts.

What the release holds, by recording id: 3D and 2D truth at the video frames (``kp_optim_3d_vid``, ``kp_optim_2d_vid``),
3D truth at 100 Hz (``kp_optim_3d``), the video's rate (``kp_video_fps``), keypoints (``mediapipe_2d``,
``openpose_2d``), the audio frame (``audio_data`` per video frame, ``audio_data_100FPS``, ``audio_data_300FPS``) and the
sound at 8 kHz (``audio_raw``). It holds no markers, no calibration, no time stamps and no facts about the participants.

What it does not state is found from what it holds, with the error that is left, or stays missing: when a camera started
and in which frame its poses are (:func:`viodat.dataset.importers.placing.place`), and the camera itself
(:func:`viodat.dataset.importers.placing.fit_camera`). Source: Yoo et al., VioPose (WACV 2025), and the loader published
with it, whose splits and left-out recordings these are.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from viodat._version import __version__
from viodat.dataset import paths, schema
from viodat.dataset.importers import viodat_v1_arrays as arrays
from viodat.dataset.importers.card import write_card
from viodat.dataset.importers.npz import Archive
from viodat.dataset.importers.options import Imported, ImportOptions, Progress
from viodat.dataset.importers.pickled import shown
from viodat.dataset.importers.placing import FittedCamera, Placing, fit_camera, place
from viodat.dataset.importers.viodat_v1_arrays import ByRecording, FloatArray
from viodat.dataset.importers.viodat_v1_facts import CITATION, LEFT_OUT, LEFT_OUT_REASON, LICENCE, MISSING, TEST, TRAIN
from viodat.dataset.importers.viodat_v1_output import Output, Row, to_ns
from viodat.dataset.importers.viodat_v1_sound import write_sound
from viodat.dataset.manifest import write_manifest
from viodat.dataset.splits import assign_splits
from viodat.dataset.tables import write_arrays, write_rows
from viodat.errors import CaptureError, DatasetError
from viodat.files import sha256, write_text
from viodat.joints import JOINTS

MOST_APART_MM: Final = 5.0
"""A recording whose poses lie further from the trial's motion has no clock."""
MOST_REPROJECTION_PX: Final = 3.0
"""A camera that errs more is none."""

_MOTION_HZ: Final = 100.0
_FPS_RANGE: Final = (1.0, 1000.0)
_SIZES: Final = ((1280, 720), (720, 1280))
_KEYPOINT_KEYS: Final = {"mediapipe": "mediapipe_2d", "openpose": "openpose_2d"}


@dataclass
class _Release:
    """What was read of the first archive."""

    fps: dict[str, float]
    poses: ByRecording
    pixels: ByRecording
    motion: ByRecording
    detected: ByRecording
    notes: list[str]


def import_viodat_v1(source: Path, folder: Path, options: ImportOptions, progress: Progress) -> Imported:
    """Write the published VioDat v1.0 as a dataset of viodat's schema.

    Parameters
    ----------
    source
        ``mmViolin_v1.0.npz``. Its sound is looked for beside it (``mmViolin_v1.0_audio.npz``) unless ``options`` names
        it.
    folder
        An empty folder; the manifest is written last.
    options
        Rates of the audio frame, keypoints, limits.
    progress
        Called after each trial, and after each recording's sound.

    Raises
    ------
    CaptureError
        If an archive is damaged, holds what it should not (code, paths, more than the limit), or is not this release.
    DatasetError
        If not one recording can be imported.
    """
    release = _read(source, options)
    sound = _sound_file(source, options)
    ids = sorted({*release.poses.arrays, *release.poses.faults, *release.fps})
    trials: dict[str, list[str]] = {}
    for recording in ids:
        trials.setdefault(arrays.ids_of(recording)[2], []).append(recording)
    people = {name[:3] for name in trials}
    splits = assign_splits(((name, name[:3]) for name in trials), test=TEST & people)
    out = Output(folder, splits, [], {}, [], {})
    notes = [*release.notes, *splits.notes]
    if strangers := sorted(people - TEST - TRAIN):
        notes.append(f"in no split of the paper, so in training: {', '.join(strangers)}")
    for done, (trial, recordings) in enumerate(sorted(trials.items()), 1):
        _write_trial(trial, recordings, release, options, out)
        progress(done, len(trials), trial)
    built = [row for row in out.trials if row["status"] == schema.STATUS_BUILT]
    if not built:
        reasons = dict.fromkeys(row["reason"] for row in out.exclusions)
        raise DatasetError(f"not one recording can be imported: {'; '.join(list(reasons)[:3])}", where=source)
    notes += _summary(out)
    del release
    rates: list[int] = []
    if sound is None:
        notes.append(f"no sound: there is no {_audio_name(source).name} beside the release; --audio names it")
    else:
        rates = write_sound(sound, options, out, notes, progress)
    inputs = {path.name: _digest(path) for path in (source, sound) if path is not None}
    return _finish(out, options, rates, inputs, notes)


def _summary(out: Output) -> list[str]:
    """Say how well cameras and clocks could be found, over all recordings."""
    kept = sum(row["status"] != schema.STATUS_EXCLUDED for row in out.recordings.values())
    lines = []
    for errors, what, unit in (
        (out.camera_errors_px, "a camera was fitted for", "px"),
        (out.placing_errors_mm, "poses lie on their trial's motion in", "mm"),
    ):
        line = f"{what} {len(errors)} of {kept} recordings"
        if errors:
            line += f": error {np.median(errors):.2f} {unit} in the median, {max(errors):.2f} {unit} at most"
        lines.append(line)
    return lines


def _digest(path: Path) -> str:
    try:
        return sha256(path)
    except OSError as error:
        raise CaptureError(f"cannot be read ({error.strerror or error})", where=path, mend="Copy it again.") from error


def _audio_name(source: Path) -> Path:
    return source.with_name(f"{source.stem}_audio.npz")


def _sound_file(source: Path, options: ImportOptions) -> Path | None:
    if options.audio is not None:
        return options.audio
    beside = _audio_name(source)
    return beside if beside.is_file() else None


def _read(source: Path, options: ImportOptions) -> _Release:
    key = _KEYPOINT_KEYS[options.keypoints]
    notes: list[str] = []
    with Archive(source, options.limit_bytes) as archive:
        for needed in ("kp_optim_3d_vid", "kp_optim_2d_vid", "kp_video_fps"):
            if needed not in archive.names:
                there = ", ".join(map(shown, archive.names[:8])) or "nothing"
                raise CaptureError(
                    f"has no {needed}, so it is not VioDat v1.0; it has {there}",
                    where=source,
                    mend="Give mmViolin_v1.0.npz as it was published.",
                )
        fps = arrays.read_numbers(archive, "kp_video_fps")
        poses = arrays.read_frames(archive, "kp_optim_3d_vid", arrays.poses_3d)
        pixels = arrays.read_frames(archive, "kp_optim_2d_vid", arrays.poses_2d)
        motion, detected = ByRecording(), ByRecording()
        if "kp_optim_3d" in archive.names:
            motion = arrays.read_frames(archive, "kp_optim_3d", arrays.poses_3d)
        else:
            notes.append("the release has no kp_optim_3d: motion is at the rate of the video")
        if key in archive.names:
            detected = arrays.read_frames(archive, key, arrays.keypoints_2d)
        else:
            notes.append(f"the release has no {key}: there are no detected keypoints")
    scale, odd = arrays.unit_scale(poses.arrays)
    if scale is None:
        raise CaptureError(
            "its trunks are neither 150 to 900 mm nor 0.15 to 0.9 m long, so the unit of kp_optim_3d_vid is unknown",
            where=source,
        )
    for recording, reason in odd.items():
        for kind in (poses, motion):
            kind.arrays.pop(recording, None)
        poses.faults[recording] = f"kp_optim_3d_vid: {reason}"
    if scale != 1:
        notes.append("the 3D poses are in m; they were turned into mm")
        for kind in (poses, motion):
            kind.arrays = {name: values * np.float32(scale) for name, values in kind.arrays.items()}
    return _Release(fps, poses, pixels, motion, detected, notes)


def _write_trial(trial: str, recordings: list[str], release: _Release, options: ImportOptions, out: Output) -> None:
    """Write a trial's motion and the video of its recordings, and their rows."""
    split, participant = out.splits.trials[trial], trial[:3]
    kept = []
    for recording in recordings:
        out.recordings[recording] = _bare_row(recording, split)
        if fault := _fault(recording, release):
            out.exclude(recording, *fault)
        else:
            kept.append(recording)
    row: Row = {"trial": trial, "participant": participant, "split": split, "status": schema.STATUS_EXCLUDED}
    out.trials.append(row)
    if not kept:
        out.exclusions.append(
            {"trial": trial, "recording": None, "stage": "import", "reason": "all of its recordings are left out"}
        )
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
    file = paths.motion(trial, participant, split)
    out.file_rows[file] = write_arrays(
        out.folder / file,
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


def _fault(recording: str, release: _Release) -> tuple[Any, ...] | None:
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


def _motion_of(kept: list[str], release: _Release) -> tuple[FloatArray, float, dict[str, Placing | None], str]:
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
    recording: str, placing: Placing | None, release: _Release, options: ImportOptions, out: Output
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
        out.exclude(recording, "clocks", "its poses are not the motion of its trial", apart, MOST_APART_MM)
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
        "keypoints": _KEYPOINT_KEYS[options.keypoints] if has_keypoints else None,
        "notes": notes,
    }
    file = paths.video(recording, participant, row["split"])
    out.file_rows[file] = write_arrays(
        out.folder / file,
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


def _finish(
    out: Output, options: ImportOptions, rates: list[int], inputs: dict[str, str], notes: list[str]
) -> Imported:
    """Write tables, dataset.json, card and manifest."""
    people = sorted({row["participant"] for row in out.trials})
    recordings = [row for _, row in sorted(out.recordings.items())]
    exclusions = sorted(out.exclusions, key=lambda row: (row["trial"], row["recording"] or ""))
    rows: dict[str, list[Row]] = {
        "participants": [
            {"participant": name, "split": out.splits.participants[name], "measurement_sources": {}} for name in people
        ],
        "trials": out.trials,
        "cameras": [],
        "recordings": recordings,
        "exclusions": exclusions,
    }
    for name, kind in schema.TABLES.items():
        file = paths.table(name)
        out.file_rows[file] = write_rows(out.folder / file, kind, rows[name])
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(inputs.items()))
    info = {
        "schema_version": schema.SCHEMA_VERSION,
        "name": "VioDat v1.0",
        "description": "Violinists filmed by four phones, with 3D joint positions from motion capture and sound: "
        "VioDat v1.0 as published, imported into viodat's schema.",
        "licence": LICENCE,
        "citation": CITATION,
        "viodat_version": __version__,
        "joints": list(JOINTS),
        "units": {"length": "mm", "time": "ns", "image": "px"},
        "feature_rates_hz": rates,
        "options": {"audio_rates_hz": list(options.audio_rates_hz), "keypoints": options.keypoints},
        "config": {},
        "imported": {"format": "viodat-v1", "files_sha256": inputs, "missing": list(MISSING), "notes": notes},
        "inputs_sha256": hashlib.sha256(lines.encode()).hexdigest(),
    }
    write_text(out.folder / paths.DATASET_JSON, json.dumps(info, indent=1) + "\n")
    write_card(out.folder, info, rows["trials"], recordings, exclusions)
    write_manifest(out.folder, out.file_rows)
    states = Counter(row["status"] for row in recordings)
    return Imported(
        trials=sum(row["status"] == schema.STATUS_BUILT for row in out.trials),
        recordings=states.total() - states[schema.STATUS_EXCLUDED],
        unsynchronised=states[schema.STATUS_UNSYNCHRONISED],
        exclusions=tuple(exclusions),
        notes=tuple(notes),
    )


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
