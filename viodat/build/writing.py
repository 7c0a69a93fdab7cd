"""From a trial's result to the dataset's files and table rows. Nothing is computed here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viodat.audio import SoundDescription
from viodat.build.gates import CONSENT
from viodat.build.joints import FROM_FIT
from viodat.build.raw import RawCapture
from viodat.build.recording import RecordingResult
from viodat.build.trial import TrialResult
from viodat.build.truth import FrameTruth
from viodat.capture.raw import RawRecording
from viodat.clock import ClockMap
from viodat.dataset import paths, schema
from viodat.dataset.splits import Splits
from viodat.dataset.tables import write_arrays, write_rows

Row = dict[str, Any]


@dataclass
class Tables:
    """Rows of the dataset's tables, gathered trial by trial, and the number of rows of each file written."""

    trials: list[Row] = field(default_factory=list)
    recordings: list[Row] = field(default_factory=list)
    exclusions: list[Row] = field(default_factory=list)
    measurement_sources: dict[str, Mapping[str, str]] = field(default_factory=dict)
    measurements: dict[str, Mapping[str, float]] = field(default_factory=dict)
    file_rows: dict[str, int] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)

    def add(self, other: Tables) -> None:
        """Take over the rows of another trial."""
        self.trials += other.trials
        self.recordings += other.recordings
        self.exclusions += other.exclusions
        self.file_rows |= other.file_rows
        self.inputs |= other.inputs
        # A participant has one row; every trial has the same sources, except its own marker file.
        self.measurements = {**other.measurements, **self.measurements}
        self.measurement_sources = {**other.measurement_sources, **self.measurement_sources}

    def inputs_digest(self) -> str:
        """SHA-256 over the names and digests of all raw files that were used."""
        lines = [f"{digest}  {name}\n" for name, digest in sorted(self.inputs.items())]
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def write_trial(out: Path, result: TrialResult, raw: RawCapture, split: str) -> Tables:
    """Write one trial's streams below ``out``, all but the sounds, and give its rows.

    Of somebody who did not consent nothing is written but the exclusion.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    tables = Tables(exclusions=[asdict(exclusion) for exclusion in result.exclusions])
    if any(exclusion.stage == CONSENT for exclusion in result.exclusions):
        return tables
    tables.inputs |= result.inputs
    tables.trials.append(_trial_row(result, raw, split))
    if result.measurements is not None:
        tables.measurements[result.files.participant] = result.measurements.values
        tables.measurement_sources[result.files.participant] = result.measurements.sources
    if result.excluded:
        tables.recordings += [
            _recording_row(recording, raw, split, schema.STATUS_EXCLUDED) for recording in result.files.recordings
        ]
        return tables
    _write_motion(out, result, split, tables)
    done = {recording.files.id: recording for recording in result.recordings}
    for files in result.files.recordings:
        if files.id not in done:
            tables.recordings.append(_recording_row(files, raw, split, schema.STATUS_EXCLUDED))
            continue
        recording = done[files.id]
        row = _recording_row(files, raw, split, recording.status)
        tables.recordings.append({**row, **_recording_facts(recording)})
        if recording.times is not None:
            _write_video(out, recording, split, tables)
        if recording.sound is not None:
            _write_audio(out, recording, result.descriptions[files.id], split, tables)
    return tables


def write_tables(out: Path, raw: RawCapture, splits: Splits, tables: Tables) -> None:
    """Write the five tables. Participants without a trial in this build are not among them."""
    rows = {
        "participants": [
            _participant_row(name, raw, splits, tables)
            for name in sorted({row["participant"] for row in tables.trials})
        ],
        "trials": sorted(tables.trials, key=lambda row: row["trial"]),
        "cameras": [_camera_row(device, raw) for device in sorted(raw.cameras)],
        "recordings": sorted(tables.recordings, key=lambda row: row["recording"]),
        "exclusions": sorted(tables.exclusions, key=lambda row: (row["trial"], row["recording"] or "")),
    }
    for name, table_schema in schema.TABLES.items():
        file = paths.table(name)
        tables.file_rows[file] = write_rows(out / file, table_schema, rows[name])


def _write_motion(out: Path, result: TrialResult, split: str, tables: Tables) -> None:
    assert result.joints is not None
    assert result.markers is not None
    file = paths.motion(result.files.id, result.files.participant, split)
    of_fit = np.array([how.startswith(FROM_FIT) for how in result.joints.method])
    fit = result.fit
    tables.file_rows[file] = write_arrays(
        out / file,
        schema.MOTION,
        {
            "trial": result.files.id,
            "time_ns": result.markers.times_ns,
            "joints_mm": result.joints.positions_mm,
            "sigma_mm": np.where(of_fit, fit.sigma_frames_mm, np.nan) if fit else None,
            "valid": result.joints.valid,
            "velocity_mm_s": np.where(of_fit[:, None], fit.velocities_mm_s, np.nan) if fit else None,
            "acceleration_mm_s2": np.where(of_fit[:, None], fit.accelerations_mm_s2, np.nan) if fit else None,
            "angles_rad": fit.angles_rad if fit else None,
        },
    )


def _write_video(out: Path, recording: RecordingResult, split: str, tables: Tables) -> None:
    assert recording.times is not None
    truth, keypoints, files = recording.truth, recording.keypoints, recording.files
    frames = recording.times.n_frames
    pose3d = truth.pose3d_mm if truth else None
    pose2d = truth.pose2d_px if truth else None
    # A joint that the camera draws has a place in its frame too, so the pixels decide.
    valid = np.asarray(np.isfinite(pose2d).all(-1)) if pose2d is not None else np.zeros((frames, schema.N_JOINTS), bool)
    file = paths.video(files.id, files.participant, split)
    tables.file_rows[file] = write_arrays(
        out / file,
        schema.VIDEO,
        {
            "trial": files.trial,
            "recording": files.id,
            "time_ns": truth.time_ns if truth else None,
            "device_time_ns": _ns(recording.device_times_s),
            "pts": recording.times.pts,
            "pose3d_mm": pose3d,
            "pose2d_px": pose2d,
            "detected_px": keypoints.px if keypoints else None,
            "confidence": keypoints.confidence if keypoints else None,
            "valid": valid,
        },
    )


def _write_audio(out: Path, recording: RecordingResult, sound: SoundDescription, split: str, tables: Tables) -> None:
    files = recording.files
    # Features of a sound whose file states a wrong rate are those at the true one.
    stated = recording.clock.rate_ratio if recording.clock else 1.0
    for rate, features in sound.features.items():
        rows = len(features.values)
        device_s = np.arange(rows) / rate * stated
        columns: dict[str, NDArray[Any] | str | None] = {
            "trial": files.trial,
            "recording": files.id,
            **_audio_times(device_s, recording.clock),
            "features": features.values,
        }
        kind = schema.AUDIO_OTHER_RATE
        if rate == 100:
            kind = schema.AUDIO
            mel, track = sound.spectrogram, sound.pitch
            columns["log_mel_db"] = mel.levels_db[:rows] if mel else None
            columns["f0_hz"] = _fitted(track.f0_hz, rows) if track else None
            columns["voiced"] = _fitted(track.voiced, rows) if track else None
        file = paths.audio(files.id, files.participant, split, int(rate))
        tables.file_rows[file] = write_arrays(out / file, kind, columns)


def _audio_times(device_s: NDArray[np.float64], clock: ClockMap | None) -> dict[str, NDArray[Any] | None]:
    return {"time_ns": clock.apply_ns(device_s) if clock else None, "device_time_ns": _ns(device_s)}


def _fitted(values: NDArray[np.floating] | NDArray[np.bool_], rows: int) -> NDArray[np.floating]:
    """Bring a track to ``rows`` rows, NaN beyond its end: pitch may end a row earlier or later than the features."""
    out = np.full(rows, np.nan)
    count = min(rows, len(values))
    out[:count] = values[:count]
    return out


def _trial_row(result: TrialResult, raw: RawCapture, split: str) -> Row:
    files, markers, joints = result.files, result.markers, result.joints
    row: Row = {
        "trial": files.id,
        "participant": files.participant,
        "split": split,
        "status": schema.STATUS_EXCLUDED if result.excluded else schema.STATUS_BUILT,
        "marker_file": _below(raw, files.marker_file),
        "notes": list(result.notes),
    }
    if markers is not None and joints is not None:
        row |= {
            "seconds": markers.seconds,
            "rate_hz": markers.rate_hz,
            "frames": markers.n_frames,
            "start_ns": int(markers.times_ns[0]) if markers.n_frames else None,
            "marker_set": joints.marker_set or None,
            "gap_share": float(np.mean(~markers.valid)) if markers.valid.size else None,
            "joint_methods": list(joints.method),
            "joint_valid_share": [float(v) for v in joints.valid.mean(0)],
        }
    return row


def _recording_row(files: RawRecording, raw: RawCapture, split: str, status: str) -> Row:
    return {
        "recording": files.id,
        "trial": files.trial,
        "participant": files.participant,
        "device": files.device,
        "kind": files.kind,
        "split": split,
        "status": status,
        "video_file": _below(raw, files.video or files.frames_csv),
        "audio_file": _below(raw, files.audio),
    }


def _recording_facts(recording: RecordingResult) -> Row:
    clock, times, sound, camera = recording.clock, recording.times, recording.sound, recording.camera
    size = (times.size_px if times else None) or (camera.size_px if camera else None)
    row: Row = {
        "calibrated": camera is not None and times is not None,
        "camera_model": json.dumps(camera.to_dict()) if camera else None,
        "keypoints": recording.keypoints.source if recording.keypoints else None,
        "notes": list(recording.notes),
    }
    if clock:
        row |= {
            "offset_s": clock.offset_s,
            "drift_ppm": clock.drift_ppm,
            "sigma_ms": recording.sigma_s * 1000,
            "confidence": clock.confidence,
            "sync_method": clock.method,
        }
        if clock.drift_sigma_ppm:
            row["drift_sigma_ppm"] = clock.drift_sigma_ppm
        if clock.skew_sigma_s:
            row |= {"skew_ms": clock.skew_s * 1000, "skew_sigma_ms": clock.skew_sigma_s * 1000}
    if times:
        row |= {
            "frames": times.n_frames,
            **_first_and_last(recording.truth),
            "time_base": str(times.time_base),
            "width_px": size[0] if size else None,
            "height_px": size[1] if size else None,
            "codec": times.codec or None,
        }
    if sound:
        row |= {
            "audio_rate_hz": float(sound.rate_hz),
            "audio_start_s": float(sound.start_s),
            "audio_seconds": float(sound.seconds),
        }
    return row


def _first_and_last(truth: FrameTruth | None) -> Row:
    if truth is None or truth.time_ns is None or not len(truth.time_ns):
        return {}
    return {"first_frame_ns": int(truth.time_ns[0]), "last_frame_ns": int(truth.time_ns[-1])}


def _participant_row(name: str, raw: RawCapture, splits: Splits, tables: Tables) -> Row:
    person = raw.layout.participants[name]
    known = {key: value for key, value in tables.measurements.get(name, person.measurements).items()}
    return {
        "participant": name,
        "split": splits.participants.get(name),
        "sex": person.sex,
        "age_group": person.age_group,
        "level": person.level,
        "handedness": person.handedness,
        "consent": None if person.consent is None else "yes" if person.consent else "no",
        **{key: value for key, value in known.items() if key in schema.PARTICIPANTS.names},
        "measurement_sources": dict(tables.measurement_sources.get(name, {})),
    }


def _camera_row(device: str, raw: RawCapture) -> Row:
    camera = raw.cameras[device]
    return {
        "camera": device,
        "calibration_id": raw.calibration_ids[device],
        "width_px": camera.size_px[0],
        "height_px": camera.size_px[1],
        "model": json.dumps(camera.to_dict()),
        "source": Path(camera.source).name,
        "notes": list(camera.notes),
    }


def _below(raw: RawCapture, path: Path | None) -> str | None:
    return path.relative_to(raw.folder).as_posix() if path else None


def _ns(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(seconds * 1e9).astype(np.int64)
